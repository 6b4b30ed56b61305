"""What strangers may do to the operators' HTTP port: hold little, for a short time, and without a line of the log."""

import asyncio
import itertools
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fuzz.mutations import mutate
from relay_server.net import http
from relay_server.net.descriptors import OPS_CONNECTIONS
from relay_server.net.hosts import OwnNames
from relay_server.net.http import OpsServer, Page
from relay_server.net.sockets import listen_tcp
from services.relay_server.net.loopback import DEADLINE_SECONDS, Run, port_of, until

ASK = b"GET /healthz HTTP/1.1\r\nHost: relay:9100\r\n"
LARGE = bytes(32 * 2**20)
"""More than the kernel takes for one connection."""
PAGES: dict[str, Page] = {
    "/healthz": lambda: (200, "text/plain", b"ok\n"),
    "/large": lambda: (200, "text/plain", LARGE),
}
QUICKLY = 0.05


class Client:
    """A raw connection."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setblocking(False)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def read(self) -> bytes:
        """Read what comes next; nothing at the end."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await asyncio.get_running_loop().sock_recv(self.sock, 65_536)
        except ConnectionResetError:
            return b""

    async def read_all(self) -> bytes:
        everything = b""
        while data := await self.read():
            everything += data
        return everything

    async def ask(self, request: bytes = ASK + b"\r\n") -> bytes:
        """Ask on a connection that stays."""
        await self.send(request)
        answer = await self.read()
        while not answer.endswith(b"ok\n"):
            more = await self.read()
            assert more, answer
            answer += more
        return answer

    def close(self) -> None:
        self.sock.close()


class Port:
    """A port that serves, and its clients."""

    def __init__(self, server: OpsServer, number: int) -> None:
        self.server = server
        self.number = number
        self.clients: list[Client] = []

    def call(self) -> Client:
        self.clients.append(Client(self.number))
        return self.clients[-1]

    @property
    def count(self) -> int:
        return len(self.server.connections)


@asynccontextmanager
async def serving() -> AsyncIterator[Port]:
    sock = listen_tcp("127.0.0.1", 0)
    server = OpsServer(PAGES, lambda _: None, OwnNames("127.0.0.1"))
    port = Port(server, port_of(sock))
    task = asyncio.create_task(server.run(sock))
    try:
        yield port
    finally:
        server.stop()
        await asyncio.wait_for(task, DEADLINE_SECONDS)
        for client in port.clients:
            client.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REQUEST_SECONDS", QUICKLY)


def test_of_many_silent_connections_the_oldest_yield(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as port:
            crowd = [port.call() for _ in range(OPS_CONNECTIONS)]
            await until(lambda: port.count == OPS_CONNECTIONS)
            for number in range(3):
                assert (await port.call().ask()).startswith(b"HTTP/1.1 200 OK\r\n")
                assert port.count == OPS_CONNECTIONS
                # The first newcomer takes a silent one's place; the next ones that of who was answered before.
                if number == 0:
                    assert await crowd[0].read() == b""
            assert (await crowd[1].ask()).startswith(b"HTTP/1.1 200 OK\r\n")

    run(scenario)


def test_who_was_answered_longest_ago_yields_first(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as port:
            clients = [port.call() for _ in range(OPS_CONNECTIONS)]
            for client in (*clients, clients[0]):
                await client.ask()
            await port.call().ask()
            assert await clients[1].read() == b""
            await clients[0].ask()

    run(scenario)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("beginning", [b"", b"GET /healthz HT", ASK, b"POST /healthz HTTP/1.1\r\nHost: a\r\n"])
def test_a_request_must_be_whole_in_time(run: Run, beginning: bytes) -> None:
    async def scenario() -> None:
        async with serving() as port:
            first, again = port.call(), port.call()
            await first.send(beginning)
            await again.ask()
            await again.send(beginning)
            assert await first.read() == await again.read() == b""
            await until(lambda: port.count == 0)

    run(scenario)


@pytest.mark.usefixtures("impatient")
def test_an_answer_must_be_taken_in_time(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as port:
            client = port.call()
            await client.send(ASK.replace(b"healthz", b"large") + b"\r\n")
            await until(lambda: port.count == 1)
            await until(lambda: port.count == 0)
            assert len(await client.read_all()) < len(LARGE)

    run(scenario)


def test_who_asks_and_asks_and_never_reads_is_cut(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REQUEST_SECONDS", 3600.0)  # it isn't the deadline that cuts

    async def scenario() -> None:
        async with serving() as port:
            client = port.call()
            request = ASK.replace(b"healthz", b"large") + b"\r\n"
            await client.send(request)
            await until(lambda: any(held._transport.get_write_buffer_size() for held in port.server.connections))
            await client.send(request)
            await until(lambda: port.count == 0)

    run(scenario)


def test_a_connection_may_be_used_again(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as port:
            client = port.call()
            for _ in range(3):
                assert b"connection" not in (await client.ask()).lower()
            assert (await client.ask(b"GET /healthz HTTP/1.0\r\n\r\n")).lower().count(b"connection: close") == 1
            assert await client.read() == b""

    run(scenario)


def test_an_upgrade_is_not_made(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with serving() as port:
            client = port.call()
            for _ in range(2):
                upgrade = ASK + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                assert (await client.ask(upgrade)).startswith(b"HTTP/1.1 200 OK\r\n")
        assert caplog.records == []

    run(scenario)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),  # without a Host
        (ASK + b"Host: other\r\n\r\n", 400),
        (ASK + b"X: " + b"x" * http.MAX_HEAD_BYTES, 431),
        (ASK + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (ASK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (ASK.replace(b"GET", b"HEAD") + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (ASK.replace(b"relay:9100", b"evil.example:9100") + b"\r\n" + ASK, 421),
        (ASK.replace(b"GET", b"POST") + b"Content-Length: 9000000\r\n\r\n" + bytes(70_000), 405),
        (ASK + b"\r\n" + ASK + b"\r\n", 200),  # who doesn't wait for an answer gets one, and no other
    ],
)
def test_who_can_get_no_second_answer_gets_one_and_an_end(
    run: Run, caplog: pytest.LogCaptureFixture, data: bytes, status: int
) -> None:
    async def scenario() -> None:
        async with serving() as port:
            client = port.call()
            await client.send(data)
            answer = await client.read_all()
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d " % status)
            assert b"connection: close" in head.lower()
            assert body.count(b"\n") == (not data.startswith(b"HEAD"))
            client.close()
            await until(lambda: port.count == 0)
        assert caplog.records == []

    run(scenario)


def test_who_still_sends_after_the_end_is_heard_out(run: Run) -> None:
    """A connection closed at once would be reset by what comes late, and some systems then lose the answer."""

    async def scenario() -> None:
        async with serving() as port:
            client = port.call()
            await client.send(ASK.replace(b"GET", b"POST") + b"Content-Length: 9000\r\n\r\n")
            assert (await client.read_all()).startswith(b"HTTP/1.1 405 ")
            for _ in range(3):
                await client.send(b"late")

    run(scenario)


def test_another_name_is_told_which_ones_will_do(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as port:
            client = port.call()
            await client.send(ASK.replace(b"relay:9100", b"evil.example") + b"\r\n")
            answer = await client.read()
            assert answer.startswith(b"HTTP/1.1 421 Misdirected Request\r\n")
            assert answer.endswith(b"\r\n\r\nAsk by an address, by localhost, or by this machine's own name.\n")

    run(scenario)


def test_who_ends_its_side_has_its_answer(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as port:
            whole, half = port.call(), port.call()
            await whole.send(ASK + b"\r\n")
            await half.send(ASK)
            for client in (whole, half):
                client.sock.shutdown(socket.SHUT_WR)
            assert (await whole.read_all()).endswith(b"\r\n\r\nok\n")
            assert await half.read_all() == b""
            await until(lambda: port.count == 0)

    run(scenario)


@pytest.mark.slow
def test_whatever_comes_the_port_goes_on(run: Run) -> None:
    good = [
        ASK + b"\r\n",
        ASK + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
        ASK.replace(b"GET", b"HEAD") + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        ASK.replace(b"GET /healthz", b"CONNECT relay:9100") + b"\r\n",
        ASK.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" + ASK,
        b"OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    ]
    words = (b"\r\n", b"\r\n\r\n", b": ", b"Host", b"chunked", b"%00", b"%ff", b"http://a.b/", b"[::1", b"-1", bytes(9))
    requests = mutate(good, words, random.Random(6))

    async def scenario() -> None:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with serving() as port:
            for request in itertools.islice(requests, 1500):
                client = port.call()
                await client.send(request)
                client.sock.shutdown(socket.SHUT_WR)
                assert (await client.read_all())[:9] in {b"HTTP/1.1 ", b""}
                port.clients.pop().close()
            await port.call().ask()
        assert faults == []

    run(scenario)
