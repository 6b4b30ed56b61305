"""The benchmark of streams: each part's figures come out. Nothing is timed."""

import re
import shutil

import pytest

from bench.calling import bench, needs_linux

RATIO = r"\d+\.\d\d \(\d+\.\d\d, \d+\.\d\d\)"
LATENCIES = r"[\d.]+ ms +[\d.]+ ms"

pytestmark = [needs_linux, pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")]


def measure(part: str) -> str:
    done = bench(
        "--here", "--only", part, "--runs", "1", "--seconds", "0.2", "--crowd", "40", module="bench.streams"
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_saturated_streams_beside_redis_where_it_is_installed() -> None:
    table = measure("saturated")
    redis = rf"(?: +[1-9][\d,]* +{RATIO}){{2}}" if shutil.which("redis-server") else ""
    for shape in ("20 x 20", "4 x 100", "100 x 5"):
        assert re.search(rf"^{shape} +\d+\.\d\d +[1-9][\d,]*{redis}$", table, re.MULTILINE)
    assert ("nothing is compared" in table) == (not redis)


def test_messages_that_come_alone() -> None:
    table = measure("alone")
    for shape in ("1 x 5", "1 x 20", "1 x 100", "20 x 10"):
        assert re.search(rf"^{shape} +\d+\.\d +\d+ +{LATENCIES} +\d+\.\d +{RATIO}$", table, re.MULTILINE)


def test_one_that_does_not_read() -> None:
    table = measure("stalled")
    assert re.search(rf"^all read +{LATENCIES}\none doesn't +{LATENCIES}\n.*: {RATIO} times", table, re.MULTILINE)


def test_idle_members() -> None:
    table = measure("idle")
    for kind in ("plain", "TLS"):
        assert re.search(rf"^40 {kind} +-?[\d.]+ +[1-9][\d,]* +[\d.]+%$", table, re.MULTILINE)
