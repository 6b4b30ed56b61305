"""What the app does besides drawing: links in a browser, a log."""

import webbrowser
from pathlib import Path

import pytest

from messenger.logbook import Logbook, LogbookError
from messenger.terminal.browsing import open_link
from messenger.terminal.running import log_into
from services.messenger.core.fake_relay import Case, entry, texts

URL = "https://example.org/"


@pytest.mark.parametrize(
    ("platform", "environment", "opens"),
    [
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_a_link_is_opened_only_where_there_is_a_screen_for_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], opens: bool
) -> None:
    opened: list[str] = []

    def note(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(webbrowser, "open", note)
    assert open_link(URL, environment) is opens
    assert opened == [URL] * opens


def test_a_browser_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_url: str) -> bool:
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "open", fail)
    assert not open_link(URL, {"DISPLAY": ":0"})


def test_a_log_keeps_what_is_said(case: Case, tmp_path: Path) -> None:
    log = Logbook(tmp_path / "log")
    log_into(log, case.messenger)
    case.messenger.enter(entry())
    case.relay.says("bob: hi")
    assert (tmp_path / "log").read_text(encoding="utf-8").endswith("[demo] bob: hi\n")
    log.close()


def test_a_log_that_cannot_be_written_is_said_once_and_the_chat_goes_on(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LogbookError("The disk is full.")

    log = Logbook(tmp_path / "log")
    log_into(log, case.messenger)
    room = case.messenger.enter(entry())
    monkeypatch.setattr(log, "write", fail)
    for text in ("one", "two"):
        case.relay.says(f"bob: {text}")
    assert texts(room.history.since(1)) == ["one", "The disk is full.", "two"]
    log.close()
