"""The application around the windows."""

import os
from collections.abc import Iterator
from contextlib import closing
from errno import ENOENT, ENOSPC
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from messenger.core.conversation import Conversation
from messenger.core.history import Line
from messenger.desktop.app import build
from messenger.desktop.window import Window
from messenger.store.logbook import Logbook
from messenger.store.recents import Recents
from services.messenger.core.fake_relay import FakeIgnored, FakeLinks, FakeRelay, FakeTrust, entry


def test_the_system_speaks_of_errors_as_before(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "ja")
    assert qapp.applicationName() == "chat-desktop"
    assert os.strerror(ENOENT) == "No such file or directory"


@pytest.fixture
def window(qapp: QApplication, tmp_path: Path) -> Iterator[Window]:
    """Open a window with a log."""
    with closing(Logbook(tmp_path / "chat.log")) as logbook:
        links = FakeLinks(FakeRelay())
        window = build(qapp, links, FakeTrust(), FakeIgnored(), Recents(tmp_path / "recents.json"), logbook=logbook)
        yield window
        window.close_surely()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_what_is_said_is_logged_when_asked(window: Window, tmp_path: Path) -> None:
    window.messenger.submit(window.messenger.enter(entry()), "hello\nthere")
    logged = (tmp_path / "chat.log").read_text(encoding="utf-8")
    assert "[demo] You are in demo as ann." in logged
    assert "[demo] ann: hello\N{RETURN SYMBOL}there" in logged


def test_a_log_that_cannot_be_written_is_given_up_and_said_once(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(logbook: Logbook, _conversation: Conversation, _line: Line) -> None:
        raise logbook._error(OSError(ENOSPC, "No space left on device"))

    monkeypatch.setattr(Logbook, "write", fail)
    conversation = window.messenger.enter(entry())
    window.messenger.submit(conversation, "hello")
    told = [line.text for line in conversation.history.since(0) if "chat.log" in line.text]
    assert len(told) == 1
