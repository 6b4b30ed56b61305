"""Notifications on Linux where there is no tray for them, over D-Bus (org.freedesktop.Notifications).

Qt's own D-Bus can't say from Python that a number is unsigned, which this interface asks for.
"""

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from PySide6.QtCore import QObject, QSocketNotifier, Signal

if TYPE_CHECKING:
    from jeepney import Message
    from jeepney.io.blocking import DBusConnection

_INTERFACE: Final = "org.freedesktop.Notifications"
_PATH: Final = "/org/freedesktop/Notifications"
_OPEN: Final = "default"
"""The action of a click on a notification itself."""
_SOUND: Final = "message-new-instant"
"""As the sound naming specification of freedesktop.org calls it."""


class Notifications(QObject):
    """Shows notifications one after another, each in place of the one before."""

    clicked = Signal()

    def __init__(self, bus: "DBusConnection") -> None:
        super().__init__()
        self._bus = bus
        self._asked = self._shown = 0
        """The serial number of the newest request, and the number of the notification that is shown."""
        self._notifier = QSocketNotifier(bus.sock.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)

    @classmethod
    def find(cls) -> Self | None:
        """Connect to the desktop's bus; None where there is none."""
        if sys.platform == "linux" and "DBUS_SESSION_BUS_ADDRESS" in os.environ:
            from jeepney import MatchRule, message_bus  # noqa: PLC0415 - it is there on Linux alone
            from jeepney.io.blocking import open_dbus_connection  # noqa: PLC0415

            with suppress(OSError, ValueError, RuntimeError):  # an address of no bus, or of one that keeps us out
                bus = open_dbus_connection("SESSION")
                bus.send(message_bus.AddMatch(MatchRule(type="signal", interface=_INTERFACE, path=_PATH)))
                return cls(bus)
        return None

    def show(self, title: str, text: str, *, sound: bool, milliseconds: int) -> None:
        """Show a notification, and have the desktop make a sound if wanted."""
        from jeepney import DBusAddress, new_method_call  # noqa: PLC0415

        hints: dict[str, tuple[str, object]] = {"desktop-entry": ("s", "chat-desktop")}
        hints |= {"sound-name": ("s", _SOUND)} if sound else {"suppress-sound": ("b", True)}
        body = ("chat-desktop", self._shown, "chat-desktop", title, text, [_OPEN, title], hints, milliseconds)
        address = DBusAddress(_PATH, bus_name=_INTERFACE, interface=_INTERFACE)
        self._asked = next(self._bus.outgoing_serial)
        try:
            self._bus.send(new_method_call(address, "Notify", "susssasa{sv}i", body), serial=self._asked)
        except OSError:
            self.end()

    def end(self) -> None:
        """Let go of the bus."""
        self._notifier.setEnabled(False)
        self._bus.close()

    def _read(self) -> None:
        try:
            while True:
                self._take(self._bus.receive(timeout=0))
        except TimeoutError:
            pass
        except (OSError, EOFError):  # the bus has gone
            self._notifier.setEnabled(False)

    def _take(self, message: "Message") -> None:
        from jeepney import HeaderFields, MessageType  # noqa: PLC0415

        fields, kind = message.header.fields, message.header.message_type
        if kind is MessageType.method_return and fields.get(HeaderFields.reply_serial) == self._asked:
            (self._shown,) = message.body
        elif fields.get(HeaderFields.member) == "ActionInvoked" and message.body == (self._shown, _OPEN):
            self.clicked.emit()
