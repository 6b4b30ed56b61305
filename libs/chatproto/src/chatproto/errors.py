"""What can be wrong with the bytes of a peer; each class carries the status that answers it."""

from typing import TYPE_CHECKING, ClassVar

from chatproto.codes import Status
from chatproto.refusals import Refusal, RefusalCode

if TYPE_CHECKING:
    from chatproto.servers import Server


class ProtocolError(Exception):
    """A request that can't be served; ``status`` is the answer on the wire (TCP-10)."""

    status: ClassVar[Status] = Status.MALFORMED

    def __init__(
        self, why: RefusalCode | str = "", /, *, character: str = "", count: int = 0, size: int = 0, limit: int = 0
    ) -> None:
        """Take why exactly, and the fields of `Refusal` that the code has; or a sentence that has no code."""
        code, said = (why, "") if isinstance(why, RefusalCode) else (None, why)
        self.refusal = Refusal(self.status, code, said, character, count, size, limit)
        super().__init__(str(self.refusal))


class MalformedError(ProtocolError):
    """The bytes are no legal frame or payload."""


class BadNameError(ProtocolError):
    """A room or user name that can't be used."""

    status = Status.BAD_NAME


class BadPasswordError(MalformedError):
    """A password that can't be used."""


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
    """The relay refused a client's request: ``refusal`` says why, ``str()`` says it to a person."""

    def __init__(self, refusal: Refusal, server: "Server | None" = None) -> None:
        super().__init__(str(refusal))
        self.status = refusal.status
        self.refusal = refusal
        self.server = server
        """Where to ask, with the status `Status.ELSEWHERE` (CLU-01)."""
