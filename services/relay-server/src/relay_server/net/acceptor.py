"""Accepting TCP connections: a few at a time, and calmly when descriptors run out (threat T3)."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final

ACCEPTED_AT_ONCE: Final = 2
"""Then the loop's other work has its turn, and descriptors of those who yield are closed; others wait in the queue. To
take one in is 0.1 ms of work."""
QUEUE: Final = 4096
"""Connections that may wait there, as far as net.core.somaxconn allows: who finds it full tries again in a second."""
RETRY_SECONDS: Final = 0.1
OUT_OF_RESOURCES: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Acceptor:
    """Accepts from a listening socket and gives each connection a protocol; it closes the socket in the end."""

    def __init__(
        self,
        sock: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        admit: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """``admit`` says by its IP address whether a connection is taken; else it is closed at once."""
        self._sock = sock
        self._admit = admit
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._retry: asyncio.TimerHandle | None = None
        self._starting: set[asyncio.Task[None]] = set()
        sock.listen(QUEUE)
        self.resume()

    @property
    def is_starting(self) -> bool:
        """Whether a connection was accepted that has no protocol yet."""
        return bool(self._starting)

    def close(self) -> None:
        """Stop accepting."""
        self.pause()
        self._sock.close()

    def pause(self) -> None:
        """Leave who comes in the kernel's queue, until `resume` or for another process that has the socket."""
        self._forget_retry()
        self._loop.remove_reader(self._sock)

    def resume(self) -> None:
        """Accept again."""
        self._forget_retry()
        self._loop.add_reader(self._sock, self._accept)

    def _forget_retry(self) -> None:
        if self._retry:
            self._retry.cancel()
            self._retry = None

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, address = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._wait(error)
                return
            if not self._admit(address[0] if address else ""):  # a Unix socket's peer has no address
                connection.close()
                continue
            connection.setblocking(False)
            task = self._loop.create_task(self._start(connection))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _start(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # it is gone already
            connection.close()

    def _wait(self, error: OSError) -> None:
        """Leave who waits in the kernel's queue for a moment: the socket stays readable, and the loop would spin."""
        self._loop.remove_reader(self._sock)
        self._retry = self._loop.call_later(RETRY_SECONDS, self.resume)
        if error.errno in OUT_OF_RESOURCES:  # any other is that one connection's
            context = {"message": "no connection can be accepted", "exception": error, "socket": self._sock}
            self._loop.call_exception_handler(context)
