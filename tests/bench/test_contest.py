"""Who runs when, and what is compared with what."""

import argparse
import subprocess
from functools import partial
from pathlib import Path

import pytest

from bench.contest import compete, relay_command
from bench.programs import Result


def run(ran: list[str], who: str, delivered: int) -> Result:
    ran.append(who)
    return Result(
        sent=1, expected=delivered, delivered=delivered, duplicated=0, seconds=1.0,
        cpu_seconds=float(len(ran)), p50_us=1, p99_us=1, worst_us=1,
    )  # fmt: skip


def test_every_other_round_is_run_backwards() -> None:
    ran: list[str] = []
    figures = {"ours": 120, "a": 60, "b": 30}
    contestants = {who: partial(run, ran, who, delivered) for who, delivered in figures.items()}
    comparison = compete("a shape", contestants, 3)
    assert ran == ["ours", "a", "b", "b", "a", "ours", "ours", "a", "b"]
    assert list(comparison.results) == ["ours", "a", "b"]
    assert comparison.ratios("a") == pytest.approx([(120 / 1) / (60 / 2), (120 / 6) / (60 / 5), (120 / 7) / (60 / 8)])


def test_a_round_without_deliveries_has_no_ratio() -> None:
    comparison = compete("a shape", {"ours": partial(run, [], "ours", 9), "dead": partial(run, [], "dead", 0)}, 2)
    assert comparison.ratios("dead") == []


def test_the_relay_of_a_folder_of_packages_is_the_one_that_runs(tmp_path: Path) -> None:
    package = tmp_path / "relay_server"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("print('the one of the folder')")
    done = subprocess.run(relay_command(str(tmp_path)), capture_output=True, text=True, check=True)
    assert done.stdout == "the one of the folder\n"


@pytest.mark.parametrize("place", [".venv/bin/relay-server", "bin/relay-server"])
def test_a_checkout_and_an_environment_have_their_own_command(tmp_path: Path, place: str) -> None:
    command = tmp_path / place
    with pytest.raises(argparse.ArgumentTypeError):
        relay_command(str(tmp_path))
    command.parent.mkdir(parents=True)
    command.touch(mode=0o755)
    assert relay_command(str(tmp_path)) == (str(command),)
