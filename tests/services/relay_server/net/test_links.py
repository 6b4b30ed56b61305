"""Links between nodes: who may open one, and what its ends learn of each other (CLU-04)."""

import asyncio
import gc
import json
import socket
import ssl
import weakref
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from relay_server.core.address import parse_ip
from relay_server.net import link_port
from relay_server.net.hello import Hello, HelloError, Kind, decode_hello, encode_hello, proof_of
from relay_server.net.links import LinkError, Links, client_context
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.nodes import KEY, Ear, EchoNode, echo_node, node_at

CARRY = Hello(Kind.CARRY, "edge", parse_ip("192.0.2.7"), 0, encrypted=True, udp_port=9001)


@pytest.mark.requirement("CLU-04")
def test_a_link_carries_bytes_and_tells_for_whom(run: Run) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            ear = Ear()
            transport = await Links(KEY, "edge").open_link(home.node, CARRY, ear)
            transport.write(b"x" * 100_000)
            await until(lambda: len(ear.heard) == 100_000)
            (echo,) = home.served
            assert (echo.hello, echo.via) == (CARRY, parse_ip("127.0.0.1"))
            assert home.counters.links_refused == 0
            transport.close()
            await until(lambda: echo.lost == [None])

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_nothing_of_a_stranger_is_left_for_a_collection(run: Run) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            with socket.create_connection(("127.0.0.1", home.number)):
                await until(lambda: home.port.links)
                (link,) = map(weakref.ref, home.port.links)
            await until(lambda: link() is None)

    gc.disable()
    try:
        run(scenario)
    finally:
        gc.enable()


@pytest.mark.requirement("CLU-04")
def test_both_ends_may_stop_sending_and_still_read(run: Run) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            ear = Ear()
            transport = await Links(KEY, "edge").open_link(home.node, CARRY, ear)
            transport.write(b"the last words")
            transport.write_eof()
            transport.write(b"lost")
            await until(lambda: home.served and home.served[0].ended)
            (echo,) = home.served
            echo.transport.write(b", and an answer")
            echo.transport.write_eof()
            await until(lambda: ear.ended)
            assert ear.heard == b"the last words, and an answer"
            assert not ear.lost
            assert not echo.lost
            transport.close()
            await until(lambda: echo.lost == [None])

    run(scenario)


@pytest.mark.requirement("CLU-04")
@pytest.mark.parametrize("half_closed", [False, True])
def test_a_link_that_is_cut_doesnt_look_closed(run: Run, half_closed: bool) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            transport = await Links(KEY, "edge").open_link(home.node, CARRY, Ear())
            transport.write(b"hello")
            if half_closed:
                transport.write_eof()
            await until(
                lambda: home.served and home.served[0].heard == b"hello" and home.served[0].ended == half_closed
            )
            transport.abort()
            (echo,) = home.served
            await until(lambda: echo.lost)
            assert isinstance(echo.lost[0], ConnectionResetError)

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_nothing_is_said_to_a_node_with_another_certificate(run: Run) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            other = replace(home.node, link_fingerprint="00:" * 31 + "00")
            with pytest.raises(LinkError, match="certificate"):
                await Links(KEY, "edge").open_link(other, CARRY, Ear())
            await until(lambda: home.counters.links_refused == 1 and not home.port.links)
            assert not home.served

    run(scenario)


@pytest.mark.requirement("CLU-04")
@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\n",
        b"[]\n",
        b'{"proof":1}\n',
        b"{" * 1024 + b"\n",
        b"x" * 1025,
        encode_hello(CARRY, b"another key", "AA"),
    ],
)
def test_who_has_no_proof_is_cut_and_counted(run: Run, line: bytes) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            reader, writer = await asyncio.open_connection("127.0.0.1", home.number, ssl=client_context())
            writer.write(line)
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.transport.abort()
            await until(lambda: not home.port.links)
            assert home.counters.links_refused == 1
            assert not home.served

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_who_speaks_no_tls_or_an_older_one_is_cut_and_counted(run: Run) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            reader, writer = await asyncio.open_connection("127.0.0.1", home.number)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await until(lambda: home.counters.links_refused == 1)
            writer.transport.abort()
            older = client_context()
            older.minimum_version = older.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("127.0.0.1", home.number, ssl=older)
            await until(lambda: home.counters.links_refused == 2)
            assert reader

    run(scenario)


def refused(home: EchoNode, count: int) -> bool:
    return home.counters.links_refused == count and not home.port.links


@pytest.mark.requirement("CLU-04")
def test_who_takes_too_long_or_says_too_much_is_cut(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_port, "HELLO_SECONDS", 0.02)

    async def scenario() -> None:
        async with echo_node() as home:
            for count, words in enumerate((b"", b"\x16\x03\x01" + b"\xff" * 20_000), start=1):
                _, writer = await asyncio.open_connection("127.0.0.1", home.number)
                writer.write(words)
                await until(partial(refused, home, count))
                writer.transport.abort()

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_an_address_has_few_links_that_prove_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_port, "MAX_UNPROVEN_PER_ADDRESS", 2)

    async def scenario() -> None:
        async with echo_node() as home:
            held = [await asyncio.open_connection("127.0.0.1", home.number) for _ in range(2)]
            await until(lambda: len(home.port.links) == 2)
            reader, writer = await asyncio.open_connection("127.0.0.1", home.number)
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            assert home.counters.links_refused == 1
            for each in (writer, *(one for _, one in held)):
                each.transport.abort()
            await until(lambda: not home.port.links)
            assert await Links(KEY, "edge").probe(home.node)

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_an_address_that_proves_nothing_for_long_isnt_even_heard(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_port, "REFUSALS_A_SECOND", 1e-9)
    monkeypatch.setattr(link_port, "REFUSALS_AT_ONCE", 3)

    async def scenario() -> None:
        async with echo_node() as home:
            for count in range(1, 4):
                assert not await Links(b"another key", "edge").probe(home.node)
                await until(partial(refused, home, count))
            assert not home.port._admit("127.0.0.1")
            assert home.port._admit("127.0.0.2")
            assert home.counters.links_refused == 4

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_node_opens_no_more_than_its_measure_of_links(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_port, "MAX_LINKS_PER_ADDRESS", 1)

    async def scenario() -> None:
        async with echo_node() as home:
            links, ear = Links(KEY, "edge"), Ear()
            first = await links.open_link(home.node, CARRY, ear)
            await until(lambda: home.served)
            second = Ear()
            await links.open_link(home.node, CARRY, second)
            await until(lambda: second.lost)
            assert len(home.served) == 1
            assert home.counters.links_refused == 1
            first.close()
            await until(lambda: not home.port.links)

    run(scenario)


@pytest.mark.requirement("CLU-06")
def test_a_probe_tells_who_is_alive(run: Run) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            links = Links(KEY, "edge")
            assert await links.probe(home.node)
            assert not await links.probe(replace(home.node, name="another"))
            assert not await links.probe(replace(home.node, link_fingerprint="AA"))
            assert not await Links(b"another key", "edge").probe(home.node)
            await until(lambda: not home.port.links)
        assert not await links.probe(home.node)

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("CLU-06")
def test_a_stopped_process_fails_a_probe_though_its_system_accepts(run: Run) -> None:
    with socket.socket() as stopped:
        stopped.bind(("127.0.0.1", 0))
        stopped.listen()  # nobody ever accepts

        async def scenario() -> None:
            assert not await Links(KEY, "edge").probe(node_at(stopped.getsockname()[1], "AA"))

        run(scenario)


@pytest.mark.requirement("CLU-04")
def test_nobody_there_is_an_error(run: Run) -> None:
    async def scenario() -> None:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionRefusedError):
                await Links(KEY, "edge").open_link(node_at(bound.getsockname()[1], "AA"), CARRY, Ear())

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_hello_is_read_as_it_was_written() -> None:
    for hello in (
        CARRY,
        Hello(Kind.PROBE, "edge"),
        replace(CARRY, ip=parse_ip("2001:db8::1"), scope=3, encrypted=False),
        replace(CARRY, by_page=True),
    ):
        assert decode_hello(encode_hello(hello, KEY, "AA"), KEY, "AA") == hello


@pytest.mark.requirement("CLU-04")
def test_an_older_node_says_nothing_of_pages() -> None:
    fields = json.loads(encode_hello(replace(CARRY, by_page=True), KEY, "AA"))
    del fields["by_page"]
    assert decode_hello(json.dumps(fields).encode(), KEY, "AA") == CARRY


@pytest.mark.requirement("CLU-04")
@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"node": ""},
        {"node": 5},
        {"node": "x" * 256},
        {"ip": "nowhere"},
        {"ip": 5},
        {"scope": -1},
        {"scope": True},
        {"encrypted": 1},
        {"by_page": 1},
        {"udp_port": 0},
        {"udp_port": "9001"},
        {"proof": proof_of(KEY, "BB")},
        {"proof": None},
        {"proof": "ä"},
    ],
)
def test_a_hello_with_a_field_amiss_is_none(change: dict[str, object]) -> None:
    fields = json.loads(encode_hello(CARRY, KEY, "AA"))
    with pytest.raises(HelloError):
        decode_hello(json.dumps(fields | change).encode(), KEY, "AA")
