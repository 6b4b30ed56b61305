"""How the app ends."""

import io
import sys

import pytest

from messenger.terminal.app import ChatApp
from messenger.terminal.start_screen import Form
from services.messenger.core.fake_relay import Case


def test_nothing_is_written_to_a_terminal_that_has_gone(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's own drivers would wait until somebody takes what they write."""
    written: list[str] = []
    monkeypatch.setattr("textual.drivers.linux_driver.LinuxDriver.write", lambda _driver, data: written.append(data))
    monkeypatch.setattr(ChatApp, "exit", lambda _app: None)
    app = ChatApp(case.messenger, form=Form(name="ann"))
    driver_class = app.get_driver_class()
    driver = driver_class.__new__(driver_class)  # one that is set up takes the terminal
    driver.write("here")
    monkeypatch.setattr(sys, "__stdin__", io.StringIO())
    app.leave_at_end()
    driver.write("gone")
    assert written == ["here"]
