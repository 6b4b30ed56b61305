"""What becomes of a carried client if it, its node or its room's home goes, or takes too long (CLU-04, threat T11)."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from threading import Event

import pytest

from chatproto import Operation, ProtocolError, State, Status
from relay_server.core import policy
from relay_server.core.errors import RoomExistsError
from relay_server.core.places import Told
from relay_server.net import links
from relay_server.passwords import Passwords
from services.relay_server.net.cluster import Pair, pair
from services.relay_server.net.loopback import DEADLINE_SECONDS, Run, port_of, under_way, until
from services.relay_server.net.tcp_relay import Client
from services.relay_server.net.test_edge import PERSON, as_json, ask, plain, to_end


class SlowPasswords(Passwords):
    """Checks no password before it is let."""

    def __init__(self, decided: Event) -> None:
        super().__init__()
        self._decided = decided

    def check(self, password: str, password_hash: str) -> str:
        self._decided.wait(DEADLINE_SECONDS)
        return super().check(password, password_hash)


@asynccontextmanager
async def at_work(both: Pair) -> AsyncIterator[Client]:
    """Let somebody ask for a room whose home checks the password until the end."""
    await ask(both.home, as_json(Operation.CREATE, "ann", password="right"), "127.0.0.1")
    decided = Event()
    both.home.control._passwords = SlowPasswords(decided)
    try:
        async with await both.edge.connect(PERSON) as client:
            await client.send(as_json(Operation.JOIN, "bob", password="right"))
            await until(lambda: under_way(both.home.tcp.workers))
            yield client
    finally:
        decided.set()


@pytest.mark.requirement("CLU-04")
def test_a_home_that_cant_be_reached_is_status_11_in_the_clients_form(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            both.home.close()
            assert (await ask(both.edge, plain(Operation.JOIN, b"bob")))[36:] == bytes([Status.BUSY])
            answer = await ask(both.edge, as_json(Operation.JOIN, "bob"))
            assert b'"status": 11' in answer
            assert b"can't be reached" in answer
            assert len(both.edge.carried) == 0

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_home_that_takes_too_long_is_status_11(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "OPEN_SECONDS", DEADLINE_SECONDS)

    async def scenario() -> None:
        async with pair(transaction_timeout_seconds=0.1) as both:
            with socket.socket() as silent:
                silent.bind(("127.0.0.1", 0))
                silent.listen()
                both.edge.places.elsewhere[b"demo"] = replace(both.home.node, link_port=port_of(silent))
                answer = await ask(both.edge, as_json(Operation.JOIN, "bob"))
            assert b'"status": 11' in answer
            assert b"in time" in answer
            assert len(both.edge.carried) == 0

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_home_that_dies_before_its_answer_is_status_11(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            async with at_work(both) as client:
                both.home.close()
                answer = await to_end(client)
            assert b'"status": 11' in answer

    run(scenario)


@pytest.mark.requirement("CLU-04", "ROOM-02")
def test_a_client_that_dies_before_its_answer_has_no_seat(run: Run) -> None:
    async def scenario() -> None:
        async with pair(completion_pause_seconds=0.2) as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            client = await both.edge.connect(PERSON)
            await client.send(plain(Operation.JOIN, b"bob"))
            assert (await client.frame()).payload == b"\0"
            assert len(both.home.registry.sessions_by_token) == 2
            client.reset()
            await until(lambda: len(both.home.registry.sessions_by_token) == 1)
            await until(lambda: len(both.edge.carried) == 0)

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_an_edge_that_dies_before_the_answer_leaves_no_seat(run: Run) -> None:
    async def scenario() -> None:
        async with pair(completion_pause_seconds=0.2) as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            async with await both.edge.connect(PERSON) as client:
                await client.send(plain(Operation.JOIN, b"bob"))
                assert (await client.frame()).payload == b"\0"
                both.edge.close()
                await until(lambda: len(both.home.registry.sessions_by_token) == 1)

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("CLU-04", "ROOM-02")
def test_a_client_that_isnt_there_for_its_answer_has_no_seat(run: Run) -> None:
    """It closed its socket, which looks as if it only had no more to say; its system resets what comes (threat T11)."""

    async def scenario() -> None:
        async with pair() as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            for _ in range(2):
                client = await both.edge.connect(PERSON)
                await client.send(plain(Operation.JOIN, b"bob"))
                client.sock.close()
                await until(lambda: both.home.statuses[-1][0] is Operation.JOIN and not both.edge.edge.carriages)
                await until(lambda: not both.home.tcp.connections)
                assert len(both.home.registry.sessions_by_token) == 1
                assert len(both.edge.carried) == 0
                both.home.statuses.append((None, Status.OK))

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_client_whose_home_works_while_another_process_takes_over_is_refused(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            async with at_work(both) as client:
                both.edge.tcp.freeze()
                answer = await to_end(client)
            await until(lambda: not both.home.links.links)
            assert b'"status": 11' in answer
            assert (len(both.edge.carried), len(both.home.registry.sessions_by_token)) == (0, 1)

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_client_that_is_just_told_its_answer_may_read_it_while_its_node_leaves(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            async with await both.edge.connect(PERSON) as client:
                await client.send(plain(Operation.JOIN, b"bob"))
                await until(lambda: len(both.home.registry.sessions_by_token) == 2 and any(both.edge.carried))
                both.edge.tcp.freeze()
                both.edge.edge.leave()
                accepted, completed = await client.frame(), await client.frame()
                assert (accepted.state, completed.state) == (State.REPLY, State.COMPLETION)
                assert await client.at_end()
            await until(lambda: not both.edge.edge.carriages and not both.home.links.links)
            assert len(both.home.registry.sessions_by_token) == 2

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_a_client_that_goes_while_its_home_works_is_refused_nothing(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            async with at_work(both) as client:
                client.reset()
                await until(lambda: not both.edge.edge.carriages and not both.home.links.links)
            assert both.edge.statuses == []
            assert (len(both.edge.carried), len(both.home.registry.sessions_by_token)) == (0, 1)

    run(scenario)


@pytest.mark.requirement("CLU-04", "TCP-09")
def test_who_is_refused_in_a_homes_place_may_close_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "CHECK_WAIT_SECONDS", 0.0)  # at an edge, a password may wait in any case

    async def scenario() -> None:
        async with pair() as both:
            both.edge.tcp.limits = replace(both.edge.tcp.limits, transaction_timeout_seconds=0.2)
            async with at_work(both) as client:
                assert b'"status": 11' in await to_end(client)
                await until(lambda: not both.home.links.links)
                assert len(both.edge.edge.carriages) == 1  # closing at once could cut the answer short

    run(scenario)


@pytest.mark.parametrize(("answer", "released"), [(None, [b"demo"]), (RoomExistsError(), [])])
def test_a_client_that_goes_while_the_directory_is_asked_leaves_no_name(
    run: Run, answer: ProtocolError | None, released: list[bytes]
) -> None:
    async def scenario() -> None:
        async with pair() as both:
            places, asked, given_back = both.home.places, list[Told](), list[bytes]()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(places, "claim", lambda _, done: asked.append(done))
                patch.setattr(places, "release", given_back.append)
                client = await both.home.connect()
                await client.send(plain(Operation.CREATE, b"ann"))
                await until(lambda: asked)
                client.reset()
                await until(lambda: not both.home.tcp.connections)
                asked[0](answer)
            assert (given_back, both.home.registry.rooms) == (released, {})

    run(scenario)
