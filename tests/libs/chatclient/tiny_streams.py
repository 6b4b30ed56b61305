"""A relay of one page whose chats are streams, on real loopback sockets: it takes what is said, and echoes (STR-01)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

from chatproto import Completion, Feature, ServerTransaction, Status
from chatproto.stream import (
    Leave,
    LineDecoder,
    Ping,
    Pong,
    Say,
    ToRelay,
    encode_entry,
    encode_heartbeat,
    encode_took,
    parse_to_relay,
)
from libs.chatclient.tiny_relay import RefusalError

GRANT = Completion(
    b"token", False, 9, 300.0, 100, True, frozenset({Feature.NOTICES, Feature.RECEIPTS, Feature.RESUME}),
    "ticket", stream=True, epoch="e",
)  # fmt: skip


class TinyStreams:
    """One member's room: each word is answered, and comes back from an echo as the next entry."""

    def __init__(self, grant: Completion = GRANT) -> None:
        self.grant = grant
        self.refuses = False
        """Whether nobody is let in."""
        self.seq = 0
        self.heard: list[ToRelay] = []
        self.resumed: list[tuple[str, int]] = []
        """Tickets, and how far their holders had heard."""
        self.received = b""
        """All that came, decrypted."""
        self.writer: asyncio.StreamWriter
        """Of the newest connection."""
        self.serving: set[asyncio.Task[None] | None] = set()
        self._tickets = count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        self.writer = writer
        transaction, lines = ServerTransaction(), LineDecoder()
        asked = False
        try:
            while data := await reader.read(4096):
                self.received += data
                if asked:
                    for line in lines.feed(data):
                        self._take(parse_to_relay(line), writer)
                elif request := transaction.feed(data):
                    asked = True
                    self.resumed.append((request[2].ticket, request[2].heard))
                    if self.refuses:
                        writer.write(transaction.refuse(RefusalError(Status.NOT_SUPPORTED)))
                        continue
                    stream = self.grant.stream and request[2].stream
                    ticket = f"ticket {next(self._tickets)}"
                    grant = replace(self.grant, ticket=ticket, stream=stream, seq=self.seq)
                    ping = encode_heartbeat(Ping(7)) if grant.stream else b""
                    writer.write(transaction.accept() + transaction.complete(grant) + ping)
        except (ConnectionError, ssl.SSLError):
            pass
        writer.close()

    def _take(self, said: ToRelay, writer: asyncio.StreamWriter) -> None:
        self.heard.append(said)
        if isinstance(said, Say):
            assert said.n
            self.seq += 2
            echo = encode_entry(self.seq, "echo", said.text)
            writer.write(encode_took(said.n, self.seq - 1) + echo)
        elif isinstance(said, Ping):
            writer.write(encode_heartbeat(Pong(said.number)))
        elif isinstance(said, Leave):
            writer.close()

    def cut(self) -> None:
        """Break the newest connection, without a word."""
        self.writer.transport.abort()


@asynccontextmanager
async def tiny_streams(
    relay: TinyStreams | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[TinyStreams, str]]:
    """Yield the relay and its address for clients."""
    relay = relay or TinyStreams()
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield relay, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*filter(None, relay.serving))
