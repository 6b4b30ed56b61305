"""Whether what was written to a connection arrived: its end alone doesn't tell a dead client from a patient one."""

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from math import inf

if sys.platform == "linux":
    import fcntl
    import termios

_OUR_END = 1
"""The end of a stream counts as one byte."""
_TCP_INFO, _BYTES_ACKED = 11, slice(120, 128)
"""The option, and where in it the kernel says how much was confirmed (tcpi_bytes_acked)."""


def is_under_way(transport: asyncio.Transport) -> bool:
    """Tell whether bytes that were written haven't been confirmed by the other system; where ours can't tell, not."""
    if transport.get_write_buffer_size():
        return True
    if sys.platform != "linux":
        return False
    with suppress(OSError):
        (count,) = struct.unpack("i", fcntl.ioctl(_socket_of(transport), termios.TIOCOUTQ, bytes(4)))
        return bool(count > _OUR_END)
    return False


def was_reset(transport: asyncio.Transport) -> bool:
    """Tell whether the other system has said that nobody is there any more."""
    with suppress(OSError):
        return _socket_of(transport).getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
    return True


def confirmed_bytes(transport: asyncio.Transport) -> float:
    """Return how many bytes of all that were written the other system has confirmed; infinity where ours can't tell."""
    if sys.platform == "linux":
        with suppress(OSError):
            told = _socket_of(transport).getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _BYTES_ACKED.stop)[_BYTES_ACKED]
            return int.from_bytes(told, sys.byteorder) if told else inf
    return inf


def _socket_of(transport: asyncio.Transport) -> socket.socket:
    sock: socket.socket = transport.get_extra_info("socket")
    return sock
