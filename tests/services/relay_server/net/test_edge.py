"""Clients that another node carries to their room's home: what they see, and what they may not do (CLU-04, N19)."""

import json
import socket
from contextlib import suppress
from typing import Any

import pytest

from chatproto import Completion, Frame, Operation, State, encode_datagram, encode_frame
from chatproto.payloads import decode_completion
from relay_server.core.address import parse_ip
from relay_server.core.counters import DropReason, Way
from relay_server.net.carriage import MAX_WORDS_BYTES
from services.relay_server.net.cluster import ClusterNode, Pair, pair
from services.relay_server.net.loopback import DEADLINE_SECONDS, Run, until
from services.relay_server.net.nodes import echo_node
from services.relay_server.net.tcp_relay import Client
from services.relay_server.net.udp_chat import hear

PERSON = "127.0.0.5"
ROOMS = (b"demo", b"omed")
"""Of the home, and of nobody."""


def plain(operation: Operation, name: bytes, room: bytes = b"demo") -> bytes:
    """Write a request as the text has it: 32 bytes of header, the room's name, the bare user name."""
    return bytes((len(room), operation, 0)) + len(name).to_bytes(29, "big") + room + name


def as_json(operation: Operation, name: str, room: bytes = b"demo", **fields: Any) -> bytes:
    payload = json.dumps({"username": name, "reply": "json", **fields}).encode()
    return encode_frame(Frame(operation, State.REQUEST, room, payload))


async def to_end(client: Client) -> bytes:
    heard = b""
    while data := await client.recv():
        heard += data
    return heard


async def ask(node: ClusterNode, request: bytes, ip: str = PERSON) -> bytes:
    """Return all that a node answers, to its end."""
    async with await node.connect(ip) as client:
        await client.send(request)
        return await to_end(client)


async def granted(node: ClusterNode, request: bytes, ip: str = PERSON) -> Completion:
    async with await node.connect(ip) as client:
        await client.send(request)
        accepted, completed = await client.frame(), await client.frame()
        assert (accepted.state, completed.state) == (State.REPLY, State.COMPLETION)
        assert await client.at_end()
        return decode_completion(completed.payload)


def speaker(node: ClusterNode, ip: str = PERSON) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((ip, 0))
    sock.connect((node.host, node.udp_number))
    sock.setblocking(False)
    return sock


async def chatting(both: Pair, *, name: str = "bob") -> tuple[socket.socket, bytes, socket.socket, bytes]:
    """Put ann, at the home, and bob, whom the edge carries, in a room; both have spoken."""
    ann_token = (await granted(both.home, plain(Operation.CREATE, b"ann"), both.home.host)).token
    token = (await granted(both.edge, plain(Operation.JOIN, name.encode()))).token
    ann, bob = speaker(both.home, both.home.host), speaker(both.edge)
    ann_head, bob_head = encode_datagram(b"demo", ann_token), encode_datagram(b"demo", token)
    ann.send(ann_head)
    bob.send(bob_head)
    await until(lambda: heard_of(both.home) == 2)
    drain(ann)
    return ann, ann_head, bob, bob_head


def heard_of(home: ClusterNode) -> int:
    return sum(session.address is not None for session in home.registry.sessions_by_token.values())


def drain(sock: socket.socket) -> None:
    with suppress(BlockingIOError):
        while True:
            sock.recv(9999)


@pytest.mark.requirement("CLU-04", "FEAT-04")
def test_a_plain_client_sees_the_same_bytes_at_either_node(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            there = await ask(both.home, plain(Operation.JOIN, b"bob"))
            here = await ask(both.edge, plain(Operation.JOIN, b"eve"))
            assert len(here) == len(there)
            token_bytes = len(there) - 2 * 36 - 1
            assert here[:-token_bytes] == there[:-token_bytes]
            assert there[-token_bytes:] in both.home.registry.sessions_by_token
            assert here[-token_bytes:] in both.home.registry.sessions_by_token
            for request in (
                plain(Operation.JOIN, b"bob"),  # the name is taken
                plain(Operation.JOIN, b"\xff"),
                as_json(Operation.JOIN, "bob"),
                as_json(Operation.JOIN, "bob", chat="stream", features=["notices"]),
                as_json(Operation.JOIN, "server", features=["notices"]),
            ):
                assert await ask(both.edge, request) == await ask(both.home, request), request
            assert b'"code": "user_name_reserved"' in await ask(both.edge, request)
            assert both.edge.counters.joins_elsewhere[Way.EDGE] == 1

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_request_may_come_in_any_pieces_and_end_its_side(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            async with await both.edge.connect(PERSON) as client:
                for byte in plain(Operation.JOIN, b"bob"):
                    await client.send(bytes([byte]))
                client.sock.shutdown(socket.SHUT_WR)
                assert (await client.frame()).payload == b"\0"
                assert (await client.frame()).state == State.COMPLETION
                assert await client.at_end()
            assert len(both.home.registry.sessions_by_token) == 2

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_the_home_knows_the_person_by_its_own_address(run: Run) -> None:
    async def scenario() -> None:
        async with pair(home_policy={"max_members_per_address": 1}) as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            completion = await granted(both.edge, as_json(Operation.JOIN, "bob"))
            assert completion.udp_port == both.edge.udp_number
            session = both.home.registry.sessions_by_token[completion.token]
            assert (session.ip, session.source_ip) == (parse_ip(PERSON), parse_ip("127.0.0.1"))
            assert session.member.ip == parse_ip(PERSON)
            refused = await ask(both.edge, as_json(Operation.JOIN, "tom"))
            assert b'"status": 7' in refused
            await granted(both.edge, as_json(Operation.JOIN, "tom"), "127.0.0.6")

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_wrong_password_is_the_persons(run: Run) -> None:
    async def scenario() -> None:
        async with pair(home_policy={"password_guesses_per_minute": 60.0}) as both:
            await ask(both.home, as_json(Operation.CREATE, "ann", password="right"), "127.0.0.1")
            wrong = as_json(Operation.JOIN, "bob", password="wrong")
            assert await ask(both.edge, wrong) == await ask(both.home, wrong)
            assert parse_ip(PERSON) in both.home.control._guesses._of_network._own._buckets
            assert parse_ip("127.0.0.1") not in both.home.control._guesses._of_network._own._buckets
            await granted(both.edge, as_json(Operation.JOIN, "bob", password="right"))

    run(scenario)


@pytest.mark.requirement("CLU-04", "PWD-05")
@pytest.mark.parametrize(
    "fields", [{}, {"password": "wrong"}, {"password": "wrong", "features": ["notices", "follow"]}]
)
def test_a_hidden_room_of_another_node_is_refused_like_none(run: Run, fields: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with pair(hide_rooms=True) as both:
            await ask(both.home, as_json(Operation.CREATE, "ann", password="right"), "127.0.0.1")
            answers = [await ask(both.edge, as_json(Operation.JOIN, "bob", room, **fields)) for room in ROOMS]
            there, missing = (answer.replace(room, b"") for answer, room in zip(answers, ROOMS, strict=True))
            assert there == missing
            assert both.edge.counters.joins_elsewhere == {Way.FOLLOW: 0, Way.EDGE: 0}

    run(scenario)


@pytest.mark.requirement("CLU-04", "UDP-04")
@pytest.mark.parametrize("home_host", ["127.0.0.1", "::1"])
def test_carried_members_chat_by_datagrams(run: Run, home_host: str) -> None:
    async def scenario() -> None:
        async with pair(home_host=home_host) as both:
            ann, ann_head, bob, bob_head = await chatting(both)
            with ann, bob:
                bob.send(bob_head + b"hello")
                assert await hear(ann) == b"bob: hello"
                ann.send(ann_head + b"welcome")
                assert await hear(bob) == b"ann: welcome"
                edge = both.edge
                await until(lambda: edge.counters.edge_out == 1)
                assert edge.registry.counters.carried == edge.counters.edge_in == 2
                assert (edge.registry.counters.accepted, edge.counters.edge_failed) == (0, 0)

    run(scenario)


@pytest.mark.requirement("CLU-04", "UDP-02")
def test_strangers_datagrams_go_nowhere(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, _, bob, bob_head = await chatting(both)
            eve = speaker(both.edge, "127.0.0.9")
            with ann, bob, eve:
                token = bob_head[6:]
                before = both.home.registry.counters.received
                eve.send(bob_head + b"from another address")
                bob.send(encode_datagram(b"other", token, b"to another room"))
                bob.send(encode_datagram(b"demo", b"x" * len(token), b"with another token"))
                counters = both.edge.registry.counters
                await until(lambda: sum(counters.dropped.values()) == 3)
                for reason in (DropReason.ADDRESS_MISMATCH, DropReason.ROOM_MISMATCH, DropReason.UNKNOWN_TOKEN):
                    assert counters.dropped[reason] == 1
                bob.send(bob_head + b"last")
                assert await hear(ann) == b"bob: last"
                assert both.home.registry.counters.received == before + 1

    run(scenario)


@pytest.mark.requirement("CLU-04", "UDP-02")
def test_the_home_takes_a_carried_members_datagrams_from_its_node_alone(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, _, bob, bob_head = await chatting(both)
            by_itself = speaker(both.home, PERSON)
            with ann, bob, by_itself:
                by_itself.send(bob_head + b"past the edge")
                dropped = both.home.registry.counters.dropped
                await until(lambda: dropped[DropReason.ADDRESS_MISMATCH] == 1)

    run(scenario)


@pytest.mark.requirement("CLU-04", "LEN-02")
def test_nobody_listens_at_a_port_that_a_carried_client_names(run: Run) -> None:
    async def scenario() -> None:
        async with pair(home_policy={"provisional_address": True}, edge_policy={"provisional_address": True}) as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            for node, listening in ((both.home, 1), (both.edge, 0)):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as named:
                    named.bind((PERSON, 0))
                    client = await node.connect(PERSON)
                    async with client:
                        await client.send(plain(Operation.JOIN, b"bob-" + node.name.encode()))
                        await client.frame()
                        token = (await client.frame()).payload
                        session = both.home.registry.sessions_by_token[token]
                        await client.send(named.getsockname()[1].to_bytes(2, "big"))
                        assert await client.at_end()
                    await until(lambda: not both.home.tcp.connections and not both.edge.tcp.connections)
                    audience = session.member.room.audience_of(session)
                    assert (audience is not None) == bool(listening)

    run(scenario)


@pytest.mark.requirement("CLU-04", "TCP-03")
def test_a_million_bytes_of_junk_after_a_request_go_nowhere(run: Run) -> None:
    async def scenario() -> None:
        async with echo_node() as home, pair(transaction_timeout_seconds=DEADLINE_SECONDS) as both:
            home.echoes = False  # the client waits for its answer
            both.edge.places.elsewhere[b"demo"] = home.node
            request = plain(Operation.JOIN, b"bob")
            async with await both.edge.connect(PERSON) as client:
                await client.send(request)
                await until(lambda: home.served)
                for _ in range(16):
                    await client.send(b"\xff" * 65_536)
                client.sock.shutdown(socket.SHUT_WR)
                (served,) = home.served
                await until(lambda: served.ended)
                assert served.heard.startswith(request)
                assert len(served.heard) <= len(request) + MAX_WORDS_BYTES

    run(scenario)


@pytest.mark.requirement("CLU-04", "ROOM-05")
def test_an_edge_carries_no_more_than_its_measure(run: Run) -> None:
    async def scenario() -> None:
        async with pair(edge_policy={"max_members_per_address": 1}) as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            await granted(both.edge, plain(Operation.JOIN, b"bob"))
            refused = await ask(both.edge, as_json(Operation.JOIN, "tom", features=["notices"]))
            assert b'"code": "too_many_members_of_address"' in refused
            await granted(both.edge, plain(Operation.JOIN, b"tom"), "127.0.0.6")
            assert len(both.edge.carried) == 2

    run(scenario)


@pytest.mark.requirement("CLU-04", "RES-02")
def test_an_attempt_that_is_made_again_at_another_node_goes_on_there(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            request = as_json(Operation.JOIN, "bob", attempt="0123456789abcdef0123456789abcdef", features=["resume"])
            first = await granted(both.home, request)
            again = await granted(both.edge, request)
            assert again.token == first.token
            assert (first.udp_port, again.udp_port) == (both.home.udp_number, both.edge.udp_number)
            with speaker(both.edge) as bob:
                bob.send(encode_datagram(b"demo", again.token))
                session = both.home.registry.sessions_by_token[again.token]
                await until(lambda: session.address is not None)

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_an_attempt_that_is_made_again_at_the_same_node_is_carried_once(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            request = as_json(Operation.JOIN, "bob", attempt="0123456789abcdef0123456789abcdef", features=["resume"])
            first, again = await granted(both.edge, request), await granted(both.edge, request)
            assert again.token == first.token
            assert len(both.edge.carried) == 1

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_node_keeps_descriptors_for_clients_of_its_own(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            both.edge.ways._most = 1
            tokens = [(await granted(both.edge, plain(Operation.JOIN, name))).token for name in (b"bob", b"eve")]
            with speaker(both.edge) as socket_of_both:
                for token in tokens:
                    socket_of_both.send(encode_datagram(b"demo", token))
                await until(lambda: both.edge.registry.counters.carried == 2)
            assert (both.edge.counters.edge_in, both.edge.counters.edge_failed) == (1, 1)
            both.edge.edge.most = 0
            assert b'"status": 11' in await ask(both.edge, as_json(Operation.JOIN, "tom"))

    run(scenario)
