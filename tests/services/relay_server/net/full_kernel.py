"""A kernel that refuses."""

import ctypes
import errno

from relay_server.net import batch as batch_module


class FullKernel:
    """Stands between a batch socket and the kernel, and lets it refuse datagrams as a full send buffer does.

    Loopback takes every datagram off the sender's buffer at once, so a real one never fills up there.
    """

    def __init__(self, refusals: int, reason: int = errno.EAGAIN) -> None:
        self._refusals = refusals
        self._reason = reason
        self.calls = 0

    def sendmmsg(self, fd: int, headers: int, count: int, flags: int) -> int:
        self.calls += 1
        if self._refusals:
            self._refusals -= 1
            ctypes.set_errno(self._reason)
            return -1
        sent: int = KERNEL.sendmmsg(fd, headers, count, flags)
        return sent


KERNEL = batch_module._libc
