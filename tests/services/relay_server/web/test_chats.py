"""Chats in browsers: beside everybody else in the room, resumed after a break, and cut if nobody reads (WEB-02)."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from chatclient import Connection, Message, Transport, join_room
from relay_server.core.counters import StreamCut
from relay_server.net.streams import LINES_A_TURN
from relay_server.passwords import Passwords
from services.relay_server.net.loopback import Run, until
from services.relay_server.spent_checks import spent
from services.relay_server.web.web_relay import HOST, Page, slow_socket, web_relay

pytestmark = pytest.mark.requirement("WEB-02")
LARGE = "x" * 3900


def test_browsers_and_udp_and_tcp_streams_share_a_room(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            ann, server = await relay.page("ann", create=True), relay.server
            bob = await relay.page("bob")
            async with (
                join_room("tea", "udp", server=server, transport=Transport.UDP) as udp,
                join_room("tea", "tcp", server=server, transport=Transport.STREAM) as tcp,
            ):
                others, pages = [udp, tcp], [ann, bob]
                for speaker, page in (("ann", ann), ("bob", bob)):
                    other = bob if page is ann else ann
                    await page.say(f"grüße von {speaker}", 1)
                    assert (await page.until("took"))["took"] == 1
                    assert (await other.until("from", speaker))["text"] == f"grüße von {speaker}"
                    for reader in others:
                        assert await _heard(reader) == (speaker, f"grüße von {speaker}")
                for name, client in (("udp", udp), ("tcp", tcp)):
                    client.say(f"by {name}")
                    for page in pages:
                        assert (await page.until("from", name))["text"] == f"by {name}"
                assert relay.web.open_chats == 2

    run(scenario)


async def _heard(client: Connection) -> tuple[str | None, str]:
    while True:
        event = await anext(client)
        if isinstance(event, Message):
            return event.sender, event.text


@pytest.mark.slow
@pytest.mark.requirement("PWD-04")
def test_a_password_waits_for_a_check_as_over_tcp(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay(transaction_timeout_seconds=0.2) as relay:
            await relay.page("ann", create=True)
            relay.parts.registry.rooms[b"tea"].password_hash = Passwords().hash("milk")
            relay.parts.tcp.control._guesses = spent(asyncio.get_running_loop().time(), next_in=0.4)
            assert (await relay.page("bob", password="milk")).answer["reason"] == "ok"

    run(scenario)


def test_the_answer_has_what_a_completion_has(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            ann = await relay.page("ann", create=True, password=None, resume=None, epoch=None, heard=None)
            answer = ann.answer
            assert (answer["status"], answer["reason"], answer["chat"], answer["host"]) == (0, "ok", "stream", True)
            assert (answer["features"], answer["seq"]) == (["resume", "sealed"], 0)
            assert answer["resume"]
            assert answer["epoch"]

    run(scenario)


@pytest.mark.parametrize(
    ("join", "reason"),
    [
        ({}, "no_such_room"),
        ({"room": ""}, "bad_name"),
        ({"room": 5}, "malformed"),
        ({"create": "yes"}, "malformed"),
        ({"name": None}, "malformed"),
        ({"name": "a\u0000b"}, "bad_name"),
        ({"name": "\ud800"}, "bad_name"),
        ({"features": "resume"}, "malformed"),
        ({"password": 7}, "malformed"),
        ({"heard": -1, "epoch": "e"}, "malformed"),
        ({"attempt": "short"}, "malformed"),
        ({"resume": "no such ticket"}, "no_seat"),
        ({"name": "n" * 5000}, "payload_too_large"),
    ],
)
def test_a_join_that_cant_be_served_is_told_why(join: dict[str, Any], reason: str) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            page = await relay.page("ann", **join)
            assert page.answer["reason"] == reason
            assert page.answer["message"]
            assert (await page.end())[1] == 1000
            assert not relay.parts.registry.rooms

    asyncio.run(scenario())


def test_passwords_are_asked_for_as_over_tcp(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            await relay.page("ann", create=True, password="milk")
            assert (await relay.page("bob")).answer["reason"] == "wrong_password"
            assert (await relay.page("bob", password="sugar")).answer["reason"] == "wrong_password"
            assert (await relay.page("bob", password="milk")).answer["reason"] == "ok"

    run(scenario)


def test_a_page_that_says_more_before_its_answer_is_told_to_wait() -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            page = Page(await relay.open())
            await page.send({"join": {"room": "tea", "name": "ann", "create": True, "password": "milk"}})
            await page.say("hello")
            last, code = await page.end()
            assert (last["reason"], code) == ("malformed", 1000)
            assert not relay.parts.registry.rooms

    asyncio.run(scenario())


def test_whose_socket_breaks_resumes_and_loses_nothing(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            ann, bob = await relay.page("ann", create=True), await relay.page("bob")
            ticket = ann.answer["resume"]
            await bob.say("before", 1)
            heard = (await ann.until("text", "before"))["seq"]
            await ann.say("mine", 1)
            heard = (await ann.until("took", 1))["seq"]
            ann.socket.transport.abort()
            await until(lambda: relay.parts.registry.streams.away == 1)
            for n in range(200):
                await bob.say(f"line {n}", n + 2)
            await bob.until("took", 201)
            again = await relay.page("ann", resume=ticket, epoch=ann.answer["epoch"], heard=heard)
            assert again.answer["reason"] == "ok"
            await again.say("back", 2)  # a resumed stream's client speaks first
            texts = [(await again.until("from", "bob"))["text"] for _ in range(200)]
            assert texts == [f"line {n}" for n in range(200)]
            assert (await again.until("took"))["took"] == 2
            assert again.answer["host"]

    run(scenario)


def test_a_page_that_leaves_is_gone_at_once(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            ann, bob = await relay.page("ann", create=True), await relay.page("bob")
            await bob.send({"leave": True})
            await bob.socket.close()
            assert (await ann.until("notice", "member_left"))["name"] == "bob"

    run(scenario)


def test_all_that_a_page_says_before_its_farewell_counts(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            ann, bob = await relay.page("ann", create=True), await relay.page("bob")
            bob.say_farewell(*[{"say": str(n)} for n in range(LINES_A_TURN + 1)], {"leave": True})
            assert [(await ann.until("from", "bob"))["text"] for _ in range(LINES_A_TURN + 1)][-1] == str(LINES_A_TURN)
            assert (await ann.until("notice", "member_left"))["name"] == "bob"

    run(scenario)


def test_a_page_that_closes_its_socket_keeps_its_seat(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            ann = await relay.page("ann", create=True)
            await ann.send({"ping": 1})
            assert await ann.next() == {"pong": 1}
            await ann.socket.close()
            assert ann.socket.close_code == 1000
            await until(lambda: relay.parts.registry.streams.away == 1)

    run(scenario)


def test_a_slow_reader_is_cut_and_delays_nobody(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            bob = await relay.page("bob", create=True)
            sock = slow_socket()
            sock.connect((HOST, relay.port))
            slow = Page(
                await connect(
                    f"ws://{HOST}:{relay.port}/chat", sock=sock, origin=Origin(relay.origin), compression=None,
                    proxy=None, ping_interval=None, max_queue=1, close_timeout=0.1,
                )
            )  # fmt: skip
            relay.opened.append(slow.socket)
            await slow.send({"join": {"room": "tea", "name": "slow"}})
            assert (await slow.next())["status"] == 0
            cuts, n = relay.parts.registry.stream_counters.cuts, 0
            while not cuts[StreamCut.SLOW]:
                n += 1
                await bob.say(LARGE, n)
                await bob.until("took", n)  # nobody waits for who doesn't read
                assert n < 2000

    run(scenario)


def test_who_kicks_is_obeyed_and_told(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            ann, bob = await relay.page("ann", create=True), await relay.page("bob")
            await ann.say("/kick bob", 1)
            assert (await ann.until("took"))["took"] == 1
            last, code = await bob.end()
            assert (last["bye"], code) == ("kicked", 1000)

    run(scenario)


def test_pages_are_refused_beyond_their_addresss_share() -> None:
    async def scenario() -> None:
        async with web_relay(max_members_per_address=64) as relay:
            pages = [await relay.page(f"n{number}", create=not number) for number in range(64)]
            assert {page.answer["reason"] for page in pages} == {"ok"}
            last = await relay.page("n64")
            assert last.answer["reason"] == "too_many"
            assert last.answer["message"] == "Your address has as many members as it may: leave a room first."

    asyncio.run(scenario())
