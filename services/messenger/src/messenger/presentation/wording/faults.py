"""What was found where a relay should be, in a few words."""

from typing import Final

from chatbrain import Fault, Finding, findings
from chatproto import sanitize
from messenger.presentation.i18n import N_, _
from messenger.presentation.wording.forms import translated

_SYSTEM_WORDS: Final = (
    N_("no such file or directory"),
    N_("permission denied"),
    N_("is a directory"),
    N_("not a directory"),
    N_("read-only file system"),
    N_("no space left on device"),
    N_("too many open files"),
    N_("network is unreachable"),
    N_("no route to host"),
    N_("network is down"),
    N_("there is no way to that address"),
    N_("connection reset by peer"),
    N_("software caused connection abort"),
    N_("broken pipe"),
    N_("connection refused"),
    N_("operation not permitted"),
    N_("it closed the connection without an answer"),
    N_("the connection failed"),
    N_("it doesn't say where"),
    N_("it names no certificate"),
)

_WORDS: Final = {
    Fault.BAD_HOST: N_("the host name isn't legal"),
    Fault.UNKNOWN_HOST: N_("the host name isn't known"),
    Fault.NO_ZONE: N_("the address needs the name of an interface, such as fe80::1%eth0"),
    Fault.REFUSED: N_("nobody listens there"),
    Fault.NO_LOBBY: N_("no lobby is at this port"),
    Fault.NO_ANSWER: N_("no answer in time"),
    Fault.NO_UDP: N_("it answers over TCP alone"),
    Fault.NO_STREAM: N_("it grants no stream"),
    Fault.NO_RELAY: N_("what answers isn't a chat relay"),
    Fault.NO_TLS: N_("what answers doesn't speak TLS, or is too busy to"),
    Fault.TLS_VERSION: N_("it supports no TLS version that this program supports"),
    Fault.NO_PEM: N_("no certificate in PEM form"),
    Fault.SELF_SIGNED: N_("its certificate is self-signed"),
    Fault.UNKNOWN_AUTHORITY: N_("its certificate isn't signed by a known authority"),
    Fault.EXPIRED: N_("its certificate has expired"),
    Fault.NOT_YET_VALID: N_("its certificate isn't valid yet"),
    Fault.CIRCLES: N_("its servers send one to each other"),
    Fault.NOT_SEALED: N_("the room isn't sealed there"),
    Fault.OTHER_HOST: N_("its certificate is for another host"),
}
_FORMS: Final = (N_("TLS failed: {reason}"),)
"""For the others there are the system's or OpenSSL's words, or a fingerprint."""


def system_words(error: Exception) -> str:
    """Say in a few words what the operating system found wrong, to stand in brackets."""
    return _known(findings.system_words(error))


def fault(finding: Finding) -> str:
    """Say in a few words what was found, to stand in brackets."""
    words = _WORDS.get(finding.fault)
    return _(words) if words else _known(finding.words)


def _known(words: str) -> str:
    """Translate words that are known; others stay as they came."""
    if words in _SYSTEM_WORDS:
        return _(words)
    harmless = sanitize(words)
    return translated(harmless, _FORMS) or harmless
