"""Many datagrams with one system call: Linux's ``recvmmsg`` and ``sendmmsg``, by ctypes.

The buffers are laid out once. Received addresses come out as `net.address` lays them out, and rows of them
go in as they are; nothing is converted in between.
"""

import ctypes
import errno
import mmap
import select
import socket
import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from operator import add, mul
from typing import Final

from chatproto.constants import MAX_DATAGRAM_BYTES
from relay_server.net.address import ADDRESS_BYTES, SEGMENT_OFFSET, TARGET_BYTES, UdpAddress
from relay_server.net.errqueue import Undelivered, ask_for_errors, drain_errors
from relay_server.net.fanout import GsoBatch
from relay_server.net.sending import NOTHING_SENT, RECEIVE_BATCH, SendError, Sent

SEND_BATCH: Final = 1024
"""The kernel takes no more in one call."""
ERRORS_A_TURN: Final = 256
"""A flood of ICMP errors, forged ones say, may not keep the relay from its datagrams (threat U9)."""
WAIT_FOR_ROOM_MILLISECONDS: Final = 20
"""How long a full send buffer may hold up the relay, once, before copies are given up."""

_RECEIVE_STRIDE = 4104  # one byte more than the largest datagram shows an oversized one; a multiple of 8
_RECEIVE_STARTS = range(0, RECEIVE_BATCH * _RECEIVE_STRIDE, _RECEIVE_STRIDE)
_SOURCE_PLACES = [slice(i * TARGET_BYTES, i * TARGET_BYTES + ADDRESS_BYTES) for i in range(RECEIVE_BATCH)]
_NAME_BYTES = 28
_PINNED = slice(32, 72)  # in a target: the control message with the local address...
_CUT = slice(72, 96)  # ...and the one with the size to cut by
_TRIES = 8  # a flood of ICMP errors may bring the next one between two tries
_IOVEC = struct.Struct("=QQ")
_pack_iovec, _IOVEC_BYTES = _IOVEC.pack, _IOVEC.size
_SEGMENT = struct.Struct("=H")
_SOL_UDP, _UDP_SEGMENT = 17, 103
_PASSING = {
    errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENOPROTOOPT,
    errno.EOPNOTSUPP, errno.EACCES, errno.EPROTO, errno.EMSGSIZE,
    64,  # ENONET, which Python names on Linux alone
}  # fmt: skip
"""What an ICMP error may leave for the next datagram to fail with, whoever that is for (icmp_err_convert,
icmpv6_err_convert); any other error is of the datagram itself and stays."""
_CANT_CUT = {errno.EINVAL, errno.EMSGSIZE, errno.EIO}  # an interface with small packets; one without checksums


class _MessageHeader(ctypes.Structure):
    """A ``struct mmsghdr``."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32),
        ("iovec", ctypes.c_void_p), ("iovec_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("padding", ctypes.c_int),
        ("received", ctypes.c_uint),
    )  # fmt: skip


_HEADER_BYTES = ctypes.sizeof(_MessageHeader)
_RECEIVED_WORD, _HEADER_WORDS = _MessageHeader.received.offset // 4, _HEADER_BYTES // 4

_libc = ctypes.CDLL(None, use_errno=True)
_libc.recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
_libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


class BatchSocket:
    """A bound, non-blocking IPv6 socket, read and written in batches."""

    def __init__(self, sock: socket.socket, *, pinned: bool) -> None:
        ask_for_errors(sock)
        self._sock = sock
        self._fd = sock.fileno()
        self._errors_wait = False
        self._congested = False
        self.supports_gso = _supports_gso(sock)
        """Whether the kernel cuts batches of several messages, see `fanout`."""
        # What comes in.
        self._inbox = mmap.mmap(-1, RECEIVE_BATCH * _RECEIVE_STRIDE)
        self._sources = mmap.mmap(-1, RECEIVE_BATCH * TARGET_BYTES)
        self._in_iovecs = mmap.mmap(-1, RECEIVE_BATCH * _IOVEC_BYTES)
        for i in range(RECEIVE_BATCH):
            start = _start(self._inbox) + i * _RECEIVE_STRIDE
            _IOVEC.pack_into(self._in_iovecs, i * _IOVEC_BYTES, start, MAX_DATAGRAM_BYTES + 1)
        in_headers = _headers(RECEIVE_BATCH, self._sources, self._in_iovecs, _PINNED if pinned else None)
        self._in_start = ctypes.addressof(in_headers)
        self._in_headers = memoryview(in_headers).cast("B")
        self._in_words = self._in_headers.cast("I")
        self._fresh_headers = bytes(self._in_headers)
        # What goes out: two sets of headers for the same targets; the second one has batches cut.
        self._targets = mmap.mmap(-1, SEND_BATCH * TARGET_BYTES)
        self._segments = memoryview(self._targets).cast("H")[SEGMENT_OFFSET // 2 :: TARGET_BYTES // 2]
        self._out_iovecs = mmap.mmap(-1, SEND_BATCH * _IOVEC_BYTES)
        whole, cut = (_PINNED, slice(_PINNED.start, _CUT.stop)) if pinned else (None, _CUT)
        self._headers = _headers(SEND_BATCH, self._targets, self._out_iovecs, whole)
        self._cutting_headers = _headers(SEND_BATCH, self._targets, self._out_iovecs, cut)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._fd

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def receive(self) -> Iterator[tuple[bytes, UdpAddress]]:
        """Yield a batch of datagrams with their sources; one longer than 4096 bytes comes as 4097.

        Each is taken out of the buffer when it is asked for, so all must be before the next call.
        """
        for _ in range(_TRIES):
            count = _libc.recvmmsg(self._fd, self._in_start, RECEIVE_BATCH, socket.MSG_DONTWAIT, None)
            if count > 0:
                break
            self._errors_wait = True
            if ctypes.get_errno() == errno.EAGAIN:  # there is nothing; else it was an ICMP error, which is gone now
                return iter(())
        else:
            return iter(())
        sizes = self._in_words[_RECEIVED_WORD : count * _HEADER_WORDS : _HEADER_WORDS].tolist()
        used = count * _HEADER_BYTES  # the kernel wrote into the headers what it used: set them back
        self._in_headers[:used] = self._fresh_headers[:used]
        places = map(slice, _RECEIVE_STARTS, map(add, _RECEIVE_STARTS, sizes))
        return zip(map(self._inbox.__getitem__, places), map(self._sources.__getitem__, _SOURCE_PLACES), strict=False)

    def send(self, batches: Sequence[GsoBatch]) -> Sent:
        """Hand batches to the kernel; returns what became of their messages, each for itself."""
        if not batches:
            return NOTHING_SENT
        texts, rows, segments = zip(*batches, strict=True)
        text, targets = b"".join(texts), b"".join(rows)
        sizes = list(map(len, texts))
        counts = [len(row) // TARGET_BYTES for row in rows]
        starts = accumulate(sizes, initial=_start_of(text))
        iovecs = b"".join(
            [_pack_iovec(start, size) * count for start, size, count in zip(starts, sizes, counts, strict=False)]
        )
        copies, segment_sizes = sum(counts), None
        if any(segments):
            copies = sum(map(mul, counts, map(_pieces, sizes, segments)))
            segment_sizes = memoryview(b"".join(map(mul, map(_SEGMENT.pack, segments), counts))).cast("H")
        errors: list[SendError] = []
        for first in range(0, len(targets) // TARGET_BYTES, SEND_BATCH):
            last = first + SEND_BATCH
            errors += self._send(
                targets[first * TARGET_BYTES : last * TARGET_BYTES],
                iovecs[first * _IOVEC_BYTES : last * _IOVEC_BYTES],
                segment_sizes[first:last] if segment_sizes else None,
            )
        refused_bytes = sum(len(error.payload) for error in errors)
        return Sent(copies - len(errors), sum(map(mul, counts, sizes)) - refused_bytes, errors)

    def _send(self, targets: bytes, iovecs: bytes, segment_sizes: memoryview | None) -> list[SendError]:
        """Send at most 1024 batches' copies."""
        self._targets[: len(targets)] = targets
        self._out_iovecs[: len(iovecs)] = iovecs
        count = len(targets) // TARGET_BYTES
        headers = self._headers
        if segment_sizes:
            self._segments[:count] = segment_sizes
            headers = self._cutting_headers
        sent: int = _libc.sendmmsg(self._fd, headers, count, socket.MSG_DONTWAIT)
        if sent == count:
            self._congested = False
            return _NO_ERRORS
        return self._send_rest(headers, max(sent, 0), count)

    def undelivered(self) -> Iterator[Undelivered]:
        """Yield the ICMP errors that came back, if there are signs of any; what is over a turn's measure waits."""
        if self._errors_wait:
            self._errors_wait = False
            yield from filter(None, islice(drain_errors(self._sock), ERRORS_A_TURN))

    def _send_rest(self, headers: "ctypes.Array[_MessageHeader]", index: int, count: int) -> list[SendError]:
        """Go on after a short return at ``index``.

        A waiting ICMP error fails the next datagram, whoever that is for, and is gone then; so the same
        datagram is sent again, and only what fails by itself counts as refused. What no ICMP error brings, such as
        EINVAL for port 0, does so at once: a member must not be able to make each of its copies cost eight.
        """
        self._errors_wait = True
        refused: list[SendError] = []
        tries = 0
        while index < count:
            sent = _libc.sendmmsg(
                self._fd, ctypes.byref(headers, index * _HEADER_BYTES), count - index, socket.MSG_DONTWAIT
            )
            if sent > 0:
                index += sent
                tries = 0
                continue
            reason = ctypes.get_errno()
            tries += 1
            uncut = reason in _CANT_CUT and self._segments[index]
            if tries < _TRIES and not uncut and self._is_passing(reason):
                continue
            if uncut:
                self.supports_gso = self.supports_gso and reason != errno.EIO
                refused += self._send_apart(headers, index)
            else:
                refused += self._errors(index, reason)
            index += 1
            tries = 0
        return refused

    def _send_apart(self, headers: "ctypes.Array[_MessageHeader]", index: int) -> list[SendError]:
        """Send the messages of a batch one by one: on its way the kernel can't cut it."""
        pieces = self._pieces_of(index)
        self._segments[index] = 0
        refused: list[SendError] = []
        for start, size in pieces:
            _IOVEC.pack_into(self._out_iovecs, index * _IOVEC_BYTES, start, size)
            refused += self._send_rest(headers, index, index + 1)
        return refused

    def _errors(self, index: int, reason: int) -> list[SendError]:
        place = index * TARGET_BYTES
        target = self._targets[place : place + ADDRESS_BYTES]
        return [SendError(target, reason, ctypes.string_at(start, size)) for start, size in self._pieces_of(index)]

    def _pieces_of(self, index: int) -> list[tuple[int, int]]:
        """Return where the messages of a batch begin, and their sizes."""
        start, size = _IOVEC.unpack_from(self._out_iovecs, index * _IOVEC_BYTES)
        segment = self._segments[index]
        if not segment:
            return [(start, size)]
        return [(start + offset, min(segment, size - offset)) for offset in range(0, size, segment)]

    def _is_passing(self, reason: int) -> bool:
        """Tell whether the same datagram may be taken at the next try."""
        return reason in _PASSING or (reason == errno.EAGAIN and self._waited_for_room())

    def _waited_for_room(self) -> bool:
        """Wait a moment for a full send buffer; False if it stays full, and at once until it empties."""
        if self._congested:
            return False
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        self._congested = not any(event & select.POLLOUT for _, event in poll.poll(WAIT_FOR_ROOM_MILLISECONDS))
        return not self._congested


_NO_ERRORS: Final[list[SendError]] = []


def _supports_gso(sock: socket.socket) -> bool:
    """Tell whether the kernel cuts batches: Linux 4.18 and newer."""
    try:
        sock.getsockopt(_SOL_UDP, _UDP_SEGMENT)
    except OSError:
        return False
    return True


def _pieces(size: int, segment: int) -> int:
    return -(-size // segment) if segment else 1


def _start(buffer: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _start_of(data: bytes) -> int:
    """Return where the bytes are, for as long as somebody holds them."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def _headers(
    count: int, addresses: mmap.mmap, iovecs: mmap.mmap, control: slice | None
) -> "ctypes.Array[_MessageHeader]":
    """Lay out headers for addresses and buffers; ``control`` is what of each address is its control message."""
    headers = (_MessageHeader * count)()
    for i, header in enumerate(headers):
        header.name = _start(addresses) + i * TARGET_BYTES
        header.name_size = _NAME_BYTES
        header.iovec = _start(iovecs) + i * _IOVEC_BYTES
        header.iovec_count = 1
        if control:
            header.control = header.name + control.start
            header.control_size = control.stop - control.start
    return headers
