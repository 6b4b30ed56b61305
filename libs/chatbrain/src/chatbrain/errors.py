"""What can go wrong when one joins or speaks; a refusal is chatproto's RefusedError."""

from chatbrain.events import Ended
from chatbrain.findings import Finding


class BadAuthoritiesError(ValueError):
    """A file of authorities can't be used; ``str()`` says it to a person."""

    def __init__(self, file: str, finding: Finding) -> None:
        super().__init__(f"The file of authorities {file} can't be used ({finding}): name another.")
        self.file = file
        self.finding = finding


class UnreachableError(Exception):
    """No relay answered the first join in time; ``str()`` says it to a person."""

    def __init__(self, cause: Ended) -> None:
        super().__init__(cause.text)
        self.cause = cause


class UntrustedError(UnreachableError):
    """The relay didn't prove over TLS that it is the one that is meant, so nothing was sent to it (TCP-12)."""


class TlsFailedError(Exception):
    """There is no TLS with what answers."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.words)
        self.finding = finding


class WrongKeyError(ValueError):
    """What others say in a sealed room couldn't be opened, so nobody could read a message either (SEAL-04)."""

    def __init__(self) -> None:
        super().__init__(
            "The room's key opens nothing of what others say: nothing was sent. Join by another invitation."
        )


class MessageTooLongError(ValueError):
    """A message has more bytes than the relay relays; nothing was sent (UDP-06)."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"The message has {size_bytes} bytes: use at most {limit_bytes}.")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
