"""Where Qt can't be loaded or finds no screen, one sentence says what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.markdown import read
from messenger.desktop.loading import DEBIAN_PACKAGES


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
