"""What can be wrong with the bytes of a peer; each class carries the status that answers it."""

from typing import ClassVar

from chatproto.codes import Status


class ProtocolError(Exception):
    """A request that can't be served; ``status`` is the answer on the wire (TCP-10)."""

    status: ClassVar[Status] = Status.MALFORMED

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.status.message)


class MalformedError(ProtocolError):
    """The bytes are no legal frame or payload."""


class BadNameError(ProtocolError):
    """A room or user name that can't be used."""

    status = Status.BAD_NAME


class BadPasswordError(MalformedError):
    """A password that can't be used."""


class PayloadTooLargeError(ProtocolError):
    """The header announces more payload than the receiver takes (TCP-02)."""

    status = Status.PAYLOAD_TOO_LARGE


class NotSupportedError(ProtocolError):
    """A legal request for something the receiver doesn't do."""

    status = Status.NOT_SUPPORTED


class RefusedError(Exception):
    """The relay refused a client's request: ``status`` says why, ``str()`` says it to a person."""

    def __init__(self, status: Status, message: str = "") -> None:
        super().__init__(message or status.message)
        self.status = status
