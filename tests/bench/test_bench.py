"""The benchmark itself: it builds, its figures come out, and at a low rate nothing is lost. Nothing is timed."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from bench.calling import bench, needs_linux

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")

MEASURED = r"[\d.]+ ms"
NOTHING = r"0 +0"  # neither lost nor duplicated
COUNTS = r"[1-9][\d,]* \([1-9][\d,]*, [1-9][\d,]*\)"
RATIO = r"\d+\.\d\d \(\d+\.\d\d, \d+\.\d\d\)"


def figures(output: str, shape: str) -> dict[str, str]:
    """Return what is beside each name in the table, for one shape."""
    part = output[output.index(f"\n{shape} ") :]
    return dict(re.findall(r"^(?:\d+ x \d+)? +([a-z][\w, ]*?)  +(\d.*)$", part, re.MULTILINE)[:4])


@needs_linux
@needs_gcc
def test_relay_and_references_are_compared(tmp_path: Path) -> None:
    picture = tmp_path / "bars.svg"
    done = bench(
        "--shape", "2x3", "--shape", "1x40", "--rate", "200", "--seconds", "0.3", "--runs", "2",
        "--picture", str(picture),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    for shape in ("2 x 3", "1 x 40"):
        found = figures(done.stdout, shape)
        assert re.fullmatch(rf"{COUNTS} +{MEASURED} +{MEASURED} +{NOTHING}", found["relay"])
        for reference in ("reference", "reference, GSO"):
            assert re.fullmatch(rf"{COUNTS} +{RATIO} +{MEASURED} +{MEASURED} +{NOTHING}", found[reference])
            assert re.search(
                rf"^{shape}, relay / {reference}, round by round: [\d.]+ [\d.]+$", done.stdout, re.MULTILINE
            )
    assert "reference, GSO</text>" in picture.read_text(encoding="utf-8")


@needs_linux
@needs_gcc
@pytest.mark.parametrize("mixed", [(), ("--mixed",)])
def test_the_closed_loop_needs_no_rate(mixed: tuple[str, ...]) -> None:
    """Many messages of a room come in a batch here, so the kernel cuts those of the reference with GSO."""
    done = bench("--here", "--shape", "4x5", "--seconds", "0.2", "--runs", "1", *mixed, RELAY_EVENT_LOOP="asyncio")
    assert (done.returncode, done.stderr) == (0, "")
    found = figures(done.stdout, "4 x 5")
    for who in ("relay", "reference", "reference, GSO"):
        assert re.search(rf"^[1-9].* {NOTHING}$", found[who]), done.stdout


@needs_linux
@needs_gcc
@pytest.mark.parametrize("place", [".venv/bin", "bin"])
def test_another_build_is_run_in_turn(tmp_path: Path, place: str) -> None:
    ran = tmp_path / "ran"
    command = tmp_path / place / "relay-server"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\necho >> {ran}\nexec {sys.executable} -m relay_server "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    done = bench(
        "--here", "--shape", "2x3", "--rate", "200", "--seconds", "0.2", "--runs", "2", "--against", str(tmp_path)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        rf"{COUNTS} +{RATIO} +{MEASURED} +{MEASURED} +{NOTHING}", figures(done.stdout, "2 x 3")["other build"]
    )
    assert ran.read_text(encoding="utf-8") == "\n\n"


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
        (["--against", "/nowhere"], "'/nowhere' has no .venv/bin/relay-server"),
        (["--against", "/", "--latency"], "no bin/relay-server"),
        (["--picture", "/nowhere/bars.svg"], "in a folder that exists"),
        (["--picture", "bars.png"], "must end in .svg"),
        (["--joins", "20", "--picture", "bars.svg"], "have a picture"),
        (["--write", "--shape", "2x3"], "default shapes"),
        (["--write", "--profile", "--mixed"], "leave --mixed out"),
        (["--latency", "--mixed"], "leave --mixed out"),
    ],
)
def test_mistakes_get_one_sentence(arguments: list[str], word: str) -> None:
    done = bench(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert word in done.stderr


@needs_linux
def test_the_document_is_not_written_with_other_settings() -> None:
    done = bench("--write", RELAY_EVENT_LOOP="asyncio")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unset RELAY_EVENT_LOOP, or use --picture" in done.stderr


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
