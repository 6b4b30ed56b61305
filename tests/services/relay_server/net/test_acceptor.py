"""Accepting: whoever waits is taken, and a want of descriptors is said once a pause and gone through."""

import asyncio
import errno
import socket
from typing import Any, Self

import pytest

from relay_server.net.acceptor import ACCEPTED_AT_ONCE, Acceptor
from relay_server.net.sockets import listen_tcp
from services.relay_server.net.loopback import Run, until

MANY = 3 * ACCEPTED_AT_ONCE + 1


class Greeter(asyncio.Protocol):
    """Says hello and goodbye."""

    def connection_made(self, transport: Any) -> None:
        transport.write(b"hello")
        transport.close()


class ShortOfDescriptors(socket.socket):
    """A listening socket on a system that has none left, as often as it is told."""

    failures = 0

    @classmethod
    def taking_over(cls, sock: socket.socket) -> Self:
        return cls(sock.family, sock.type, sock.proto, sock.detach())

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def call(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


async def read(sock: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(sock, 100)


def test_all_who_wait_are_accepted(run: Run) -> None:
    async def scenario() -> None:
        sock = listen_tcp("::", 0)
        clients = [call(sock.getsockname()[1]) for _ in range(MANY)]
        acceptor = Acceptor(sock, Greeter)
        for client in clients:
            assert await read(client) == b"hello"
            client.close()
        await until(lambda: not acceptor._starting)
        acceptor.close()

    run(scenario)


def test_a_second_small_write_need_not_wait_until_the_first_is_confirmed(run: Run) -> None:
    class Tells(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            delays.append(not transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    delays: list[bool] = []

    async def scenario() -> None:
        sock = listen_tcp("::", 0)
        with call(sock.getsockname()[1]) as client:
            acceptor = Acceptor(sock, Tells)
            assert await read(client) == b""
        acceptor.close()

    run(scenario)
    assert delays == [False]


def test_who_waits_while_descriptors_are_short_is_accepted_after_it(run: Run) -> None:
    async def scenario() -> None:
        faults: list[BaseException] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
        sock = ShortOfDescriptors.taking_over(listen_tcp("::", 0))
        sock.setblocking(False)
        sock.failures = 2
        client = call(sock.getsockname()[1])
        acceptor = Acceptor(sock, Greeter)
        assert await read(client) == b"hello"
        assert [getattr(fault, "errno", None) for fault in faults] == [errno.EMFILE] * 2  # once for each pause
        client.close()
        acceptor.close()

    run(scenario)


def test_an_end_during_the_pause_is_the_end(run: Run) -> None:
    async def scenario() -> None:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        sock = ShortOfDescriptors.taking_over(listen_tcp("::", 0))
        sock.setblocking(False)
        sock.failures = 1
        client = call(sock.getsockname()[1])
        acceptor = Acceptor(sock, Greeter)
        await until(lambda: faults)
        acceptor.close()
        with pytest.raises(ConnectionResetError):
            await read(client)
        client.close()

    run(scenario)
