"""The benchmark itself: it builds, its figures come out, and at a low rate nothing is lost. Nothing is timed."""

import re
import shutil
from pathlib import Path

import pytest

from bench.calling import bench, needs_linux

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")

MEASURED = r"[\d.]+ ms"
NOTHING = r"0 +0"  # neither lost nor duplicated


@needs_linux
@needs_gcc
def test_relay_and_reference_are_compared() -> None:
    done = bench("--shape", "2x3", "--shape", "1x40", "--rate", "200", "--seconds", "0.3", "--runs", "1")
    assert (done.returncode, done.stderr) == (0, "")
    for shape in ("2 x 3", "1 x 40"):
        relay, reference = re.findall(rf"^{shape} +(relay .*)\n +(reference .*)$", done.stdout, re.MULTILINE)[0]
        ratio = r"\d+\.\d\d \(\d+\.\d\d, \d+\.\d\d\)"
        assert re.fullmatch(rf"relay +[1-9][\d,]* +{ratio} +{MEASURED} +{MEASURED} +{NOTHING}", relay)
        assert re.fullmatch(rf"reference +[1-9][\d,]* +{MEASURED} +{MEASURED} +{NOTHING}", reference)


@needs_linux
@needs_gcc
@pytest.mark.parametrize("mixed", [(), ("--mixed",)])
def test_the_closed_loop_needs_no_rate(mixed: tuple[str, ...]) -> None:
    done = bench("--here", "--shape", "4x5", "--seconds", "0.2", "--runs", "1", *mixed, RELAY_EVENT_LOOP="asyncio")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^4 x 5 +relay +[1-9]", done.stdout, re.MULTILINE)


@needs_linux
@needs_gcc
def test_the_exercise() -> None:
    done = bench("--here", "--exercise", "--seconds", "0.2")
    assert (done.returncode, done.stderr) == (0, "")
    for shape in ("500 x 10", "1 x 1000"):
        assert re.search(rf"^{shape} +[\d,]+ +[1-9][\d,]* +{MEASURED}", done.stdout, re.MULTILINE)


@needs_linux
@needs_gcc
def test_a_siege() -> None:
    done = bench("--here", "--siege", "50", "--seconds", "0.5", RELAY_TRANSACTION_TIMEOUT_SECONDS="1")
    assert (done.returncode, done.stderr) == (0, "")
    for when in ("in peace", "besieged"):
        assert re.search(
            rf"^{when}: +\d+ joins: p50 {MEASURED}, p99 {MEASURED}; chat: p50 {MEASURED}, p99 {MEASURED}, 0 lost$",
            done.stdout,
            re.MULTILINE,
        )
    assert "All of 50 were closed" in done.stdout


@needs_linux
def test_mass_joins() -> None:
    done = bench("--here", "--joins", "200")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^200 members joined in [\d.]+ s: [1-9][\d,]* a second, [1-9]", done.stdout, re.MULTILINE)
    assert re.search(r"grew by [\d,]+ KiB: \d+\.\d\d KiB a member\.$", done.stdout, re.MULTILINE)


@needs_linux
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--shape", "20"], "'20' is no shape"),
        (["--shape", "1x1"], "'1x1' is no shape"),
        (["--rate", "fast"], "'fast' is no number"),
        (["--runs", "0"], "'0' is no number"),
        (["--seconds", "0"], "0 seconds"),
        (["--joins", "20", "--exercise"], "not allowed with"),
    ],
)
def test_mistakes_get_one_sentence(arguments: list[str], word: str) -> None:
    done = bench(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert word in done.stderr


@needs_linux
def test_without_a_compiler_it_says_what_to_install(tmp_path: Path) -> None:
    done = bench("--here", PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == "bench: gcc is needed to build the reference relay and the load: install it (package gcc).\n"


@needs_linux
@needs_gcc
def test_a_relay_that_does_not_start_is_reported() -> None:
    done = bench("--here", "--runs", "1", RELAY_MESSAGE_BURST="none")
    assert done.returncode == 1
    assert done.stderr.endswith("bench: The relay didn't start: see what it says above.\n")
    assert "Traceback" not in done.stderr
