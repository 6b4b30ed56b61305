"""What errors of sockets and of TLS mean, in a few words."""

import errno
import socket
import ssl
from typing import Final

from chatbrain.findings import Fault, Finding, system_words

_NO_ROUTE: Final = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}
_NO_TLS: Final = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE"}
_CERTIFICATE_FAULTS: Final = {
    9: Fault.NOT_YET_VALID,
    10: Fault.EXPIRED,
    18: Fault.SELF_SIGNED,
    19: Fault.UNKNOWN_AUTHORITY,
    20: Fault.UNKNOWN_AUTHORITY,
    21: Fault.UNKNOWN_AUTHORITY,
    62: Fault.OTHER_HOST,
    64: Fault.OTHER_HOST,
}
"""By OpenSSL's numbers, X509_V_ERR_..."""


def explain(error: Exception) -> Finding:
    """Say in a few words, without numbers and addresses, what a socket's error means."""
    if isinstance(error, ValueError):
        return Finding(Fault.BAD_HOST, "the host name isn't legal")
    if isinstance(error, socket.gaierror):
        return Finding(Fault.UNKNOWN_HOST, "the host name isn't known")
    code = error.errno if isinstance(error, OSError) else None
    words = system_words(error) if code else "the connection failed"
    if isinstance(error, ConnectionRefusedError):
        return Finding(Fault.REFUSED, words)
    if isinstance(error, ConnectionError):
        return Finding(Fault.HUNG_UP, words)
    return Finding(Fault.NO_ROUTE if code in _NO_ROUTE else Fault.SYSTEM, words)


def explain_tls(error: ssl.SSLError) -> Finding:
    """Say in a few words what went wrong between two ends of TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = error.verify_message.rstrip(".")
        return Finding(_CERTIFICATE_FAULTS.get(error.verify_code, Fault.UNPROVEN), text[:1].lower() + text[1:])
    reason = error.reason or "unknown"
    if reason in _NO_TLS:
        return Finding(Fault.NO_TLS, "what answers doesn't speak TLS, or is too busy to")
    if "PROTOCOL_VERSION" in reason or reason == "UNSUPPORTED_PROTOCOL":
        return Finding(Fault.TLS_VERSION, "it speaks no version of TLS that this client does")
    return Finding(Fault.TLS_FAILED, f"TLS failed: {reason.lower().replace('_', ' ')}")
