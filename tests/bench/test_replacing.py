"""The benchmark of replacements: its figures come out. Nothing is timed."""

import re

from bench.calling import bench, needs_linux

pytestmark = needs_linux


def test_pauses_of_a_relay_that_is_replaced() -> None:
    done = bench("--members", "50", "--times", "2", module="bench.replacing")
    assert (done.returncode, done.stderr) == (0, "")
    print(done.stdout)
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["members", "loop", "pause,", "median", "longest", "all", "of", "it", "state"]
    assert [line.split()[:2] for line in lines] == [["50", "uvloop"], ["50", "asyncio"]]
    assert all(re.fullmatch(r" +50 +\w+ +[\d.]+ ms +[\d.]+ ms +[\d.]+ s +[\d.]+ MB", line) for line in lines)
