"""How a relay proves over TLS that it is the one that is meant (TCP-12)."""

import asyncio
import errno
import ssl
from contextlib import suppress
from typing import Final

from chatbrain.address import ServerAddress, parse_server
from chatbrain.errors import BadAuthoritiesError, UnreachableError, UntrustedError
from chatbrain.events import Ended
from chatbrain.findings import Fault, Finding
from chatbrain.trust import Presented, Tls
from chatclient.connecting import connect, explain
from chatproto.constants import DEFAULT_TCP_PORT
from chatproto.fingerprint import fingerprint_of
from chatproto.tls import TlsEnd

_LOOK_SECONDS: Final = 4.0
_RECEIVE_BYTES: Final = 65_536
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


def make_context(tls: Tls) -> ssl.SSLContext:
    """Make what connections need; reads files, so once is enough.

    Raises:
        BadAuthoritiesError: ``ca_file`` can't be used.

    """
    if tls.fingerprint is not None:
        return _trusting_context()
    try:
        return ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ValueError) as error:
        junk = Finding(Fault.NO_PEM, "no certificate in PEM form")
        finding = junk if isinstance(error, ssl.SSLError) else explain(error)
        raise BadAuthoritiesError(tls.ca_file or "", finding) from None


class SecureStream:
    """The client's end of one TLS connection: what comes out of it comes from the relay that is meant."""

    def __init__(self, tls: Tls, context: ssl.SSLContext, server: ServerAddress) -> None:
        self._tls = tls
        self._server = server
        self._end = TlsEnd(context, server_side=False, server_name=server.host)
        self.proven = False
        """Whether the relay is the one that is meant: until then nothing may be written."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the wire, none to begin with; returns bytes of the stream.

        Raises:
            UntrustedError: the relay isn't the one that is meant.
            ssl.SSLError: it speaks no TLS, or none that this client does.

        """
        try:
            stream = self._end.feed(data)
        except ssl.SSLCertVerificationError as error:
            raise UntrustedError(Ended.untrusted(self._server, explain_tls(error))) from None
        if self._end.ready and not self.proven:
            self._check()
            self.proven = True
        return stream

    def write(self, data: bytes) -> None:
        """Take bytes of the stream to be sent."""
        self._end.write(data)

    def end(self) -> None:
        """Say that no more is sent."""
        self._end.end()

    def take(self) -> bytes:
        """Return and forget the bytes that are to be sent."""
        return self._end.take()

    def _check(self) -> None:
        shown = fingerprint_of(self._end.certificate())
        if self._tls.fingerprint not in {None, shown}:
            finding = Finding(Fault.OTHER_CERTIFICATE, f"SHA-256 {shown}")
            raise UntrustedError(Ended.untrusted(self._server, finding))


async def look_at(server: str) -> Presented:
    """Look at a relay's certificate, without joining; sends nothing.

    Raises:
        UnreachableError: nobody answers there, or not by TLS.
        ValueError: ``server`` isn't ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``.

    """
    address = parse_server(server, DEFAULT_TCP_PORT)
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            try:
                return Presented(await _fetch(address, make_context(Tls())), None)
            except ssl.SSLCertVerificationError as error:
                return Presented(await _fetch(address, _trusting_context()), explain_tls(error))
    except (OSError, ValueError) as error:
        finding = explain_tls(error) if isinstance(error, ssl.SSLError) else explain(error)
        raise UnreachableError(Ended.unreachable(address, finding, tls=True)) from None


def explain_tls(error: ssl.SSLError) -> Finding:
    """Say in a few words what went wrong between two ends of TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = error.verify_message.rstrip(".")
        return Finding(_CERTIFICATE_FAULTS.get(error.verify_code, Fault.UNPROVEN), text[:1].lower() + text[1:])
    return explain_reason(error.reason or "unknown")


def explain_reason(reason: str) -> Finding:
    """Say in a few words what OpenSSL's word for it means, such as ``WRONG_VERSION_NUMBER``."""
    if reason in _NO_TLS:
        return Finding(Fault.NO_TLS, "what answers doesn't speak TLS, or is too busy to")
    if "PROTOCOL_VERSION" in reason or reason == "UNSUPPORTED_PROTOCOL":
        return Finding(Fault.TLS_VERSION, "it speaks no version of TLS that this client does")
    return Finding(Fault.TLS_FAILED, f"TLS failed: {reason.lower().replace('_', ' ')}")


async def _fetch(address: ServerAddress, context: ssl.SSLContext) -> str:
    loop = asyncio.get_running_loop()
    with await connect(address) as connection:
        end = TlsEnd(context, server_side=False, server_name=address.host)
        end.feed(b"")
        while not end.ready:
            await loop.sock_sendall(connection, end.take())
            data = await loop.sock_recv(connection, _RECEIVE_BYTES)
            if not data:
                raise ConnectionResetError(errno.ECONNRESET, "")
            try:
                end.feed(data)
            finally:
                with suppress(OSError):  # an alert, or the end of the handshake: nobody waits for it
                    connection.send(end.take())
        return fingerprint_of(end.certificate())


def _trusting_context() -> ssl.SSLContext:
    """Trust anybody for now: what is shown is compared afterwards."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
