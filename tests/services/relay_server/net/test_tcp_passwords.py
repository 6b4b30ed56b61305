"""Requests whose password is worked on aside: whatever happens meanwhile, they leave nothing behind."""

import asyncio
import json
import socket
import threading

import pytest

from chatproto import Frame, Operation, State, Status, encode_frame
from relay_server.net.address import locate
from relay_server.net.workers import MAX_WAITING_PER_NETWORK
from relay_server.passwords import Passwords
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import address_of
from services.relay_server.net.loopback import DEADLINE_SECONDS, Run, under_way, until
from services.relay_server.net.tcp_relay import Client, Relay, relay

SECRET = "open sesame"
AT_ONCE = 1 + MAX_WAITING_PER_NETWORK
"""So many passwords of one address."""


class HeldPasswords(Passwords):
    """The real work, done only when ``go`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.begun = 0
        self.ended = 0

    def hash(self, password: str) -> str:
        self._wait()
        return super().hash(password)

    def check(self, password: str, password_hash: str) -> str:
        self._wait()
        return super().check(password, password_hash)

    def _wait(self) -> None:
        self.begun += 1
        assert self.go.wait(DEADLINE_SECONDS)
        self.ended += 1


def request(operation: int = Operation.CREATE, name: str = "ann", password: str | None = SECRET) -> bytes:
    payload = json.dumps({"username": name, "password": password}).encode()
    return encode_frame(Frame(operation, State.REQUEST, b"demo", payload))


async def ask(server: Relay, data: bytes) -> Client:
    client = await server.connect()
    await client.send(data)
    return client


async def status_of(server: Relay, data: bytes) -> int:
    async with await ask(server, data) as client:
        return (await client.frame()).payload[0]


@pytest.mark.requirement("TCP-11", "PWD-02")
def test_a_room_with_a_password_is_created_and_joined(run: Run) -> None:
    async def scenario() -> None:
        async with relay() as server:
            async with await ask(server, request()) as ann:
                assert [(await ann.frame()).state for _ in range(2)] == [State.REPLY, State.COMPLETION]
                assert await ann.at_end()
            assert await status_of(server, request(Operation.JOIN, "bob", "wrong")) == Status.WRONG_PASSWORD
            assert await status_of(server, request(Operation.JOIN, "bob")) == Status.OK
            statuses = [status for _, status in server.statuses]
            assert statuses == [Status.OK, Status.WRONG_PASSWORD, Status.OK]
            await until(lambda: len(server.durations) == 3)
            assert server.flushes == 2

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("PWD-03")
def test_who_needs_no_work_doesnt_wait_for_those_who_do(run: Run) -> None:
    async def scenario() -> None:
        passwords = HeldPasswords()
        async with relay(passwords=passwords) as server:
            waiting = [await ask(server, request()) for _ in range(AT_ONCE)]
            await until(lambda: under_way(server.port.workers) == AT_ONCE)
            assert await status_of(server, request()) == Status.BUSY
            assert await status_of(server, request(name="eve", password=None)) == Status.OK
            passwords.go.set()
            assert {(await client.frame()).payload[0] for client in waiting} == {Status.ROOM_EXISTS}
            assert len(server.statuses) == AT_ONCE + 2
            for client in waiting:
                client.sock.close()

    run(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["cut", "closed", "relay"])
def test_a_connection_lost_during_the_work_leaves_nothing_behind(run: Run, end: str) -> None:
    async def scenario() -> None:
        passwords = HeldPasswords()
        async with relay(passwords=passwords) as server:
            clients = [await ask(server, request()) for _ in range(4)]
            await until(lambda: passwords.begun == 1)
            await until(lambda: under_way(server.port.workers) == 4)
            if end == "relay":
                server.port.close()
            for client in clients:
                client.reset() if end == "cut" else client.sock.close()
            if end == "closed":  # which looks as if only its sending side had ended, so the work is done
                passwords.go.set()
            await until(lambda: not server.port.connections)
            passwords.go.set()
            await until(lambda: not under_way(server.port.workers))
            if end != "closed":
                assert passwords.ended == 1  # what hadn't begun never did
                assert (server.statuses, server.port.aborted) == ([], 4)
                assert not server.registry.rooms
                assert server.events == []

    run(scenario)


@pytest.mark.requirement("TCP-03", "PWD-03")
def test_the_deadline_is_for_the_work_too(run: Run) -> None:
    async def scenario() -> None:
        passwords = HeldPasswords()
        async with relay(passwords=passwords, transaction_timeout_seconds=0.1) as server:
            async with await ask(server, request()) as client:
                assert (await client.frame()).payload == bytes((Status.BUSY,))
                assert await client.at_end()
            passwords.go.set()
            await until(lambda: not under_way(server.port.workers))
            await until(lambda: not server.port.connections)
            assert server.statuses == [(Operation.CREATE, Status.BUSY)]
            assert not server.registry.rooms
            assert len(server.durations) == 1

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("TCP-03")
def test_the_deadline_is_over_when_the_work_is_done(run: Run) -> None:
    class QuickPasswords(Passwords):
        def hash(self, password: str) -> str:
            return f"a hash of {len(password)}"

    async def scenario() -> None:
        limits = relay(transaction_timeout_seconds=1.0, completion_pause_seconds=1.2, passwords=QuickPasswords())
        async with limits as server, await ask(server, request()) as client:
            assert [(await client.frame()).state for _ in range(2)] == [State.REPLY, State.COMPLETION]

    run(scenario)


@pytest.mark.requirement("TCP-09", "LEN-02")
@pytest.mark.parametrize("half_closed", [True, False])
def test_what_a_client_sends_during_the_work_is_its_port(run: Run, half_closed: bool) -> None:
    async def scenario() -> None:
        passwords = HeldPasswords()
        listening = unlimited(provisional_address=True)
        async with relay(listening, passwords=passwords) as server, await ask(server, request()) as client:
            await until(lambda: passwords.begun)
            await client.send((40_000).to_bytes(2, "big"))
            if half_closed:
                client.sock.shutdown(socket.SHUT_WR)
            passwords.go.set()
            assert [(await client.frame()).state for _ in range(2)] == [State.REPLY, State.COMPLETION]
            await until(lambda: not server.port.connections)
            (session,) = server.registry.sessions_by_token.values()
            address = address_of(session.member)
            assert address
            assert locate(address).port == 40_000

    run(scenario)


def test_a_fault_in_the_work_reaches_the_loop(run: Run) -> None:
    class BrokenPasswords(Passwords):
        def hash(self, password: str) -> str:
            raise ZeroDivisionError(len(password))

    async def scenario() -> None:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
        async with relay(passwords=BrokenPasswords()) as server:
            client = await ask(server, request())
            await until(lambda: faults)
            client.sock.close()
            assert isinstance(faults[0], ZeroDivisionError)
            server.port.close()

    run(scenario)
