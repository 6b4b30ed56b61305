"""Passwords of rooms in the system's key ring, where there is one."""

from importlib import import_module
from typing import Any, Final

from messenger.core.entry import Entry

_SERVICE: Final = "Online Chat Messenger"


class KeyRing:
    """Finds and keeps passwords; whatever goes wrong only means that a person types them."""

    def __init__(self, keyring: Any) -> None:
        self._keyring = keyring

    def find(self, server: str, room: str) -> str:
        """Return a room's password; empty if there is none."""
        try:
            return str(self._keyring.get_password(_SERVICE, f"{server}/{room}") or "")
        except Exception:  # noqa: BLE001 - key rings fail in many ways
            return ""

    def keep(self, entry: Entry) -> bool:
        """Keep a room's password; tells whether it could be done."""
        try:
            self._keyring.set_password(_SERVICE, f"{entry.server}/{entry.room}", entry.password or "")
        except Exception:  # noqa: BLE001 - key rings fail in many ways
            return False
        return True


def key_ring() -> KeyRing | None:
    """Return the system's key ring; None if there is none that keeps secrets."""
    try:
        keyring: Any = import_module("keyring")
        if keyring.get_keyring().priority <= 0:
            return None
    except Exception:  # noqa: BLE001 - a library that is optional, and asks the system at its start
        return None
    return KeyRing(keyring)
