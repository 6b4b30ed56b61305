"""Which rooms there are, for who looks for one (LIST-01)."""

import json
from collections.abc import Mapping
from heapq import nlargest
from typing import Any, Final

from chatproto.constants import MAX_LIST_BYTES, MAX_LISTED_ROOMS
from relay_server.core.model import Room

KEPT_SECONDS: Final = 1.0
"""A list is good for so long, so that it costs no more however many people ask."""


class RoomList:
    """The busiest rooms of this relay, as JSON."""

    def __init__(self, rooms: Mapping[bytes, Room], *, hides: bool) -> None:
        """``hides`` tells whether rooms with a password are nobody's business (PWD-05)."""
        self._rooms = rooms
        self._hides = hides
        self._made_at = float("-inf")
        self._made = b""

    def read(self, now: float) -> bytes:
        """Return the list, as it was a second ago at most."""
        if now >= self._made_at + KEPT_SECONDS:
            self._made_at, self._made = now, self._make()
        return self._made

    def _make(self) -> bytes:
        shown = (room for room in self._rooms.values() if not (self._hides and room.password_hash is not None))
        rooms = [_fields(room) for room in nlargest(MAX_LISTED_ROOMS, shown, key=lambda room: len(room.members))]
        while len(listed := _encode(rooms)) > MAX_LIST_BYTES:
            rooms = rooms[: len(rooms) * 9 // 10]
        return listed


def _fields(room: Room) -> dict[str, Any]:
    return {
        "name": room.name,
        "members": len(room.members),
        "password": room.password_hash is not None,
        "sealed": room.sealed,
        "topic": "" if room.sealed else room.topic,
    }


def _encode(rooms: list[dict[str, Any]]) -> bytes:
    return json.dumps({"rooms": rooms}, ensure_ascii=False, separators=(",", ":")).encode()
