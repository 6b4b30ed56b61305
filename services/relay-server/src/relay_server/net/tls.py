"""TLS on the TCP port: connections that speak it (TCP-12); `relay_server.tls` has the certificate.

No loop's own TLS: bytes have been read by the time it is known that they are TLS, and a transaction must end its side
and go on listening. `chatproto.tls` does that without I/O, so both loops behave alike.
"""

import ssl

from chatproto.tls import RecordCounter, TlsEnd
from relay_server.net.delivery import confirmed_bytes
from relay_server.net.wire import ClientTransport, Wire
from relay_server.tls.server import HandshakeFailure, Tls

_NO_COMMON_CIPHER = {
    "NO_SHARED_CIPHER",
    "NO_SHARED_GROUP",
    "NO_SUITABLE_GROUPS",
    "NO_SUITABLE_KEY_SHARE",
    "NO_SUITABLE_SIGNATURE_ALGORITHM",
}


class TlsTransport(ClientTransport):
    """What a transaction writes to: encrypted on its way to the wire below."""

    _below: Wire

    def __init__(self, below: Wire, tls: Tls) -> None:
        super().__init__(below)
        self._records = RecordCounter()
        self._counts = tls.counts
        self._end = TlsEnd(tls.certificate.context, server_side=True)
        self._failure: HandshakeFailure | None = None
        self._broken = False
        self._sent_bytes = 0
        self._told_bytes = 0
        """What was sent up to the last word of the stream, without the close_notify after it."""

    def count_records(self, data: bytes) -> int:
        """Return how many records begin in the next input of the wire; to be called once, before `receive`."""
        return self._records.count(data)

    def receive(self, data: bytes) -> bytes | None:
        """Take bytes of the wire; returns those of the stream, or None once it can't go on."""
        if self._broken:
            return b""
        was_ready = self._end.ready
        try:
            stream = self._end.feed(data)
        except ssl.SSLError as error:
            self._broken = True
            self._failure = _failure_of(error)
            return None
        finally:
            self._flush()
        self._counts.handshakes += self._end.ready and not was_ready
        return stream

    @property
    def ended(self) -> bool:
        """Whether the client said that it sends no more."""
        return self._end.ended

    def count_loss(self) -> None:
        """Count a connection that is lost, if its handshake was never done."""
        if not self._end.ready:
            self._counts.failures[self._failure or HandshakeFailure.ABORTED] += 1

    def is_under_way(self) -> bool:
        """Tell whether bytes that were written haven't been confirmed by the other system."""
        return self._below.is_under_way()

    def has_lost_answer(self, _error: Exception | None, *, half_closed: bool) -> bool:  # noqa: ARG002 - see `Wire`
        """Tell whether the client's system hasn't taken all that was said to it.

        A reset says less than in plain: who closes once it has its token leaves a close_notify unread, which resets.
        """
        return confirmed_bytes(self._below) < self._told_bytes

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send; before the handshake is done nothing can be said, so nothing is."""
        if self._end.ready and not self._broken and self._below.is_open:
            self._end.write(bytes(data))
            self._flush()
            self._told_bytes = self._sent_bytes

    def write_eof(self) -> None:
        """End the sending side: by close_notify, and by TCP's own end after it.

        A handshake that isn't done by then never will be: OpenSSL sees no more of it.
        """
        if not self._end.ready:
            self._failure = self._failure or HandshakeFailure.TIMEOUT
            self._broken = True
        elif not self._broken:
            self._end.end()
            self._flush()
        self._below.write_eof()

    def _flush(self) -> None:
        data = self._end.take()
        if data:
            self._below.write(data)
            self._sent_bytes += len(data)


def _failure_of(error: ssl.SSLError) -> HandshakeFailure:
    reason = error.reason or ""
    if reason == "UNSUPPORTED_PROTOCOL":
        return HandshakeFailure.VERSION
    if reason in _NO_COMMON_CIPHER:
        return HandshakeFailure.CIPHER
    return HandshakeFailure.CLIENT_REFUSED if "_ALERT_" in reason else HandshakeFailure.MALFORMED
