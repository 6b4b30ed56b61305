"""Frames on the wire: what browsers send, what attackers send, and what ends a connection (threat N13)."""

import asyncio
import os
import struct
from typing import Final

import pytest
from websockets.frames import Frame, Opcode

from chatproto.stream import MAX_LINE_BYTES
from relay_server.web.websocket import MAX_IDLE_FRAMES, Framer
from services.relay_server.net.loopback import Run
from services.relay_server.web.web_relay import HOST, Caller, WebRelay, web_relay

pytestmark = pytest.mark.requirement("WEB-02")
JOIN: Final = b'{"join":{"room":"tea","name":"raw","create":true}}'
KEY: Final = "A" * 22 + "=="


def text(data: bytes, *, fin: bool = True) -> bytes:
    return Frame(Opcode.TEXT, data, fin=fin).serialize(mask=True)


def cont(data: bytes, *, fin: bool) -> bytes:
    return Frame(Opcode.CONT, data, fin=fin).serialize(mask=True)


def raw(first: int, second: int, rest: bytes = b"") -> bytes:
    return bytes((first, second)) + rest


async def chatting(relay: WebRelay, then: bytes = b"") -> Caller:
    """Open a WebSocket by hand and join; ``then`` is sent along with the join."""
    caller = await relay.call()
    answer = await caller.ask(
        "/chat", host=f"{HOST}:{relay.port}", origin=relay.origin, connection="Upgrade", upgrade="websocket",
        sec_websocket_version="13", sec_websocket_key=KEY, sec_websocket_extensions="permessage-deflate",
    )  # fmt: skip
    assert answer[0] == 101
    assert "sec-websocket-extensions" not in answer[1]  # nothing is compressed
    caller.writer.write(text(JOIN) + then)
    assert b'"status":0' in await frame(caller)
    return caller


async def frame(caller: Caller) -> bytes:
    """Return the payload of the relay's next frame, which isn't masked."""
    head = await caller.reader.readexactly(2)
    size = head[1]
    assert size < 128
    if size == 126:
        size = int.from_bytes(await caller.reader.readexactly(2), "big")
    return await caller.reader.readexactly(size)


ILLEGAL = {
    "unmasked": (raw(0x81, 2, b"{}"), 1002),
    "a reserved bit": (raw(0xC1, 0x80, bytes(4)), 1002),
    "a reserved bit of compression": (raw(0xC1, 0x82, bytes(4) + b"\x03\x00"), 1002),
    **{f"unknown opcode {code}": (raw(0x80 | code, 0x80, bytes(4)), 1002) for code in (*range(3, 8), *range(11, 16))},
    **{
        f"reserved bits {bits:o} in a frame of kind {code}": (raw(0x80 | bits << 4 | code, 0x80, bytes(4)), 1002)
        for bits in (1, 2, 5)
        for code in (Opcode.TEXT, Opcode.PING, Opcode.CLOSE)
    },
    "a continuation of nothing": (cont(b"{}", fin=True), 1002),
    "a message inside of a message": (text(b"{", fin=False) + text(b"{}"), 1002),
    "a fragmented ping": (raw(0x09, 0x80, bytes(4)), 1002),
    "a long ping": (raw(0x89, 0xFE, struct.pack("!H", 126) + bytes(4 + 126)), 1002),
    "a length of 2^63": (raw(0x81, 0xFF, b"\xff" * 8), 1009),
    "a gigabyte announced": (raw(0x81, 0xFF, struct.pack("!Q", 2**30)), 1009),
    "one byte too many": (text(b"x" * (MAX_LINE_BYTES + 1)), 1009),
    "one byte too many in fragments": (
        text(b"x" * MAX_LINE_BYTES, fin=False) + cont(b"x", fin=True),
        1009,
    ),
    "binary": (Frame(Opcode.BINARY, b"{}").serialize(mask=True), 1003),
    "binary in fragments": (Frame(Opcode.BINARY, b"{", fin=False).serialize(mask=True) + cont(b"}", fin=True), 1003),
    "no UTF-8": (text(b'{"say":"\xff"}'), 1007),
    "half a character": (text(b'{"say":"\xc3'), 1007),
    "a surrogate": (text(b'{"say":"\xed\xa0\x80"}'), 1007),
    "fragments without end": (text(b"", fin=False) + cont(b"", fin=False) * (MAX_IDLE_FRAMES + 1), 1008),
    "pings without end": (Frame(Opcode.PING, b"").serialize(mask=True) * (MAX_IDLE_FRAMES + 1), 1008),
    "pongs without end": (Frame(Opcode.PONG, b"").serialize(mask=True) * (MAX_IDLE_FRAMES + 1), 1008),
    "a close of one byte": (raw(0x88, 0x81, bytes(4) + b"\x03"), 1002),
    **{
        f"a close with the illegal code {code}": (raw(0x88, 0x82, bytes(4) + struct.pack("!H", code)), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)
    },
    "a close that is no UTF-8": (raw(0x88, 0x83, bytes(4) + struct.pack("!H", 1000) + b"\xff"), 1007),
    "an unmasked ping": (raw(0x89, 0), 1002),
    "an unmasked close": (raw(0x88, 2, struct.pack("!H", 1000)), 1002),
    "a fragmented close": (raw(0x08, 0x80, bytes(4)), 1002),
    "a long close": (raw(0x88, 0xFE, struct.pack("!H", 126) + bytes(4 + 126)), 1002),
}


@pytest.mark.parametrize("attack", ILLEGAL)
@pytest.mark.parametrize("size", [0, 1])
def test_what_is_illegal_ends_the_chat_and_says_why(attack: str, size: int) -> None:
    """Whole or byte by byte."""
    sent, code = ILLEGAL[attack]

    async def scenario() -> None:
        async with web_relay() as relay, await chatting(relay) as caller:
            for at in range(0, min(len(sent), 400), size) if size else ():
                caller.writer.write(sent[at : at + size])
                await caller.writer.drain()
            caller.writer.write(sent[400:] if size else sent)
            said = await caller.rest()
            assert b'{"bye":"malformed","message":' in said
            assert said[said.rindex(b"\x88") + 2 :][:2] == struct.pack("!H", code)

    asyncio.run(scenario())


LEGAL = {
    "one frame": text(b'{"ping":5}'),
    "fragments": text(b'{"pi', fin=False) + cont(b'ng":', fin=False) + cont(b"5}", fin=True),
    "an empty last fragment": text(b'{"ping":5}', fin=False) + cont(b"", fin=True),
    "a ping between fragments": text(b'{"ping"', fin=False)
    + Frame(Opcode.PING, b"x").serialize(mask=True)
    + cont(b":5}", fin=True),
    "a character in two fragments": text(b'{"x":"\xc3', fin=False) + cont(b'\xbc","ping":5}', fin=True),
    "the longest message": text(b'{"ping":5}'.ljust(MAX_LINE_BYTES)),
    "lines in a message": text(b'{\n"ping"\r\n:\n5\n}'),
    "a length that is longer than it need be": raw(0x81, 0xFE, struct.pack("!H", 10) + bytes(4) + b'{"ping":5}'),
    "a message after an unknown one": text(b'{"what":"ever"}') + text(b'{"ping":5}'),
}


@pytest.mark.parametrize("sent", LEGAL.values(), ids=LEGAL)
def test_what_is_legal_is_answered(run: Run, sent: bytes) -> None:
    async def scenario() -> None:
        async with web_relay() as relay, await chatting(relay) as caller:
            caller.writer.write(sent)
            heard = await frame(caller)
            if heard == b"x":  # of the ping in between
                heard = await frame(caller)
            assert heard == b'{"pong":5}'

    run(scenario)


def test_a_close_is_echoed_and_ends_the_connection(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay, await chatting(relay) as caller:
            caller.writer.write(text(b'{"ping":5}') + raw(0x88, 0x82, bytes(4) + struct.pack("!H", 1001)) + text(b"{}"))
            assert (await caller.rest()).endswith(b"\x88\x02" + struct.pack("!H", 1001))

    run(scenario)


def test_random_bytes_end_the_connection_and_nothing_else() -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            for _ in range(50):
                async with await chatting(relay) as caller:
                    caller.writer.write(os.urandom(2000))
                    caller.writer.write_eof()
                    await caller.rest()
                assert (await relay.get())[0] == 200
                for room in list(relay.parts.registry.rooms.values()):
                    for session in list(room.members.values()):
                        relay.parts.registry.seats.forsake(session, relay.web.clock())

    asyncio.run(scenario())


def test_the_same_lines_are_framed_once() -> None:
    framer, lines = Framer(), b'{"seq":1}\n{"seq":2}\n'
    frames = framer.frame(lines)
    assert frames == b'\x81\x09{"seq":1}\x81\x09{"seq":2}'
    assert framer.frame(lines) is frames
    assert framer.frame(b'{"seq":3}\n') == b'\x81\x09{"seq":3}'
