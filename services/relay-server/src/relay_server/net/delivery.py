"""Whether what was written to a connection arrived: its end alone doesn't tell a dead client from a patient one."""

import asyncio
import socket
import struct
import sys
from contextlib import suppress

if sys.platform == "linux":
    import fcntl
    import termios

_OUR_END = 1
"""The end of a stream counts as one byte."""


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


def _socket_of(transport: asyncio.Transport) -> socket.socket:
    sock: socket.socket = transport.get_extra_info("socket")
    return sock
