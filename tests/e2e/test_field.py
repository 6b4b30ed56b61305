"""What goes wrong in the field, with real processes and a way between them that goes bad: nothing is pretended."""

import asyncio
import random
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chatbrain import DeliveryState, Message, RejoinPolicy
from chatclient import create_room
from chatclient.links import SocketLinks
from chatproto import MemberJoined, MemberLeft
from e2e.piped import SECONDS, Chat
from e2e.way import Way
from libfaketime import find_libfaketime
from messenger.core.entry import Entry
from messenger.core.facts import Presence
from messenger.core.messenger import Messenger
from messenger.presentation.wording import word
from services.messenger.core.fake_relay import FakeIgnored, FakeTrust

UDP_ALONE = ("--transport", "udp")
NOT_OVER_UDP = "can't be heard over UDP, though it answers over TCP. A firewall on the way may block UDP: try another"
RESTARTED = "The relay seems to have been restarted: the room isn't there again yet."
NO_ROOM = "There is no room"
HALF_AN_HOUR = 1800
SLEEPER = """
import sys
from pathlib import Path
from chatclient.sockets import SocketToolkit
true_clock = SocketToolkit.boot_time.fget
SocketToolkit.boot_time = property(lambda self: true_clock(self) + float(Path({path!r}).read_text() or 0))
import chatbrain.join_request
chatbrain.join_request.KEEP_ALIVE_SECONDS = 3600.0
from messenger.__main__ import main
sys.exit(main())
"""
"""`chat` on a machine that slept for as many seconds as a file says: what only the system itself can do.

It sends no keep-alives, which would tell of a lost place too.
"""


@pytest.fixture
def way(relay: Any) -> Iterator[Way]:
    with Way(relay) as way:
        yield way


def create(chat: Callable[..., Chat], room: str, server: str, *more: str, **options: Any) -> Chat:
    ann = chat("create", room, "--name", "ann", "--server", server, *more, **options)
    ann.is_told("You created")
    return ann


def join(chat: Callable[..., Chat], room: str, server: str, name: str = "bob") -> Chat:
    bob = chat("join", room, "--name", name, "--server", server)
    bob.is_told("You are in")
    return bob


def restart(start_relay: Callable[..., Any], relay: Any) -> Any:
    """Start a relay where one was killed."""
    return start_relay(
        RELAY_TCP_PORT=str(relay.tcp_port), RELAY_UDP_PORT=str(relay.udp_port), RELAY_LOBBY_PORT=str(relay.lobby_port)
    )


def sit_down(
    rejoin: RejoinPolicy | None = None,
) -> tuple[Messenger, Callable[[Callable[[], object]], Awaitable[None]]]:
    """Return a person's messenger, and a way to wait until something is true."""
    messenger = Messenger(
        SocketLinks(asyncio.get_running_loop()),
        FakeTrust(),
        FakeIgnored(),
        word=word,
        random=random.random,
        clock=lambda: datetime.now(UTC),
        rejoin=rejoin,
    )
    changed = asyncio.Event()
    messenger.on_change = changed.set

    async def until(true: Callable[[], object]) -> None:
        while not true():
            changed.clear()
            await changed.wait()

    return messenger, until


def kill(relay: Any) -> None:
    relay.process.kill()
    relay.process.wait()


def test_who_is_not_heard_over_udp_is_told_so_and_which_lines_nobody_heard(
    chat: Callable[..., Chat], way: Way, room: str
) -> None:
    way.udp_passes = False
    ann = create(chat, room, way.server, *UDP_ALONE)
    ann.say("hello")
    ann.is_told("Nothing is heard from the relay.")
    ann.is_told(NOT_OVER_UDP)
    ann.process.send_signal(signal.SIGINT)
    ann.is_told("Line 1 was not delivered (no answer came): hello")
    ann.ends(3)


@pytest.mark.requirement("STR-01")
def test_where_udp_is_blocked_the_chat_goes_over_tcp_and_that_is_said_once(
    chat: Callable[..., Chat], relay: Any, way: Way, room: str
) -> None:
    way.udp_passes = False
    ann = create(chat, room, way.server)
    ann.is_told("from now on the chat goes over TCP")
    bob = join(chat, room, relay.server)
    ann.is_told("bob joined")
    ann.say("hello")
    bob.hears("ann: hello")
    bob.say("hello ann")
    ann.hears("bob: hello ann")
    ann.stdin.close()
    ann.ends(0)


def test_udp_that_dies_in_the_middle_is_noticed_at_the_next_word(
    chat: Callable[..., Chat], way: Way, room: str
) -> None:
    ann = create(chat, room, way.server, *UDP_ALONE)
    bob = join(chat, room, way.server)
    ann.say("hello")
    bob.hears("ann: hello")
    way.udp_passes = False
    ann.say("anybody?")
    ann.is_told("Nothing is heard from the relay.")
    ann.is_told(NOT_OVER_UDP)
    way.udp_passes = True
    ann.is_told("The relay answers again.")
    ann.say("hello again")
    bob.hears_at_last("ann: hello again")


def test_a_machine_that_slept_asks_at_once_whether_it_is_still_a_member(
    chat: Callable[..., Chat], start_relay: Callable[..., Any], tmp_path: Path
) -> None:
    relay, clock = start_relay(), tmp_path / "slept"
    clock.write_text("0")
    with Way(relay) as way:
        ann = create(chat, "demo", way.server, program=["-c", SLEEPER.format(path=str(clock))])
        bob = join(chat, "demo", way.server)
        ann.is_told("bob joined")
        ann.say("good night")
        bob.hears("ann: good night")
        kill(relay)
        again = restart(start_relay, relay)
        clock.write_text("3600")
        ann.is_told("You are back")
        carl = join(chat, "demo", again.server, "carl")
        ann.say("good morning")
        carl.hears("ann: good morning")


def test_a_relay_that_was_restarted_unseen_is_noticed_at_the_next_word_and_gets_its_topic_again(
    chat: Callable[..., Chat], start_relay: Callable[..., Any]
) -> None:
    relay = start_relay()
    ann = create(chat, "demo", relay.server)
    ann.say("/topic tea")
    ann.is_told("topic: tea")
    kill(relay)
    again = restart(start_relay, relay)
    ann.say("hello?")
    lines = list[str]()
    while not (lines and "You are back" in lines[-1]):
        line = ann.err.get(timeout=SECONDS)
        assert line is not None
        lines.append(line)
    assert any(RESTARTED in line for line in lines)
    assert not any(NO_ROOM in line for line in lines)
    assert any("Line 2 was not delivered" in line for line in lines)
    bob = join(chat, "demo", again.server)
    bob.is_told("topic: tea")
    ann.say("hello")
    bob.hears("ann: hello")
    ann.stdin.close()
    ann.ends(3)


def test_what_is_said_while_the_way_is_broken_is_kept_and_heard_later(
    chat: Callable[..., Chat], relay: Any, way: Way, room: str
) -> None:
    ann = create(chat, room, way.server, *UDP_ALONE)
    bob = join(chat, room, relay.server)
    way.udp_passes = False
    ann.say("lost")
    ann.is_told("Trying again in")
    ann.say("while away")
    way.udp_passes = True
    bob.hears_all("ann: lost", "ann: while away")
    ann.stdin.close()
    ann.ends(0)


@pytest.mark.requirement("RES-01")
def test_an_app_whose_router_has_another_address_keeps_its_seat(relay: Any, way: Way, room: str) -> None:
    async def scenario() -> None:
        messenger, until = sit_down()
        async with asyncio.timeout(SECONDS), create_room(room, "bob", server=relay.server) as bob:
            ann = messenger.enter(Entry.read(way.server, room, "ann"))
            await until(lambda: ann.presence is Presence.HERE)
            way.move("127.0.0.77")
            line = ann.history.end
            messenger.submit(ann, "hello")
            await until(lambda: ann.history[line].state is DeliveryState.TAKEN)
            messenger.leave_all()
            seen = []
            async for event in bob:
                seen.append(event)
                if isinstance(event, MemberLeft):
                    break
            assert [type(event) for event in seen].count(MemberJoined) == 1
            assert "hello" in [event.text for event in seen if isinstance(event, Message)]

    asyncio.run(scenario())


def test_one_room_that_is_back_wakes_the_others_of_its_server(start_relay: Callable[..., Any]) -> None:
    relay = start_relay()

    async def scenario() -> None:
        messenger, until = sit_down(RejoinPolicy(first_delay_seconds=HALF_AN_HOUR, max_delay_seconds=HALF_AN_HOUR))

        def all_are(presence: Presence) -> Callable[[], bool]:
            return lambda: {each.presence for each in rooms} == {presence}

        async with asyncio.timeout(SECONDS):
            rooms = [
                messenger.enter(Entry.read(relay.server, name, "ann", create=True)) for name in ("one", "two", "three")
            ]
            await until(all_are(Presence.HERE))
            kill(relay)
            for each in rooms:
                messenger.submit(each, "hello?")
            await until(all_are(Presence.WAITING))
            restart(start_relay, relay)
            messenger.try_now(rooms[1])
            await until(all_are(Presence.HERE))  # the other two would wait for a quarter of an hour at least
            messenger.leave_all()

    asyncio.run(scenario())


@pytest.mark.needs("faketime")
def test_a_relay_that_is_away_for_half_an_hour_is_waited_for(
    chat: Callable[..., Chat], start_relay: Callable[..., Any], tmp_path: Path
) -> None:
    relay, clock = start_relay(), tmp_path / "clock"
    clock.write_text("+0")
    ann = create(chat, "demo", relay.server, LD_PRELOAD=find_libfaketime(), FAKETIME_TIMESTAMP_FILE=str(clock),
                 FAKETIME_NO_CACHE="1")  # fmt: skip
    kill(relay)
    with socket.create_server(("127.0.0.1", relay.tcp_port)) as nobody:  # hangs up, and so tells of each attempt
        nobody.settimeout(SECONDS)
        ann.say("hello?")
        for offset in (0, HALF_AN_HOUR, HALF_AN_HOUR, 2 * HALF_AN_HOUR):
            clock.write_text(f"+{offset}")
            nobody.accept()[0].close()
    restart(start_relay, relay)
    ann.is_told("You are back")


def test_who_is_in_the_lobby_claims_no_more_than_was_heard(
    chat: Callable[..., Chat], start_relay: Callable[..., Any]
) -> None:
    relay = start_relay()
    ann = chat("lobby", "--name", "ann", "--server", relay.lobby)
    ann.is_told("You are in the lobby as ann, if it is there: nothing has been heard yet.")
    bob = chat("lobby", "--name", "bob", "--server", relay.lobby)
    bob.is_told("You are in the lobby as bob, if it is there")
    bob.say("hello")
    ann.hears("bob: hello")
    relay.process.send_signal(signal.SIGTERM)
    ann.is_told("The relay is shutting down.")
    relay.process.wait()
    restart(start_relay, relay)
    for line in iter(lambda: ann.err.get(timeout=SECONDS), None):
        assert not line.startswith("You are back;")
        if line == "You are back in the lobby, if it is there: nothing has been heard yet.":
            break
