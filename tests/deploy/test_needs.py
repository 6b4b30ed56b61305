"""A test that lacks what it needs is skipped with a reason that helps, and fails where that must not happen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def needy(tmp_path: Path) -> Path:
    """Two tests that need Docker and one that needs nothing."""
    path = tmp_path / "test_needy.py"
    marked = '@pytest.mark.needs("docker")\ndef test_{}():\n    pass\n'
    path.write_text(f"import pytest\n{marked.format('a')}{marked.format('b')}def test_c():\n    pass\n")
    return path


def run(needy: Path, *, require: str) -> tuple[int, str]:
    """Run pytest where no command `docker` is to be found, and return its exit code and output."""
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "-rs", "-p", "conftest", "-p", "no:cacheprovider"]
    environment = {"PATH": os.fspath(needy.parent), "PYTHONPATH": os.fspath(TESTS), "CHAT_REQUIRE": require}
    ended = subprocess.run([*command, needy], env=environment, capture_output=True, text=True, timeout=50, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_all_skips_of_one_kind_are_one_line_that_says_how_to_get_it_whatever_else_is_required(needy: Path) -> None:
    code, output = run(needy, require="prometheus")
    assert code == 0, output
    assert "1 passed, 2 skipped" in output
    (line,) = [line for line in output.splitlines() if line.startswith("SKIPPED")]
    assert line.startswith("SKIPPED [2]")
    assert "no Docker engine with Compose and buildx answers: `sudo deploy/airgap/engine.sh` brings one" in line


def test_what_is_required_fails_when_it_is_missing(needy: Path) -> None:
    code, output = run(needy, require="prometheus,docker")
    assert code == 1, output
    assert "1 passed, 2 errors" in output
    assert "CHAT_REQUIRE=docker, but no Docker engine" in output


def test_an_unknown_requirement_is_refused(needy: Path) -> None:
    code, output = run(needy, require="dokcer")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "CHAT_REQUIRE: say some of docker,prometheus,systemd," in output
    assert ", not dokcer." in output
