"""Passwords that wait for a check, over real connections: longer than other requests, and never for nobody (PWD-04)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from chatproto import Operation, State, Status
from relay_server.core import policy
from relay_server.core.address import network_of, parse_ip
from relay_server.core.guesses import WAITING_OF_NETWORK, Guesses
from relay_server.passwords import Passwords
from services.relay_server.net.cluster import pair
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.tcp_relay import Client, Relay, relay
from services.relay_server.net.test_edge import PERSON, as_json, ask, granted
from services.relay_server.spent_checks import spent

pytestmark = pytest.mark.requirement("PWD-04", "TCP-03")

DEADLINE = 0.2
"""What a transaction may take; a password that waits takes longer."""
SOON = 2 * DEADLINE
JOIN = as_json(Operation.JOIN, "bob", password="right")


class PlainPasswords(Passwords):
    """Takes no time."""

    def hash(self, password: str) -> str:
        return password

    def check(self, password: str, password_hash: str) -> str:
        assert password == password_hash
        return password


@asynccontextmanager
async def spent_relay(next_in: float) -> AsyncIterator[tuple[Relay, Guesses]]:
    """Run a relay with ann's room, for which nobody at PERSON has a check left until so many seconds have passed."""
    guesses = spent(asyncio.get_running_loop().time(), next_in=next_in, ip=PERSON)
    async with relay(passwords=PlainPasswords(), guesses=guesses, transaction_timeout_seconds=DEADLINE) as server:
        async with await server.connect() as host:
            await host.send(as_json(Operation.CREATE, "ann", password="right"))
            assert [(await host.frame()).state for _ in range(2)] == [State.REPLY, State.COMPLETION]
        yield server, guesses


async def knock(server: Relay) -> Client:
    client = await server.connect(PERSON)
    await client.send(JOIN)
    return client


def is_waiting(guesses: Guesses) -> Callable[[], bool]:
    """Tell whether somebody at PERSON waits for a check."""

    def look() -> bool:
        network = network_of(parse_ip(PERSON))
        ends = [guesses.wait(network) for _ in range(WAITING_OF_NETWORK)]
        taken = [end for end in ends if end is not None]
        for end in taken:
            end()
        return len(taken) < WAITING_OF_NETWORK

    return look


@pytest.mark.slow
def test_a_password_that_waits_for_a_check_may_take_longer_than_other_requests(run: Run) -> None:
    async def scenario() -> None:
        async with spent_relay(SOON) as (server, _), await knock(server) as client:
            assert [(await client.frame()).state for _ in range(2)] == [State.REPLY, State.COMPLETION]

    run(scenario)


@pytest.mark.slow
def test_it_does_not_wait_for_ever(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "CHECK_WAIT_SECONDS", DEADLINE)

    async def scenario() -> None:
        async with spent_relay(SOON * 10) as (server, guesses), await knock(server) as client:
            assert b"in time" in (await client.frame()).payload
            assert await client.at_end()
            assert server.statuses[1:] == [(Operation.JOIN, Status.BUSY)]
            assert not is_waiting(guesses)()

    run(scenario)


def test_who_goes_waits_no_more(run: Run) -> None:
    async def scenario() -> None:
        async with spent_relay(SOON * 10) as (server, guesses), await knock(server) as client:
            await until(is_waiting(guesses))
            client.reset()
            await until(lambda: not server.port.connections)
            assert not is_waiting(guesses)()
            assert server.port.aborted == 1

    run(scenario)


@pytest.mark.slow
def test_a_node_lets_a_password_wait_at_the_rooms_home(run: Run) -> None:
    async def scenario() -> None:
        async with pair(transaction_timeout_seconds=DEADLINE) as both:
            for node in (both.home, both.edge):
                node.control._passwords = PlainPasswords()
            await ask(both.home, as_json(Operation.CREATE, "ann", password="right"), "127.0.0.1")
            both.home.control._guesses = spent(asyncio.get_running_loop().time(), next_in=SOON, ip=PERSON)
            assert (await granted(both.edge, JOIN)).token

    run(scenario)
