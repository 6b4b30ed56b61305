"""What a person asks for to come in: where, as whom, and how."""

from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from secrets import token_bytes
from typing import Self
from unicodedata import normalize

from chatbrain import ServerAddress, Tls, Transport, parse_server
from chatproto import BadNameError, BadPasswordError, check_password, check_room_name, check_user_name
from chatproto.constants import DEFAULT_LOBBY_PORT, DEFAULT_TCP_PORT
from chatproto.sealing import KEY_BYTES, RoomKey
from messenger.core.schemes import is_link


def new_key() -> RoomKey:
    """Make the key of a room that is to be sealed."""
    return RoomKey(token_bytes(KEY_BYTES))


@unique
class Field(StrEnum):
    """A field of the form that can be filled in wrongly."""

    SERVER = "server"
    ROOM = "room"
    NAME = "name"
    PASSWORD = "password"  # noqa: S105 - a word


class InviteAsNameError(ValueError):
    """An invitation, or a part of one, stands where a room's name should: as it may have a key, it isn't sent."""


class FormError(Exception):
    """A form that can't be used; ``problems`` says of each wrong field why, see `messenger.presentation.wording`."""

    def __init__(self, problems: dict[Field, BadNameError | BadPasswordError | ValueError]) -> None:
        super().__init__("; ".join(map(str, problems.values())))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Entry:
    """A form that was filled in rightly."""

    server: ServerAddress
    room: str | None
    """None for the lobby."""
    name: str
    create: bool = False
    """Create the room, not join it."""
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    """How the relay proves itself; None to join in the clear."""
    transport: Transport | None = None
    """By what the chat is to travel, if that was said."""
    key: RoomKey | None = field(default=None, repr=False)
    """Of a sealed room; None if the room isn't sealed. It is kept nowhere."""
    key_is_new: bool = False
    """Whether the key was made for the room that is to be created, so that no room has it yet."""

    @classmethod
    def read(
        cls,
        server: str,
        room: str | None,
        name: str,
        *,
        create: bool = False,
        password: str = "",
        tls: Tls | None = None,
        transport: Transport | None = None,
        key: RoomKey | None = None,
    ) -> Self:
        """Read a form; ``server`` is ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``, spaces around each field don't count.

        Names become NFC: keyboards spell one letter in several ways, and a relay compares bytes.

        Raises:
            FormError: something in it can't be used.

        """
        problems: dict[Field, BadNameError | BadPasswordError | ValueError] = {}
        server, name = server.strip(), normalize("NFC", name.strip())
        address = ServerAddress("", 0)
        try:
            address = parse_server(server, DEFAULT_LOBBY_PORT if room is None else DEFAULT_TCP_PORT)
        except ValueError as error:
            problems[Field.SERVER] = error
        if room is not None:
            room = normalize("NFC", room.strip())
            try:
                _check_room(room)
                check_password(password)
            except (BadNameError, InviteAsNameError) as error:
                problems[Field.ROOM] = error
            except BadPasswordError as error:
                problems[Field.PASSWORD] = error
        try:
            check_user_name(name.encode(errors="replace"))
        except BadNameError as error:
            problems[Field.NAME] = error
        if problems:
            raise FormError(problems)
        if room is None:
            return cls(address, None, name)
        return cls(address, room, name, create, password or None, tls, transport, key, create and key is not None)

    @property
    def destination(self) -> tuple[str, int, str | None]:
        """What one is in once at a time: the relay and the room."""
        return (self.server.host.lower(), self.server.port, self.room)

    def creating(self, *, create: bool) -> Self:
        """Return the same, but to create the room or to join it: a room that exists hasn't a key that is new."""
        key = self.key if create or not self.key_is_new else None
        return replace(self, create=create and self.room is not None, key=key)

    def called(self, name: str) -> Self:
        """Return the same under another name.

        Raises:
            FormError: it can't be used.

        """
        name = normalize("NFC", name.strip())
        try:
            check_user_name(name.encode(errors="replace"))
        except BadNameError as error:
            raise FormError({Field.NAME: error}) from None
        return replace(self, name=name)

    def knowing(self, password: str) -> Self:
        """Return the same with another password; an empty one is none.

        Raises:
            FormError: it can't be used.

        """
        try:
            check_password(password)
        except BadPasswordError as error:
            raise FormError({Field.PASSWORD: error}) from None
        return replace(self, password=password or None)


def _check_room(room: str) -> None:
    """Check what was filled in as a room's name.

    Raises:
        BadNameError: it can't be used.
        InviteAsNameError: it is an invitation.

    """
    if is_link(room):
        raise InviteAsNameError
    check_room_name(room.encode(errors="replace"))
