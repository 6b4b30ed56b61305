"""What NATS does to its clients: it ends, hangs, refuses them, and comes back."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import structlog
from nats.aio.client import Client

from relay_server.cluster import nats
from relay_server.cluster.base import AwayError, Change, Found, SilentError, TakenError
from relay_server.cluster.nats import BUCKET, Access, NatsDirectory
from relay_server.tls.self_signed import write_self_signed
from services.relay_server.cluster.hearing import Hearing
from services.relay_server.cluster.nats_server import NatsServer, nats_server
from services.relay_server.net.loopback import Run, until

USERS = 'authorization { users = [ { user: "relay", password: "right" } ] }'


@pytest.fixture
def logged() -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """Return a function that returns what was logged: event and reason."""
    with structlog.testing.capture_logs() as entries:
        yield lambda: [(entry["event"], entry.get("reason", "")) for entry in entries]


@asynccontextmanager
async def started(access: Access, hearing: Hearing, node: str = "n0") -> AsyncIterator[NatsDirectory]:
    directory = NatsDirectory(access)
    await directory.start(node, hearing)
    try:
        yield directory
    finally:
        await directory.close()


@asynccontextmanager
async def plain_client(server: NatsServer) -> AsyncIterator[Client]:
    client = Client()
    await client.connect(f"nats://{server.address}")
    try:
        yield client
    finally:
        await client.close()


def _reached(hearing: Hearing, *, away: int, caught_up: int) -> bool:
    return hearing.away >= away and hearing.caught_up >= caught_up


def test_a_kill_loses_no_key_and_the_listing_comes_again(
    server: NatsServer, logged: Callable[[], list[tuple[str, str]]], run: Run
) -> None:
    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access((server.address,)), hearing) as directory:
            await until(lambda: hearing.caught_up == 1)
            revisions: dict[str, int] = {}
            for kill in range(3):
                for number in range(100):
                    key = f"room.{kill}-{number}"
                    revisions[key] = await directory.create(key, key.encode())
                server.kill()
                await until(lambda: not directory.is_connected)
                for _ in range(100):  # at once: each of them would take half a second otherwise
                    with pytest.raises(AwayError):
                        await directory.get("room.0-0")
                await until(partial(_reached, hearing, away=kill + 1, caught_up=kill + 1))
                server.start()
                await until(partial(_reached, hearing, away=kill + 1, caught_up=kill + 2))
                # A busy server may be left once more, and then the listing begins anew.
                await until(lambda: {key: change.revision for key, change in hearing.entries.items()} == revisions)
                assert hearing.values == {key: key.encode() for key in revisions}
            newest = await directory.put("room.0-0", b"new", revisions["room.0-0"])
            await until(lambda: hearing.values["room.0-0"] == b"new")
            assert newest > max(revisions.values())

    run(scenario)
    events = [event for event, _ in logged()]
    assert events.count("directory_lost") == 3  # three kills; its own end is no loss
    assert events.count("directory_reached") == 4
    assert len(events) <= 4 + 4 + 3 * 3, events  # a few reasons for each time away, however often it is tried


class Failing(Hearing):
    """A listener with an error of its own."""

    def on_change(self, change: Change) -> None:
        raise ZeroDivisionError(change.key)

    def on_beat(self, data: bytes) -> None:
        raise ZeroDivisionError(data.decode())


def test_an_error_of_the_listener_is_no_error_of_nats(
    server: NatsServer, logged: Callable[[], list[tuple[str, str]]], run: Run
) -> None:
    async def scenario() -> None:
        errors: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(str(context["exception"])))
        hearing = Failing()
        async with started(Access((server.address,)), hearing) as directory:
            await until(lambda: hearing.caught_up == 1)
            await directory.create("room.a", b"")
            await directory.beat(b"a beat")
            await until(lambda: sorted(errors) == ["a beat", "room.a"])
            assert (hearing.away, hearing.listings) == (0, 1)

    run(scenario)
    assert [event for event, _ in logged()] == ["directory_reached"]


def test_a_server_that_is_not_there_is_waited_for_in_silence(
    tmp_path: Path, logged: Callable[[], list[tuple[str, str]]]
) -> None:
    absent = NatsServer(tmp_path)

    async def scenario() -> None:
        hearing = Hearing()
        tries = 0

        async with started(Access((absent.address,)), hearing) as directory:
            told = directory._told

            def counted() -> object:
                nonlocal tries
                tries += 1
                return told()

            directory._told = counted  # type: ignore[method-assign, assignment]
            await until(lambda: tries > 5)
            assert not directory.is_connected
            assert (hearing.listings, hearing.away) == (0, 0)
            absent.start()
            await until(lambda: hearing.caught_up)
            assert directory.is_connected

    try:
        asyncio.run(scenario())
    finally:
        absent.kill()
    away = [reason for event, reason in logged() if event == "directory_away"]
    assert len(away) == 1
    assert "Connect call failed" in away[0]


def test_what_listens_there_and_says_nothing_is_no_nats(logged: Callable[[], list[tuple[str, str]]], run: Run) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts
            async with started(Access((f"127.0.0.1:{silent.getsockname()[1]}",)), Hearing()):
                await until(logged)

    run(scenario)
    assert logged() == [("directory_away", "what listens there doesn't answer as NATS does, or not in time")]


def test_wrong_credentials_are_said_once_in_one_sentence_and_tried_again(
    tmp_path: Path, logged: Callable[[], list[tuple[str, str]]]
) -> None:
    async def scenario(server: NatsServer) -> None:
        hearing = Hearing()
        async with started(Access((server.address,), user="relay", password="wrong"), hearing) as directory:
            await until(logged)
            assert not directory.is_connected
            server.kill()
            server.config.write_text(server.config.read_text().replace("right", "wrong"))
            server.start()
            await until(lambda: hearing.caught_up)

    with nats_server(tmp_path, USERS) as server:
        asyncio.run(scenario(server))
    sentences = [reason for _, reason in logged() if "user and password" in reason]
    assert sentences == [
        "NATS refuses the user and password of RELAY_CLUSTER_URL, or RELAY_CLUSTER_CREDENTIALS_FILE: correct them"
    ]


def test_a_node_that_is_there_and_does_not_answer_is_silent_not_gone(server: NatsServer) -> None:
    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access((server.address,)), hearing) as directory, plain_client(server) as other:
            await other.subscribe("relay.node.mute")
            await other.flush()
            await until(lambda: directory.is_connected)
            with pytest.raises(SilentError):
                await directory.ask("mute", b"who?")

    asyncio.run(scenario())


def test_a_hung_server_is_left_and_found_again(server: NatsServer) -> None:
    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access((server.address,)), hearing) as directory:
            await until(lambda: hearing.caught_up)
            revision = await directory.create("room.a", b"1")
            server.hang()
            for _ in range(1000):  # the first takes half a second, the others nothing
                with pytest.raises(AwayError):
                    await directory.get("room.a")
            await until(lambda: hearing.away)
            server.go_on()
            await until(lambda: hearing.caught_up == 2)
            assert await directory.get("room.a") == Found(revision, b"1")

    asyncio.run(scenario())


def test_a_server_that_hangs_for_a_moment_is_not_left(server: NatsServer) -> None:
    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access((server.address,)), hearing) as directory:
            await until(lambda: hearing.caught_up)
            revision = await directory.create("room.a", b"1")
            server.hang()
            with pytest.raises(AwayError):
                await directory.get("room.a")
            assert not directory.is_connected
            server.go_on()
            await until(lambda: directory.is_connected)
            assert await directory.get("room.a") == Found(revision, b"1")
            assert (hearing.listings, hearing.away) == (1, 0)

    asyncio.run(scenario())


def test_a_bucket_that_somebody_deletes_is_made_anew(server: NatsServer) -> None:
    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access((server.address,)), hearing) as directory, plain_client(server) as other:
            await until(lambda: hearing.caught_up)
            await directory.create("room.a", b"1")
            await other.jetstream().delete_key_value(BUCKET)
            with pytest.raises(AwayError):
                await directory.create("room.b", b"1")
            await until(lambda: hearing.caught_up == 2)
            assert hearing.values == {}
            await directory.create("room.a", b"2")

    asyncio.run(scenario())


def test_what_is_left_of_a_deleted_key_goes_by_itself(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats, "DELETED_SECONDS", 1)

    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access((server.address,)), hearing) as directory, plain_client(server) as other:
            await until(lambda: hearing.caught_up)
            first = await directory.create("room.a", b"1")
            await directory.delete("room.a", first)
            rooms = await other.jetstream().key_value(BUCKET)
            while (await rooms.status()).values:  # noqa: ASYNC110 - only the server knows
                await asyncio.sleep(0.05)
            assert await directory.get("room.a") is None
            assert await directory.create("room.a", b"2") > first

    asyncio.run(scenario())


def test_a_full_bucket_refuses_writes_and_says_why_once(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], list[tuple[str, str]]]
) -> None:
    monkeypatch.setattr(nats, "BUCKET_BYTES", 1000)

    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access((server.address,)), hearing) as directory:
            await until(lambda: hearing.caught_up)
            first = await directory.create("room.a", b"1" * 500)
            for _ in range(3):
                with pytest.raises(AwayError):
                    await directory.create("room.b", b"1" * 500)
            await directory.delete("room.a", first)

    asyncio.run(scenario())
    assert [reason for event, reason in logged() if event == "directory_refuses"] == ["maximum bytes exceeded"]


def test_tls_by_an_authority_that_is_named(
    tmp_path: Path, logged: Callable[[], list[tuple[str, str]]], run: Run
) -> None:
    files = write_self_signed(tmp_path / "tls", ["127.0.0.1"], 1)
    tls = f'tls {{ cert_file: "{files.certificate}", key_file: "{files.key}" }}'

    async def scenario(server: NatsServer) -> None:
        trusting, strange = Hearing(), Hearing()
        by_name = Access((server.address,), tls=True, ca_file=str(files.certificate))
        async with started(by_name, trusting), started(Access((server.address,), tls=True), strange, "n1"):
            await until(
                lambda: trusting.caught_up and any("certificate isn't trusted" in reason for _, reason in logged())
            )
            assert not strange.listings

    with nats_server(tmp_path, tls) as server:
        run(lambda: scenario(server))


def test_a_server_without_tls_gets_no_password_if_tls_was_asked_for(
    logged: Callable[[], list[tuple[str, str]]], run: Run
) -> None:
    heard = bytearray()

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"INFO " + json.dumps({"auth_required": True, "headers": True, "max_payload": 1}).encode() + b"\r\n"
        )
        while data := await reader.read(4096):
            heard.extend(data)
        writer.close()

    async def scenario() -> None:
        stranger = await asyncio.start_server(pretend, "127.0.0.1", 0)
        port = stranger.sockets[0].getsockname()[1]
        access = Access((f"127.0.0.1:{port}",), tls=True, user="relay", password="secret")
        async with stranger, started(access, Hearing()):
            await until(logged)

    run(scenario)
    assert bytes(heard) == b""
    assert "speaks no TLS" in logged()[0][1]


def test_a_second_server_is_used_if_the_first_is_away(server: NatsServer) -> None:
    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access(("127.0.0.1:1", server.address)), hearing):
            await until(lambda: hearing.caught_up)

    asyncio.run(scenario())


def test_it_can_be_closed_whatever_it_is_doing(server: NatsServer) -> None:
    async def scenario() -> None:
        chance = random.Random(5)
        for _ in range(150):
            async with started(Access((server.address,)), Hearing()):
                await asyncio.sleep(chance.uniform(0, 0.01))

    asyncio.run(scenario())


async def write(directory: NatsDirectory, key: str) -> None:
    """Write a key, however long that takes: an answer may come too late."""
    while True:
        try:
            await directory.create(key, b"1")
        except AwayError:
            await asyncio.sleep(0)  # which may be told at once: the connection needs its turn
            continue
        except TakenError:  # by ourselves
            pass
        return


def test_a_bucket_for_which_nobody_answers_is_waited_for(server: NatsServer) -> None:
    """So it is while several servers choose who leads: coming and going would help nobody."""

    async def scenario() -> None:
        hearing = Hearing()
        async with started(Access((server.address,)), hearing) as directory, plain_client(server) as other:
            await until(lambda: hearing.caught_up)
            stream = (await other.jetstream().stream_info(f"KV_{BUCKET}")).config
            await other.jetstream().update_stream(stream, subjects=["elsewhere"])
            for _ in range(3):
                with pytest.raises(AwayError):
                    await directory.create("room.a", b"1")
            await other.jetstream().update_stream(stream, subjects=[f"$KV.{BUCKET}.>"])
            await write(directory, "room.a")
            assert (hearing.listings, hearing.away) == (1, 0)

    asyncio.run(scenario())
