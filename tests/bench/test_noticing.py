"""The benchmark of noticing: its figures come out. Nothing is timed."""

import re

from bench.calling import bench, needs_linux

pytestmark = needs_linux


def test_each_trouble_is_noticed() -> None:
    done = bench("--times", "1", "--away", "1", module="bench.noticing")
    assert (done.returncode, done.stderr) == (0, "")
    print(done.stdout)
    spans = r"median [\d.]+ s, [\d.]+ to [\d.]+ s, 1 times"
    whats = (
        "UDP is swallowed", "the same: to the reason", "UDP never passed", "another public address",
        "relay killed, back after 1 s", "the same without a word",
    )  # fmt: skip
    for what, line in zip(whats, done.stdout.splitlines(), strict=True):
        assert re.fullmatch(rf"{what}.*: {spans}", line)
