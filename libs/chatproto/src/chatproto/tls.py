"""One end of a TLS connection without I/O (TCP-12)."""

import ssl
from contextlib import suppress
from typing import Final

TLS_START: Final = b"\x16\x03"
"""What a TLS client begins with, and no request can: there is no operation 3."""

_RECORD_HEADER_BYTES: Final = 5
_READ_BYTES: Final = 65_536


class TlsEnd:
    """Takes the wire's bytes and gives those of the stream, and the other way round.

    After each call, what ``take`` returns is to be sent. Of a client, ``feed(b"")`` begins the handshake.
    """

    __slots__ = ("_ended", "_incoming", "_outgoing", "_ready", "_tls")

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_name: str | None = None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )
        self._ready = self._ended = False

    @property
    def ready(self) -> bool:
        """Whether the handshake is done: until then nothing can be written."""
        return self._ready

    @property
    def ended(self) -> bool:
        """Whether the other end said that it sends no more (close_notify)."""
        return self._ended

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the wire, in any pieces; returns bytes of the stream.

        Raises:
            ssl.SSLError: it is no TLS, or the two ends don't come together; ``take`` returns the alert that says so.

        """
        self._incoming.write(data)
        if not self._ready:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self._ready = True
        return b"".join(iter(self._read, b""))

    def write(self, data: bytes) -> None:
        """Take bytes of the stream to be sent."""
        self._tls.write(data)

    def end(self) -> None:
        """Say that no more is sent (close_notify); what the other end still sends can be read."""
        if self._ready:
            with suppress(ssl.SSLError):  # the other end hasn't said the same yet, and needn't
                self._tls.unwrap()

    def take(self) -> bytes:
        """Return and forget the bytes that are to be sent."""
        return self._outgoing.read()

    def certificate(self) -> bytes:
        """Return the other end's certificate (DER), once the handshake is done; empty if it has none."""
        return self._tls.getpeercert(binary_form=True) or b""

    def _read(self) -> bytes:
        try:
            data = self._tls.read(_READ_BYTES)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:
            data = b""
        self._ended = not data
        return data


class RecordCounter:
    """Counts the records in bytes of the wire, whose headers are never encrypted (RFC 8446, 5.1)."""

    __slots__ = ("_header", "_rest")

    def __init__(self) -> None:
        self._header = b""
        """The beginning of a header whose rest hasn't come yet."""
        self._rest = 0
        """How many bytes of the newest record are still to come."""

    def count(self, data: bytes) -> int:
        """Return how many records begin in the next bytes of the wire; one counts once its header is whole."""
        data, start, records = self._header + data, self._rest, 0
        while start + _RECORD_HEADER_BYTES <= len(data):
            start += _RECORD_HEADER_BYTES + int.from_bytes(data[start + 3 : start + _RECORD_HEADER_BYTES], "big")
            records += 1
        self._header = data[start:]
        self._rest = max(0, start - len(data))
        return records
