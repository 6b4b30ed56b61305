"""What can be wrong with the bytes of a peer; each class carries the status that answers it."""

from enum import StrEnum, unique
from typing import TYPE_CHECKING, ClassVar

from chatproto.codes import Status

if TYPE_CHECKING:
    from chatproto.servers import Server


@unique
class Flaw(StrEnum):
    """Why a name or a password can't be used: for who words it themselves, in another language or beside a field."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    NOT_UTF8 = "not_utf8"
    UNPRINTABLE = "unprintable"
    MARKS = "marks"
    COLON = "colon"
    SPACES = "spaces"


@unique
class NameKind(StrEnum):
    """Whose name it is."""

    ROOM = "room"
    USER = "user"


class ProtocolError(Exception):
    """A request that can't be served; ``status`` is the answer on the wire (TCP-10)."""

    status: ClassVar[Status] = Status.MALFORMED
    banned: ClassVar[bool] = False
    """Whether no other name would help, for the room's host has banned who asks (MOD-04)."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.status.message)


class MalformedError(ProtocolError):
    """The bytes are no legal frame or payload."""


class BadNameError(ProtocolError):
    """A room or user name that can't be used."""

    status = Status.BAD_NAME

    def __init__(
        self,
        message: str = "",
        flaw: Flaw | None = None,
        which: NameKind | None = None,
        *,
        size_bytes: int = 0,
        character: str = "",
    ) -> None:
        super().__init__(message)
        self.flaw = flaw
        """None if a relay has reasons of its own."""
        self.which = which
        self.size_bytes = size_bytes
        """Of a name that is too long."""
        self.character = character
        """Which one can't be shown, as `text.name_character` says it."""


class BadPasswordError(MalformedError):
    """A password that can't be used."""

    def __init__(self, message: str = "", flaw: Flaw | None = None, *, size_bytes: int = 0) -> None:
        super().__init__(message)
        self.flaw = flaw
        self.size_bytes = size_bytes
        """Of a password that is too long."""


class BadFingerprintError(ValueError):
    """A text is no SHA-256 fingerprint; ``str()`` says what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no SHA-256 fingerprint: give its 64 hex digits, with or without colons.")
        self.text = text


class PayloadTooLargeError(ProtocolError):
    """The header announces more payload than the receiver takes (TCP-02)."""

    status = Status.PAYLOAD_TOO_LARGE


class NotSupportedError(ProtocolError):
    """A legal request for something the receiver doesn't do."""

    status = Status.NOT_SUPPORTED


class ElsewhereError(ProtocolError):
    """A room that another node holds, for a client that follows (CLU-01)."""

    status = Status.ELSEWHERE

    def __init__(self, server: "Server") -> None:
        super().__init__()
        self.server = server


class RefusedError(Exception):
    """The relay refused a client's request: ``status`` says why, ``str()`` says it to a person."""

    def __init__(
        self, status: Status, message: str = "", *, banned: bool = False, server: "Server | None" = None
    ) -> None:
        super().__init__(message or status.message)
        self.status = status
        self.banned = banned
        """Whether the room's host lets whoever asks in no more, under no name (MOD-04)."""
        self.server = server
        """Where to ask, with the status `Status.ELSEWHERE` (CLU-01)."""
