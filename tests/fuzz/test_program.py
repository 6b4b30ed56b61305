"""`make fuzz`: it fuzzes, it keeps what it found, and what fails can be replayed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fuzz.corpus
from fuzz.campaign import Bounds, Campaign
from fuzz.corpus import load_harness, read_kept

TESTS = Path(__file__).resolve().parents[1]
RUNS = 20_000
PLANTED = """
SEEDS = (b"fine",)
WORDS = (b"oops",)

def check(data):
    assert b"oops" not in data, "somebody said oops"
"""

guided = pytest.mark.needs("atheris")


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Plant a harness that fails sooner or later; returns the folder to add to Python's path."""
    path = tmp_path / "fuzz" / "harnesses" / "planted.py"
    path.parent.mkdir(parents=True)
    path.write_text(PLANTED, encoding="ascii")
    return tmp_path


def run(*arguments: str, folder: Path) -> tuple[int, str]:
    """Run the program in a folder that may have harnesses too; returns its exit code and what it wrote."""
    command = [sys.executable, "-m", "fuzz", *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{folder}"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@guided
def test_it_tells_what_it_did(tmp_path: Path) -> None:
    code, said = run("frames", "notices", "--runs", "500", "--seed", "1", folder=tmp_path)
    assert code == 0, said
    assert "==> frames (1 of 2)" in said
    assert "1,000 inputs on " in said
    assert "| frames | 500 | " in said


@guided
def test_what_fails_can_be_replayed(planted: Path) -> None:
    code, said = run("planted", "--runs", str(RUNS), "--seed", "1", folder=planted)
    assert code == 1, said
    assert "AssertionError: somebody said oops" in said
    _, _, replay = said.partition("An input fails planted. Replay it with: make fuzz ARGS='")
    arguments = replay.partition("'")[0].split()
    assert b"oops" in (planted / arguments[-1]).read_bytes()
    code, said = run(*arguments, folder=planted)
    assert (code, "AssertionError: somebody said oops" in said) == (1, True), said


@guided
def test_what_is_kept_reaches_as_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setattr(fuzz.corpus, "FOLDER", tmp_path)
    campaign = Campaign("notices", tmp_path)
    figures = campaign.run(Bounds(seconds=0, runs=2000, seed=1), print)
    assert campaign.keep() == len(read_kept("notices")) > 0
    assert len(read_kept("notices")) <= figures.kept
    only_kept = Campaign("notices", tmp_path / "again")
    monkeypatch.setattr(load_harness("notices"), "SEEDS", ())
    assert only_kept.run(Bounds(seconds=0, runs=1, seed=1), print).edges == figures.edges


def test_an_input_that_passes_is_said_to(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"server: hello")
    code, said = run("notices", "--replay", "input", folder=tmp_path)
    assert (code, said) == (0, "notices passes these 13 bytes.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["frame"], "There is no harness frame: use some of addresses, client_transaction, "),
        (["--runs", "0"], "'0' is no number from 1 to 2147483647"),
        (["--replay", "input"], "Name the one harness that the input is for."),
        (["frames", "--replay", "none"], "The input none can't be read (No such file or directory)"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    code, said = run(*arguments, folder=tmp_path)
    assert code == 2
    assert said.startswith("fuzz: ")
    assert sentence in said
    assert said.count("\n") == 1
