"""What is said without a console is shown in a box: Windows starts the window without one."""

import sys

import pytest

from messenger.desktop import boxed
from messenger.desktop.__main__ import main

Shown = list[tuple[str, bool]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Keep what boxes would show."""
    boxes: Shown = []
    monkeypatch.setattr(boxed, "_show", lambda words, well: boxes.append((words, well)))
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
    assert boxed.run_boxed(lambda: 0) == 0
    assert shown == []


def test_with_a_console_it_says_so_there(capsys: pytest.CaptureFixture[str]) -> None:
    def program() -> int:
        sys.stderr.write("no\n")
        return 2

    assert boxed.run_boxed(program) == 2
    assert capsys.readouterr().err == "no\n"
