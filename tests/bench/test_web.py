"""The benchmark of browsers: its figure comes out. Nothing is timed."""

import re

from bench.calling import bench, needs_linux

pytestmark = needs_linux


def test_deliveries_to_browsers() -> None:
    done = bench("--rooms", "2", "--members", "3", "--messages", "3", module="bench.web")
    assert (done.returncode, done.stderr) == (0, "")
    print(done.stdout)
    assert re.fullmatch(
        r"12 deliveries to browsers: [\d.]+ us of CPU each, latency p50 [\d.]+ ms, p99 .*\n", done.stdout
    )
