"""Many datagrams with one system call: Linux's ``recvmmsg`` and ``sendmmsg``, by ctypes.

The buffers are laid out once. Received addresses come out as `core.address` lays them out, and a fan-out
joins its targets' addresses into one buffer; nothing is converted in between.
"""

import ctypes
import errno
import mmap
import select
import socket
from collections.abc import Iterator
from typing import Final

from chatproto.constants import MAX_DATAGRAM_BYTES
from relay_server.core.address import ADDRESS_BYTES, Address
from relay_server.net.errqueue import Undelivered, drain_errors

RECEIVE_BATCH: Final = 64
SEND_BATCH: Final = 1024
WAIT_FOR_ROOM_MILLISECONDS: Final = 20
"""How long a full send buffer may hold up the relay, once, before copies are given up."""

_RECEIVE_STRIDE = 4104  # one byte more than the largest datagram shows an oversized one; a multiple of 8
_NAME_BYTES, _CONTROL_OFFSET, _CONTROL_BYTES = 28, 32, 40
_NO_INTERFACE = bytes(8)  # ends each control message: any interface will do, and padding
_ADDRESS_STRIDE = ADDRESS_BYTES + len(_NO_INTERFACE)
_TRIES = 8  # a flood of ICMP errors may bring the next one between two tries


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _OutgoingIovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_char_p), ("size", ctypes.c_size_t))


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
_RECEIVED_AT = _MessageHeader.received.offset // 4

_libc = ctypes.CDLL(None, use_errno=True)
_libc.recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
_libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


class BatchSocket:
    """A bound, non-blocking IPv6 socket, read and written in batches.

    ``failures`` lists each target that the kernel refused, with its errno, until the caller takes them.
    """

    def __init__(self, sock: socket.socket, *, pinned: bool) -> None:
        self._sock = sock
        self._fd = sock.fileno()
        self.failures: list[tuple[Address, int]] = []
        self._errors_wait = False
        self._congested = False
        self._inbox = mmap.mmap(-1, RECEIVE_BATCH * _RECEIVE_STRIDE)
        self._sources = mmap.mmap(-1, RECEIVE_BATCH * _ADDRESS_STRIDE)
        self._inbox_iovecs = (_Iovec * RECEIVE_BATCH)()
        for i, iovec in enumerate(self._inbox_iovecs):
            iovec.base = _start(self._inbox) + i * _RECEIVE_STRIDE
            iovec.size = MAX_DATAGRAM_BYTES + 1
        self._inbox_headers = _headers(RECEIVE_BATCH, self._sources, pinned=pinned)
        for header, iovec in zip(self._inbox_headers, self._inbox_iovecs, strict=True):
            header.iovec = ctypes.addressof(iovec)
        self._inbox_header_bytes = memoryview(self._inbox_headers).cast("B")
        self._fresh_header_bytes = bytes(self._inbox_header_bytes)
        self._header_words = self._inbox_header_bytes.cast("I")
        self._targets = mmap.mmap(-1, SEND_BATCH * _ADDRESS_STRIDE)
        self._outgoing = _OutgoingIovec()
        self._out_headers = _headers(SEND_BATCH, self._targets, pinned=pinned)
        for header in self._out_headers:
            header.iovec = ctypes.addressof(self._outgoing)
        self._out_start = ctypes.addressof(self._out_headers)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._fd

    def receive(self) -> list[tuple[bytes, Address]]:
        """Return up to 64 datagrams with their sources; one longer than 4096 bytes comes as 4097."""
        count = _libc.recvmmsg(self._fd, self._inbox_headers, RECEIVE_BATCH, socket.MSG_DONTWAIT, None)
        if count <= 0:
            self._errors_wait = True
            return []
        sizes = self._header_words[_RECEIVED_AT : count * _HEADER_BYTES // 4 : _HEADER_BYTES // 4].tolist()
        used = count * _HEADER_BYTES  # the kernel wrote the sizes it used into the headers: set them back
        self._inbox_header_bytes[:used] = self._fresh_header_bytes[:used]
        inbox, sources = self._inbox, self._sources
        return [
            (
                inbox[i * _RECEIVE_STRIDE : i * _RECEIVE_STRIDE + size],
                sources[i * _ADDRESS_STRIDE : i * _ADDRESS_STRIDE + ADDRESS_BYTES],
            )
            for i, size in enumerate(sizes)
        ]

    def send(self, payload: bytes, targets: list[Address]) -> int:
        """Send the payload to every target; returns how many the kernel took, the others are ``failures``."""
        if len(targets) > SEND_BATCH:
            return sum(self.send(payload, targets[i : i + SEND_BATCH]) for i in range(0, len(targets), SEND_BATCH))
        joined = _NO_INTERFACE.join(targets)
        self._targets[: len(joined)] = joined
        outgoing = self._outgoing
        outgoing.base = payload
        outgoing.size = len(payload)
        count = len(targets)
        sent: int = _libc.sendmmsg(self._fd, self._out_start, count, socket.MSG_DONTWAIT)
        if sent == count:
            self._congested = False
            return sent
        return self._send_rest(targets, max(sent, 0))

    def undelivered(self) -> Iterator[Undelivered]:
        """Yield the ICMP errors that came back, if there are signs of any."""
        if self._errors_wait:
            self._errors_wait = False
            yield from filter(None, drain_errors(self._sock))

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _send_rest(self, targets: list[Address], index: int) -> int:
        """Go on after a short return at ``index``.

        A waiting ICMP error fails the next datagram, whoever that is for, and is gone then; so the same
        datagram is sent again, and only what fails by itself counts as a failure.
        """
        self._errors_wait = True
        failed = tries = 0
        while index < len(targets):
            sent = _libc.sendmmsg(
                self._fd, self._out_start + index * _HEADER_BYTES, len(targets) - index, socket.MSG_DONTWAIT
            )
            if sent > 0:
                index += sent
                tries = 0
                continue
            reason = ctypes.get_errno()
            tries += 1
            if self._waited_for_room() if reason == errno.EAGAIN else tries < _TRIES:
                continue
            self.failures.append((targets[index], reason))
            failed += 1
            index += 1
            tries = 0
        return len(targets) - failed

    def _waited_for_room(self) -> bool:
        """Wait a moment for a full send buffer; False if it stays full, and at once until it empties."""
        if self._congested:
            return False
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        self._congested = not any(event & select.POLLOUT for _, event in poll.poll(WAIT_FOR_ROOM_MILLISECONDS))
        return not self._congested


def _start(buffer: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _headers(count: int, addresses: mmap.mmap, *, pinned: bool) -> "ctypes.Array[_MessageHeader]":
    headers = (_MessageHeader * count)()
    start = _start(addresses)
    for i, header in enumerate(headers):
        header.name = start + i * _ADDRESS_STRIDE
        header.name_size = _NAME_BYTES
        header.iovec_count = 1
        if pinned:
            header.control = start + i * _ADDRESS_STRIDE + _CONTROL_OFFSET
            header.control_size = _CONTROL_BYTES
    return headers
