"""The benchmark of receipts: its table comes out. Nothing is timed."""

import re

import pytest

from bench.calling import bench, needs_linux

pytestmark = needs_linux


def test_what_receipts_cost() -> None:
    done = bench("--here", "--shape", "2x3", "--turns", "25", module="bench.receipts")
    assert (done.returncode, done.stderr) == (0, "")
    _, title, _, plain, numbered = done.stdout.splitlines()
    assert title == "2 x 3, 5 messages of each room in a turn, 25 turns each:"
    assert re.fullmatch(r"without receipts +[\d.]+ +[1-9][\d,]*", plain)
    assert re.fullmatch(r"with receipts +[\d.]+ +[1-9][\d,]* +[\d.]+ \([\d.]+, [\d.]+\)", numbered)


@pytest.mark.parametrize(
    ("arguments", "word"), [(["--shape", "2"], "rooms x members"), (["--turns", "0"], "from 1 up")]
)
def test_mistakes_get_one_sentence(arguments: list[str], word: str) -> None:
    done = bench(*arguments, module="bench.receipts")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert word in done.stderr
