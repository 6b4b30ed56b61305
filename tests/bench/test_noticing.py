"""The benchmark of noticing: its figures come out. Nothing is timed."""

import re

import pytest

from bench.calling import bench, needs_linux

DEADLINE_SECONDS = 150.0
"""A member that says nothing notices only by its next keep-alive."""
pytestmark = [needs_linux, pytest.mark.timeout(DEADLINE_SECONDS + 10)]


def test_each_trouble_is_noticed() -> None:
    done = bench("--times", "1", "--away", "1", module="bench.noticing", deadline_seconds=DEADLINE_SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    print(done.stdout)
    spans = r"median [\d.]+ s, [\d.]+ to [\d.]+ s, 1 times"
    whats = (
        "UDP is swallowed", "the same: to the reason", "UDP never passed", "another public address",
        "relay killed, back after 1 s", "the same without a word",
    )  # fmt: skip
    for what, line in zip(whats, done.stdout.splitlines(), strict=True):
        assert re.fullmatch(rf"{what}.*: {spans}", line)
