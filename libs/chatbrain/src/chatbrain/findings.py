"""What is found where a relay should be, for programs and in a few words."""

import errno
import os
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class Fault(StrEnum):
    """Why there is no relay to speak with, or none that is trusted."""

    BAD_HOST = "bad_host"
    UNKNOWN_HOST = "unknown_host"
    NO_ZONE = "no_zone"
    """A link-local IPv6 address doesn't say by which interface (RFC 4007)."""
    REFUSED = "refused"
    """The machine is there, and nobody listens."""
    NO_LOBBY = "no_lobby"
    """The same, at the lobby's UDP port."""
    NO_ANSWER = "no_answer"
    NO_UDP = "no_udp"
    """The relay answers over TCP, and isn't heard over UDP."""
    NO_STREAM = "no_stream"
    """The relay grants no stream (STR-01)."""
    NO_ROUTE = "no_route"
    HUNG_UP = "hung_up"
    NO_RELAY = "no_relay"
    """Something answers that isn't a chat relay."""
    NO_TLS = "no_tls"
    TLS_VERSION = "tls_version"
    TLS_FAILED = "tls_failed"
    NO_PEM = "no_pem"
    """A file of authorities holds none."""
    SYSTEM = "system"
    """Anything else that the operating system says."""
    SELF_SIGNED = "self_signed"
    UNKNOWN_AUTHORITY = "unknown_authority"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    OTHER_HOST = "other_host"
    OTHER_CERTIFICATE = "other_certificate"
    """Not the one whose fingerprint is trusted."""
    UNPROVEN = "unproven"
    """Its certificate is doubtful in another way."""
    CIRCLES = "circles"
    """Nodes of a cluster send one to each other (CLU-01)."""
    NO_SERVER = "no_server"
    """One is sent to another server that isn't named, or not so that it could be trusted (CLU-01)."""
    NOT_SEALED = "not_sealed"
    """It doesn't say that the room is sealed, as it is meant to be (SEAL-03)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault as it was found; ``str()`` says it in a few words, without an address."""

    fault: Fault
    words: str

    def __str__(self) -> str:
        return self.words


HUNG_UP: Final = Finding(Fault.HUNG_UP, "it closed the connection without an answer")
NO_ANSWER: Final = Finding(Fault.NO_ANSWER, "no answer in time")
NO_RELAY: Final = Finding(Fault.NO_RELAY, "what answers isn't a chat relay")
NO_ZONE: Final = Finding(Fault.NO_ZONE, "the address needs the name of an interface, such as fe80::1%eth0")
NO_LOBBY: Final = Finding(Fault.NO_LOBBY, "no lobby is at this port")
CIRCLES: Final = Finding(Fault.CIRCLES, "its servers send one to each other")
NO_SERVER: Final = Finding(Fault.NO_SERVER, "it doesn't say where")
NO_CERTIFICATE: Final = Finding(Fault.NO_SERVER, "it names no certificate")
NOT_SEALED: Final = Finding(Fault.NOT_SEALED, "the room isn't sealed there")

_SYSTEM_WORDS: Final = {
    errno.ENOENT: "no such file or directory",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EISDIR: "is a directory",
    errno.ENOTDIR: "not a directory",
    errno.EROFS: "read-only file system",
    errno.ENOSPC: "no space left on device",
    errno.EMFILE: "too many open files",
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset by peer",
    errno.ECONNABORTED: "software caused connection abort",
    errno.EPIPE: "broken pipe",
    errno.ENETUNREACH: "network is unreachable",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETDOWN: "network is down",
}
"""Words of our own: a system's may be in any language, and Windows has none for sockets."""


def system_words(error: Exception) -> str:
    """Say in a few words what the operating system found wrong."""
    code = error.errno if isinstance(error, OSError) else None
    if code is None:
        return str(error)
    return _SYSTEM_WORDS.get(code) or os.strerror(code).lower()
