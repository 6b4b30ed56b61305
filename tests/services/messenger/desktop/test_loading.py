"""Where Qt can't be loaded or finds no screen, one sentence says what to do; in a box where there is no console."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.markdown import read
from messenger.desktop import loading
from messenger.desktop.__main__ import main
from messenger.desktop.loading import DEBIAN_PACKAGES, run_boxed

Shown = list[tuple[str, bool]]


def run(*words: str, **variables: str) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if "DISPLAY" not in name and "QT" not in name}
    command = [sys.executable, "-m", "messenger.desktop", *words]
    ended = subprocess.run(
        command, env=environment | variables, capture_output=True, text=True, timeout=50, check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ('ModuleNotFoundError("No module named")', "Qt isn't installed: say make install-desktop, or pip install"),
        (
            'ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")',
            "Qt misses libEGL.so.1: on Debian or Ubuntu, apt install libdbus-1-3 libegl1 ",
        ),
        ('ImportError("DLL load failed")', "Qt can't be loaded (DLL load failed): install it anew."),
    ],
    ids=["none", "library", "other"],
)
def test_a_qt_that_does_not_load(tmp_path: Path, error: str, sentence: str) -> None:
    package = tmp_path / "PySide6"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "QtCore.py").write_text("")
    (package / "QtNetwork.py").write_text(f"raise {error}")
    code, out, said = run(PYTHONPATH=os.fspath(tmp_path))
    assert (code, out) == (2, "")
    assert said.startswith(f"chat-desktop: {sentence}")
    assert said.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
@pytest.mark.parametrize(
    ("variables", "why"),
    [({}, "there is no screen"), ({"DISPLAY": ":4242"}, "the screen doesn't answer")],
    ids=["none", "deaf"],
)
def test_a_screen_that_is_not_there(variables: dict[str, str], why: str) -> None:
    code, out, said = run(QT_QPA_PLATFORM="xcb", **variables)
    assert (code, out) == (2, "")
    assert said.startswith(f"chat-desktop: Qt can't open a window, for {why}")
    assert said.count("\n") == 1


def test_the_version_needs_no_qt(tmp_path: Path) -> None:
    (tmp_path / "PySide6.py").write_text("raise ImportError")
    code, out, said = run("--version", PYTHONPATH=os.fspath(tmp_path))
    assert (code, said) == (0, "")
    assert out.startswith("chat-desktop ")


def test_test_machines_get_what_people_are_told_to_install() -> None:
    assert " ".join(read("deploy/airgap/test-tools.sh").split()).find(" ".join(DEBIAN_PACKAGES)) > 0


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Keep what boxes would show."""
    boxes: Shown = []
    monkeypatch.setattr(loading, "_show", lambda words, well: boxes.append((words, well)))
    return boxes


def take_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be as Windows makes it; by each test itself, for pytest puts its own in place before one begins."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)


def test_a_wrong_command_line_is_told(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    take_console(monkeypatch)
    assert main(["https://example.org"]) == 2
    ((words, well),) = shown
    assert words.startswith("chat-desktop: ")
    assert "is not an invitation: " in words
    assert not well


def test_the_version_is_told(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    take_console(monkeypatch)
    assert main(["--version"]) == 0
    ((words, well),) = shown
    assert words.startswith("chat-desktop ")
    assert well


def test_who_has_nothing_to_say_shows_nothing(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    take_console(monkeypatch)
    assert run_boxed(lambda: 0) == 0
    assert shown == []


def test_with_a_console_it_says_so_there(capsys: pytest.CaptureFixture[str]) -> None:
    def program() -> int:
        sys.stderr.write("no\n")
        return 2

    assert run_boxed(program) == 2
    assert capsys.readouterr().err == "no\n"
