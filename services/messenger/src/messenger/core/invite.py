"""Links that lead into a room: ``chat://host:port/room``, and ``chats://`` where the join is encrypted.

The fragment may have the key of a sealed room, ``#k=KEY``. A link of a web page, ``https://host/#room=room``, leads to
the relay of the page's machine, by TLS unless the page is plain ``http://``.
"""

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final
from unicodedata import normalize
from urllib.parse import SplitResult, quote, unquote, urlsplit

from chatbrain import ServerAddress, parse_server
from chatproto import check_room_name, sanitize
from chatproto.constants import DEFAULT_LOBBY_PORT, DEFAULT_TCP_PORT
from chatproto.sealing import RoomKey
from messenger.core.entry import Entry
from messenger.core.schemes import PLAIN_SCHEME, SENTENCE_ENDS, TLS_SCHEME, WEB_SCHEMES, bare

_ZONE: Final = "%25"
"""Stands in an address for the sign before a zone (RFC 6874)."""


class BadInviteError(ValueError):
    """A text is no invitation."""

    def __init__(self, text: str) -> None:
        self.text = sanitize(text.strip().partition("#")[0])
        """Without the fragment, which may have a key."""
        super().__init__(
            f"This is no invitation: {self.text}. One looks like chat://HOST:PORT/ROOM or https://HOST/#room=ROOM."
        )


@dataclass(frozen=True, slots=True)
class Invite:
    """Where an invitation leads; never a name, never a password.

    ``str()`` is what may be shown and kept. Only `link` has the key of a sealed room.
    """

    server: ServerAddress
    room: str | None
    """None for the lobby."""
    tls: bool = False
    key: RoomKey | None = None
    """None if the room isn't sealed."""

    @classmethod
    def to(cls, entry: Entry) -> "Invite":
        """Invite to where somebody is."""
        return cls(entry.server, entry.room, entry.tls is not None, entry.key)

    @property
    def link(self) -> str:
        """The whole invitation: whoever has it can read a sealed room."""
        return f"{self}#k={self.key.text}" if self.key else str(self)

    @property
    def is_for_others(self) -> bool:
        """Whether it leads anywhere but to the machine on which it is read."""
        try:
            return not ip_address(self.server.host.partition("%")[0]).is_loopback
        except ValueError:
            return self.server.host.lower().rstrip(".") != "localhost"

    def unlock(self, entry: Entry) -> Entry:
        """Give the key to who goes where it leads."""
        return (
            replace(entry, key=self.key, key_is_new=False)
            if (self.server, self.room) == (entry.server, entry.room)
            else entry
        )

    def at(self, host: str) -> "Invite":
        """Return the same at another address of the relay's machine."""
        return replace(self, server=ServerAddress(host, self.server.port))

    def __str__(self) -> str:
        scheme = TLS_SCHEME if self.tls else PLAIN_SCHEME
        return f"{scheme}://{str(self.server).replace('%', _ZONE)}/{_encode(self.room or '')}"


@dataclass(frozen=True, slots=True)
class PageInvite:
    """An invitation for browsers; ``str()`` is what may be shown, as of `Invite`."""

    page: str
    """The address of the relay's page, as the relay tells it (WEB-05)."""
    room: str
    key: RoomKey | None = None

    @classmethod
    def to(cls, entry: Entry, page: str) -> "PageInvite | None":
        """Invite to where somebody is; None to the lobby, or where the relay tells of no page."""
        return None if entry.room is None or not page else cls(page, entry.room, entry.key)

    @property
    def link(self) -> str:
        """The whole invitation: whoever has it can read a sealed room."""
        return self._write(f"k={self.key.text}" if self.key else "")

    def __str__(self) -> str:
        return self._write()

    def _write(self, key: str = "") -> str:
        address, _, port = self.page.partition("#")
        return f"{address}#{'&'.join(filter(None, (f'room={_encode(self.room)}', key, port)))}"


def parse_invite(text: str) -> Invite:
    """Read an invitation; without a room it leads to the lobby.

    Raises:
        BadInviteError: it is none.
        BadServerError: its server is no address.
        BadNameError: the room's name can't be used.
        BadRoomKeyError: its key is none.

    """
    try:
        parts = urlsplit(bare(text))
        room = _decode(parts.path.removeprefix("/"))
        fields = _fields(parts.fragment)
    except ValueError:  # UnicodeDecodeError is one
        raise BadInviteError(text) from None
    allowed = {"room", "k", "port"} if parts.scheme in WEB_SCHEMES else {"k"}
    if not parts.netloc or "@" in parts.netloc or parts.query or not fields.keys() <= allowed:
        raise BadInviteError(text)
    match parts.scheme:
        case "chat" | "chats" if room or not (fields or parts.scheme == TLS_SCHEME):
            return _lead(_place(parts), room, fields, tls=parts.scheme == TLS_SCHEME)
        case "https" | "http" if not room and fields.get("room"):
            return _lead(_web_place(parts, fields), fields["room"], fields, tls=parts.scheme == "https")
    raise BadInviteError(text)


def _lead(place: str, room: str, fields: dict[str, str], *, tls: bool) -> Invite:
    if not room:
        return Invite(parse_server(place, DEFAULT_LOBBY_PORT), None)
    key = RoomKey.parse(fields["k"]) if "k" in fields else None
    return Invite(parse_server(place, DEFAULT_TCP_PORT), check_room_name(room.encode()), tls, key)


def _place(parts: SplitResult) -> str:
    return parts.netloc.replace(_ZONE, "%")


def _web_place(parts: SplitResult, fields: dict[str, str]) -> str:
    """Return where the relay of a web page is: the port of the address is the page's."""
    host = parse_server(_place(parts), DEFAULT_TCP_PORT).host
    port = fields.get("port", str(DEFAULT_TCP_PORT))
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _fields(fragment: str) -> dict[str, str]:
    """Read ``name=value&name=value``.

    Raises:
        ValueError: it is anything else, or a name comes twice.

    """
    pairs = [pair.split("=", 1) for pair in fragment.split("&")] if fragment else []
    fields = {name: _decode(value) for name, value in pairs}
    if len(fields) < len(pairs):
        raise ValueError
    return fields


def _encode(room: str) -> str:
    text = quote(room, safe="")
    if text.endswith(tuple(SENTENCE_ENDS)):  # which is no part of an invitation that stands in a sentence
        text = f"{text[:-1]}%{ord(text[-1]):02X}"
    return text


def _decode(text: str) -> str:
    return normalize("NFC", unquote(text, errors="strict"))
