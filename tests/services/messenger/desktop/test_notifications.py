"""Notifications over D-Bus: a bus of one's own, and somebody on it who shows them."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from jeepney import DBusAddress, HeaderFields, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
from pytestqt.qtbot import QtBot

from messenger.core.history import Kind, Line
from messenger.desktop.actions import Do
from messenger.desktop.app import hears_sound, keep_sound
from messenger.desktop.notifications import Notifications
from services.messenger.core.fake_relay import NOON
from services.messenger.desktop.sight import Sight

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
NUMBER = 7
SECONDS = 20.0

pytestmark = pytest.mark.needs("dbus")


class Desktop:
    """Shows notifications, as a desktop does."""

    def __init__(self, address: str) -> None:
        self.shown: Queue[tuple[Any, ...]] = Queue()
        self._bus = open_dbus_connection(address)
        self._bus.send_and_get_reply(message_bus.RequestName(NAME))
        self._serving = threading.Thread(target=self._serve)
        self._serving.start()

    def click(self) -> None:
        emitter = DBusAddress(PATH, interface=NAME)
        self._bus.send(new_signal(emitter, "ActionInvoked", "us", (NUMBER, "default")))

    def wait(self) -> None:
        """Wait until the bus has gone."""
        self._serving.join(SECONDS)
        self._bus.close()

    def _serve(self) -> None:
        while True:
            try:
                call = self._bus.receive()
            except (OSError, EOFError):
                return
            if call.header.fields.get(HeaderFields.member) == "Notify":
                self._bus.send(new_method_return(call, "u", (NUMBER,)))
                self.shown.put(call.body)


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        assert daemon.stdout
        address = daemon.stdout.readline().strip()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        desktop = Desktop(address)
        yield desktop
        daemon.kill()
        desktop.wait()


def test_without_a_tray_a_notification_is_shown_over_the_bus_and_a_click_leads_to_the_room(
    desktop: Desktop, sight: Sight, qtbot: QtBot
) -> None:
    window = sight.open_window()
    assert window.attention.tray is None
    conversation = sight.enter()
    other = sight.look_away()
    line = Line(Kind.MESSAGE, NOON, "<b>hi</b>", "bob")
    window.attention.alert(conversation, line)
    _, _, _, title, text, actions, hints, _ = desktop.shown.get(timeout=SECONDS)
    assert (title, actions[0]) == ("demo", "default")
    assert "<b>" not in text
    assert hints["sound-name"] == ("s", "message-new-instant")
    shown = window.attention.notifications
    assert shown
    qtbot.waitUntil(lambda: shown._shown == NUMBER, timeout=round(SECONDS * 1000))
    with qtbot.waitSignal(window.attention.wanted, timeout=round(SECONDS * 1000)) as clicked:
        desktop.click()
    assert clicked.args == [conversation]
    other.close()


def test_the_sound_can_be_switched_off_for_good(desktop: Desktop, sight: Sight, tmp_path: Path) -> None:
    window = sight.open_window()
    window.actions_by_name[Do.SOUND].trigger()
    other = sight.look_away()
    window.attention.alert(sight.enter(), Line(Kind.MESSAGE, NOON, "hi", "bob"))
    hints = desktop.shown.get(timeout=SECONDS)[6]
    assert hints["suppress-sound"] == ("b", True)
    assert "sound-name" not in hints
    assert hears_sound(tmp_path / "window.ini")
    keep_sound(tmp_path / "window.ini", sound=window.attention.sound)
    assert not hears_sound(tmp_path / "window.ini")
    other.close()


def test_who_is_called_by_name_reads_it_in_the_title(desktop: Desktop, sight: Sight) -> None:
    window = sight.open_window()
    other = sight.look_away()
    window.attention.alert(sight.enter(), Line(Kind.MESSAGE, NOON, "Ann!", "bob", "ann"))
    assert desktop.shown.get(timeout=SECONDS)[3] == "demo: bob mentioned you"
    other.close()


@pytest.mark.parametrize("address", [None, "unix:path=/nonexistent", "junk", ""])
def test_without_a_bus_there_are_none(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    if address is not None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    assert Notifications.find() is None
