"""Links that lead into a room: ``chat://host:port/room``, and ``chats://`` where the join is encrypted."""

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final
from unicodedata import normalize
from urllib.parse import quote, unquote, urlsplit

from chatbrain import ServerAddress, parse_server
from chatproto import check_room_name, sanitize
from chatproto.constants import DEFAULT_LOBBY_PORT, DEFAULT_TCP_PORT
from messenger.core.entry import Entry

PLAIN_SCHEME: Final = "chat"
TLS_SCHEME: Final = "chats"
_ZONE: Final = "%25"
"""Stands in an address for the sign before a zone (RFC 6874)."""
_SENTENCE_ENDS: Final = ".,;:!?"


class BadInviteError(ValueError):
    """A text is no invitation."""

    def __init__(self, text: str) -> None:
        self.text = sanitize(text.strip())
        super().__init__(f"This is no invitation: {self.text}. One looks like chat://HOST:PORT/ROOM.")


@dataclass(frozen=True, slots=True)
class Invite:
    """Where an invitation leads; never a name, never a password."""

    server: ServerAddress
    room: str | None
    """None for the lobby."""
    tls: bool = False

    @classmethod
    def to(cls, entry: Entry) -> "Invite":
        """Invite to where somebody is."""
        return cls(entry.server, entry.room, entry.tls is not None)

    @property
    def is_for_others(self) -> bool:
        """Whether it leads anywhere but to the machine on which it is read."""
        try:
            return not ip_address(self.server.host.partition("%")[0]).is_loopback
        except ValueError:
            return self.server.host.lower().rstrip(".") != "localhost"

    def at(self, host: str) -> "Invite":
        """Return the same at another address of the relay's machine."""
        return replace(self, server=ServerAddress(host, self.server.port))

    def __str__(self) -> str:
        scheme = TLS_SCHEME if self.tls else PLAIN_SCHEME
        room = quote(self.room or "", safe="")
        if room.endswith(tuple(_SENTENCE_ENDS)):  # which is no part of an invitation that stands in a sentence
            room = f"{room[:-1]}%{ord(room[-1]):02X}"
        return f"{scheme}://{str(self.server).replace('%', _ZONE)}/{room}"


def is_invite(text: str) -> bool:
    """Tell whether a text means to be an invitation."""
    return _bare(text).lower().startswith((f"{PLAIN_SCHEME}:", f"{TLS_SCHEME}:"))


def parse_invite(text: str) -> Invite:
    """Read an invitation; without a room it leads to the lobby.

    Raises:
        BadInviteError: it is none.
        BadServerError: its server is no address.
        BadNameError: the room's name can't be used.

    """
    try:
        parts = urlsplit(_bare(text))
        room = normalize("NFC", unquote(parts.path.removeprefix("/"), errors="strict"))
    except ValueError:  # UnicodeDecodeError is one
        raise BadInviteError(text) from None
    is_place = parts.netloc and "@" not in parts.netloc and not (parts.query or parts.fragment)
    if parts.scheme not in {PLAIN_SCHEME, TLS_SCHEME} or not is_place:
        raise BadInviteError(text)
    tls = parts.scheme == TLS_SCHEME
    place = parts.netloc.replace(_ZONE, "%")
    if not room:
        if tls:
            raise BadInviteError(text)
        return Invite(parse_server(place, DEFAULT_LOBBY_PORT), None)
    return Invite(parse_server(place, DEFAULT_TCP_PORT), check_room_name(room.encode()), tls)


def _bare(text: str) -> str:
    """Return what is left without what stands around an address in a sentence."""
    return text.strip().lstrip("<\"'").rstrip(f">\"'{_SENTENCE_ENDS}")
