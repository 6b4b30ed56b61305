"""Which rooms a relay tells of, as it lists them for whoever asks (LIST-01)."""

import json
from dataclasses import dataclass
from typing import Any, Final

from chatproto.constants import MAX_LISTED_ROOMS, MAX_TOPIC_BYTES
from chatproto.errors import BadNameError, MalformedError
from chatproto.json_values import harmless_text
from chatproto.text import check_room_name

LIST_REQUEST: Final = b'{"reply":"json","features":["notices"]}'
"""The payload that asks for the list."""
_MAX_MEMBERS: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room that somebody may join; all of it is harmless to show in one line."""

    name: str
    members: int
    password: bool = False
    """Whether it takes a password to join."""
    sealed: bool = False
    """Whether it takes a key to read what is said (SEAL-01)."""
    topic: str = ""


def read_room_list(payload: bytes) -> tuple[ListedRoom, ...]:
    """Read a list in its order, at most 200 rooms, without those that can't be used: the relay is a stranger.

    Raises:
        MalformedError: it is no list.

    """
    try:
        listed = json.loads(payload)["rooms"]
    except (ValueError, RecursionError, KeyError, TypeError):
        listed = None
    if not isinstance(listed, list):
        raise MalformedError('The list of rooms is no JSON object with a list under "rooms".')
    found = (_read_room(each) for each in listed[:MAX_LISTED_ROOMS])
    return tuple({room.name: room for room in found if room}.values())


def _read_room(fields: Any) -> ListedRoom | None:
    match fields:
        case {"name": str(name), "members": int(members)} if members is not True and 0 <= members <= _MAX_MEMBERS:
            try:
                check_room_name(name.encode("utf-8", "surrogatepass"))
            except BadNameError:
                return None
            password, sealed = fields.get("password") is True, fields.get("sealed") is True
            return ListedRoom(name, members, password, sealed, _read_topic(fields.get("topic")))
    return None


def _read_topic(topic: Any) -> str:
    return harmless_text(topic[:MAX_TOPIC_BYTES]) if isinstance(topic, str) else ""
