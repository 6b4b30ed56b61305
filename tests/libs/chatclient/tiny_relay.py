"""A relay of one page on real loopback sockets: it grants what it is told to, and echoes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from chatproto import (
    Completion,
    Operation,
    ProtocolError,
    ServerTransaction,
    Status,
    encode_lobby,
    parse_datagram,
    parse_lobby,
)


class RefusalError(ProtocolError):
    def __init__(self, status: Status) -> None:
        self.status = status  # type: ignore[misc]  # one class for all of them
        super().__init__()


class TinyRelay(asyncio.DatagramProtocol):
    """Room and lobby datagrams share a port; what is said comes back to the sender."""

    def __init__(self) -> None:
        self.verdict = Status.OK
        self.rooms = b'{"rooms":[{"name":"tea","members":3,"topic":"at four"}]}'
        self.answers = True
        self.heard: asyncio.Queue[tuple[bytes, Any]] = asyncio.Queue()
        """Messages, and the addresses they came from."""
        self.tcp_peers: list[Any] = []
        self.received = b""
        """All that came over TCP, decrypted."""
        self.lobby = False
        self.serving: set[asyncio.Task[None] | None] = set()
        self.transport: asyncio.DatagramTransport

    @property
    def udp_port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        self.tcp_peers.append(writer.get_extra_info("peername"))
        transaction = ServerTransaction()
        asked = None
        while not asked:
            data = await reader.read(7)
            self.received += data
            if not data:
                break
            asked = transaction.feed(data)
        if asked and self.answers:
            grant = Completion(b"token", asked[0] is Operation.CREATE, self.udp_port, 300.0, 100, moderation=True)
            if self.verdict is Status.OK and asked[0] is Operation.LIST:
                writer.write(transaction.list_rooms(self.rooms))
            elif self.verdict is Status.OK:
                writer.write(transaction.accept() + transaction.complete(grant))
            else:
                writer.write(transaction.refuse(RefusalError(self.verdict)))
            if writer.can_write_eof():  # asyncio's TLS can't
                with suppress(OSError):  # the client has gone already
                    writer.write_eof()
        await reader.read()
        writer.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        parsed = parse_lobby(data) if self.lobby else parse_datagram(data)
        assert parsed
        message = parsed[-1]
        self.heard.put_nowait((message, addr))
        if message:
            echo = b"echo: " + message
            self.transport.sendto(encode_lobby(b"echo", message) if self.lobby else echo, addr)


@asynccontextmanager
async def tiny_relay(
    host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[TinyRelay, str]]:
    """Yield the relay and its address for clients."""
    loop = asyncio.get_running_loop()
    transport, relay = await loop.create_datagram_endpoint(TinyRelay, local_addr=(host, 0))
    server = await asyncio.start_server(relay.serve, host, 0, ssl=tls)
    try:
        yield (
            relay,
            f"[{host}]:{server.sockets[0].getsockname()[1]}"
            if ":" in host
            else (f"{host}:{server.sockets[0].getsockname()[1]}"),
        )
    finally:
        transport.close()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*filter(None, relay.serving))


@asynccontextmanager
async def babbler(answer: bytes) -> AsyncIterator[str]:
    """Serve what says something to everybody who speaks, and ends; yields its address."""
    serving: set[asyncio.Task[None] | None] = set()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        await reader.read(1)
        writer.write(answer)
        with suppress(OSError):  # the client has gone already
            writer.write_eof()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*filter(None, serving))
