"""Many datagrams with one system call: Linux's ``recvmmsg`` and ``sendmmsg``, by ctypes.

The buffers are laid out once. Received addresses come out as `core.address` lays them out, and rows of them
go in as they are; nothing is converted in between.
"""

import ctypes
import errno
import mmap
import select
import socket
import struct
from collections.abc import Iterator
from itertools import accumulate, islice
from operator import add, mul
from typing import Final, NamedTuple

from chatproto.constants import MAX_DATAGRAM_BYTES
from relay_server.core.address import ADDRESS_BYTES, TARGET_BYTES, Address
from relay_server.net.errqueue import Undelivered, ask_for_errors, drain_errors

RECEIVE_BATCH: Final = 256
SEND_BATCH: Final = 1024
"""The kernel takes no more in one call."""
ENOUGH_TO_SEND_BYTES: Final = SEND_BATCH // 2 * TARGET_BYTES
"""Rows of targets that are worth a call: with the one that makes it enough, they mostly fit one."""
ERRORS_A_TURN: Final = 256
"""A flood of ICMP errors, forged ones say, may not keep the relay from its datagrams (threat U9)."""
WAIT_FOR_ROOM_MILLISECONDS: Final = 20
"""How long a full send buffer may hold up the relay, once, before copies are given up."""

_RECEIVE_STRIDE = 4104  # one byte more than the largest datagram shows an oversized one; a multiple of 8
_PAYLOADS_BYTES = RECEIVE_BATCH * MAX_DATAGRAM_BYTES
_RECEIVE_STARTS = range(0, RECEIVE_BATCH * _RECEIVE_STRIDE, _RECEIVE_STRIDE)
_SOURCE_PLACES = [slice(i * TARGET_BYTES, i * TARGET_BYTES + ADDRESS_BYTES) for i in range(RECEIVE_BATCH)]
_NAME_BYTES, _CONTROL_OFFSET, _CONTROL_BYTES = 28, 32, 40
_TRIES = 8  # a flood of ICMP errors may bring the next one between two tries
_IOVEC = struct.Struct("=QQ")
_pack_iovec, _IOVEC_BYTES = _IOVEC.pack, _IOVEC.size


class SendError(NamedTuple):
    """A datagram that the kernel refused: to whom, why (errno), and its size in bytes."""

    target: Address
    reason: int
    size: int


class Sent(NamedTuple):
    """What became of queued datagrams: how many the kernel took, their bytes, and those it refused."""

    copies: int
    volume: int
    errors: list[SendError]


NOTHING_SENT: Final = Sent(0, 0, [])


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
        # What comes in.
        self._inbox = mmap.mmap(-1, RECEIVE_BATCH * _RECEIVE_STRIDE)
        self._sources = mmap.mmap(-1, RECEIVE_BATCH * TARGET_BYTES)
        self._in_iovecs = mmap.mmap(-1, RECEIVE_BATCH * _IOVEC_BYTES)
        for i in range(RECEIVE_BATCH):
            start = _start(self._inbox) + i * _RECEIVE_STRIDE
            _IOVEC.pack_into(self._in_iovecs, i * _IOVEC_BYTES, start, MAX_DATAGRAM_BYTES + 1)
        in_headers = _headers(RECEIVE_BATCH, self._sources, self._in_iovecs, pinned=pinned)
        self._in_start = ctypes.addressof(in_headers)
        self._in_headers = memoryview(in_headers).cast("B")
        self._in_words = self._in_headers.cast("I")
        self._fresh_headers = bytes(self._in_headers)
        # What goes out, and how much of it is queued.
        self._targets = mmap.mmap(-1, SEND_BATCH * TARGET_BYTES)
        self._out_iovecs = mmap.mmap(-1, SEND_BATCH * _IOVEC_BYTES)
        self._payloads = mmap.mmap(-1, _PAYLOADS_BYTES)
        self._payloads_start = _start(self._payloads)
        self._out_headers = _headers(SEND_BATCH, self._targets, self._out_iovecs, pinned=pinned)
        self._out_start = ctypes.addressof(self._out_headers)
        self._rows: list[bytes] = []
        self._messages: list[bytes] = []
        self._queued_bytes = 0

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._fd

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def receive(self) -> Iterator[tuple[bytes, Address]]:
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

    def queue(self, payload: bytes, targets: bytes) -> bool:
        """Send the payload to a row of targets with the next `flush`; True if it is time for that."""
        self._rows.append(targets)
        self._messages.append(payload)
        self._queued_bytes += len(targets)
        return self._queued_bytes >= ENOUGH_TO_SEND_BYTES or len(self._messages) >= RECEIVE_BATCH

    def flush(self) -> Sent:
        """Hand everything queued to the kernel; returns what it took and what it refused."""
        rows, messages = self._rows, self._messages
        if not rows:
            return NOTHING_SENT
        self._rows, self._messages, self._queued_bytes = [], [], 0
        payloads, targets = b"".join(messages), b"".join(rows)
        self._payloads[: len(payloads)] = payloads
        sizes = [len(message) for message in messages]
        counts = [len(row) // TARGET_BYTES for row in rows]
        starts = accumulate(sizes, initial=self._payloads_start)
        iovecs = b"".join(
            [_pack_iovec(start, size) * count for start, size, count in zip(starts, sizes, counts, strict=False)]
        )
        errors: list[SendError] = []
        for first in range(0, len(targets) // TARGET_BYTES, SEND_BATCH):
            last = first + SEND_BATCH
            errors += self._send(
                targets[first * TARGET_BYTES : last * TARGET_BYTES], iovecs[first * _IOVEC_BYTES : last * _IOVEC_BYTES]
            )
        refused_bytes = sum(error.size for error in errors)
        return Sent(sum(counts) - len(errors), sum(map(mul, counts, sizes)) - refused_bytes, errors)

    def _send(self, targets: bytes, iovecs: bytes) -> list[SendError]:
        """Send at most 1024 datagrams."""
        self._targets[: len(targets)] = targets
        self._out_iovecs[: len(iovecs)] = iovecs
        count = len(targets) // TARGET_BYTES
        sent: int = _libc.sendmmsg(self._fd, self._out_start, count, socket.MSG_DONTWAIT)
        if sent == count:
            self._congested = False
            return _NO_ERRORS
        return self._send_rest(max(sent, 0), count)

    def undelivered(self) -> Iterator[Undelivered]:
        """Yield the ICMP errors that came back, if there are signs of any; what is over a turn's measure waits."""
        if self._errors_wait:
            self._errors_wait = False
            yield from filter(None, islice(drain_errors(self._sock), ERRORS_A_TURN))

    def _send_rest(self, index: int, count: int) -> list[SendError]:
        """Go on after a short return at ``index``.

        A waiting ICMP error fails the next datagram, whoever that is for, and is gone then; so the same
        datagram is sent again, and only what fails by itself counts as refused.
        """
        self._errors_wait = True
        refused: list[SendError] = []
        tries = 0
        while index < count:
            start = self._out_start + index * _HEADER_BYTES
            sent = _libc.sendmmsg(self._fd, start, count - index, socket.MSG_DONTWAIT)
            if sent > 0:
                index += sent
                tries = 0
                continue
            reason = ctypes.get_errno()
            tries += 1
            if tries < _TRIES and (reason != errno.EAGAIN or self._waited_for_room()):
                continue
            refused.append(self._error(index, reason))
            index += 1
            tries = 0
        return refused

    def _error(self, index: int, reason: int) -> SendError:
        start = index * TARGET_BYTES
        _, size = _IOVEC.unpack_from(self._out_iovecs, index * _IOVEC_BYTES)
        return SendError(self._targets[start : start + ADDRESS_BYTES], reason, size)

    def _waited_for_room(self) -> bool:
        """Wait a moment for a full send buffer; False if it stays full, and at once until it empties."""
        if self._congested:
            return False
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        self._congested = not any(event & select.POLLOUT for _, event in poll.poll(WAIT_FOR_ROOM_MILLISECONDS))
        return not self._congested


_NO_ERRORS: Final[list[SendError]] = []


def _start(buffer: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _headers(count: int, addresses: mmap.mmap, iovecs: mmap.mmap, *, pinned: bool) -> "ctypes.Array[_MessageHeader]":
    headers = (_MessageHeader * count)()
    for i, header in enumerate(headers):
        header.name = _start(addresses) + i * TARGET_BYTES
        header.name_size = _NAME_BYTES
        header.iovec = _start(iovecs) + i * _IOVEC_BYTES
        header.iovec_count = 1
        if pinned:
            header.control = header.name + _CONTROL_OFFSET
            header.control_size = _CONTROL_BYTES
    return headers
