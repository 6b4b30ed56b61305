"""What would take the relay long, all within the limits: text full of harm, lists, names that grow, a large room."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

import pytest

from conformance import wire
from conformance.people import Listener, People
from conformance.relays import OwnRelay
from e2e.relay_metrics import scrape
from faults import weakened
from faults.crowd import Crowd
from faults.relays import StartRelay
from faults.weakening import Weakness

SECONDS, CONTROL_SECONDS, SLACK_SECONDS = 5.0, 60.0, 60.0
HONEST_A_SECOND = 100.0
BURST = 200
SMALL_BUFFER = str(2**19)
"""A relay that is behind has worked it off in a moment, and can be asked for its books."""
TEXTS = [b"\x01" * 4000, b"\r\n" * 2000, "\x81\u202e".encode() * 800, ("a" + 5 * "\u0301").encode() * 360]
MUTES = 30
"""As many as a host may make at once, with something to spare."""

Attack = Callable[[OwnRelay], AbstractContextManager[Callable[[], None]]]


class Case(NamedTuple):
    """An attack, how many datagrams a second it may send at most, and the guard that holds against it."""

    attack: Attack
    a_second: int
    weakness: Weakness
    settings: Mapping[str, str] = {}


@contextmanager
def harmful_text(relay: OwnRelay) -> Iterator[Callable[[], None]]:
    """Let 64 members, each in a room of its own, say what has to be made harmless; nobody hears it."""
    with People(relay.relay) as people:
        members = [
            people.create(b"room %d" % number, b"eve", source=f"127.0.0.{10 + number // 16}") for number in range(64)
        ]
        turns = itertools.cycle([(member, text) for text in TEXTS for member in members])

        def say_one() -> None:
            member, text = next(turns)
            member.say(text)

        yield say_one


@contextmanager
def lists_of_members(relay: OwnRelay) -> Iterator[Callable[[], None]]:
    """Let 64 of 768 members ask who is there, when many of them are muted."""
    with People(relay.relay) as people:
        host = people.create(b"large", b"host of all", source="127.0.0.10")
        members = [
            people.join(b"large", b"guest %d" % number, source=f"127.0.0.{10 + number // 64}")
            for number in range(1, 768)
        ]
        for number in range(1, MUTES + 1):
            host.say(b"/mute guest %d" % number)
        host.await_notice(b"guest %d is muted; /unmute takes it back." % MUTES)
        turns = itertools.cycle(members[:64])
        yield lambda: next(turns).say(b"/who")
        host.leave()  # which closes the room at once: else each would be told of each who leaves


@contextmanager
def names_that_grow(relay: OwnRelay) -> Iterator[Callable[[], None]]:
    """Speak in the lobby from hundreds of addresses, each time by another name that grows when it is compared."""
    with ExitStack() as stack:
        place = ("127.0.0.1", relay.relay.lobby_port)
        strangers = [
            stack.enter_context(Listener(place, f"127.1.{number >> 8}.{number & 255}")) for number in range(1, 501)
        ]
        numbers = itertools.count()

        def speak_once() -> None:
            number = next(numbers)
            stranger = strangers[number % len(strangers)]
            stranger.send(wire.lobby(f"{80 * chr(0xFDFA)}{number}".encode(), b"hi"))

        yield speak_once


@contextmanager
def speech_in_a_large_room(relay: OwnRelay) -> Iterator[Callable[[], None]]:
    """Let the 64 members of one address speak in a room of 1,000."""
    with People(relay.relay) as people:
        host = people.create(b"large", b"host of all", source="127.0.0.10")
        members = [
            people.join(b"large", b"guest %d" % number, source=f"127.0.0.{10 + number // 64}")
            for number in range(1, 1000)
        ]
        for member in (host, *members):
            member.keep_alive()
        turns = itertools.cycle(members[-64:])
        yield lambda: next(turns).say(b"hello")
        host.leave()  # which closes the room at once: else each would be told of each who leaves


CASES = {
    "text": Case(harmful_text, 64 * 16, weakened.sanitize_in_pieces),
    "lists": Case(lists_of_members, 64 * 20, weakened.write_every_list),
    "names": Case(names_that_grow, 5000, weakened.judge_every_name),
    "copies": Case(speech_in_a_large_room, 64 * 20, weakened.count_no_large_rooms, {"RELAY_MESSAGE_RATE": "60"}),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
one_loop = pytest.mark.parametrize("loop", ["uvloop"])
"""What takes long is no loop's work."""


@contextmanager
def under(case: Case, relay: OwnRelay) -> Iterator[Callable[[], float]]:
    """Begin an attack; yields what sends as much of it as is due, and returns for how many seconds it has gone on."""
    with case.attack(relay) as send_one:
        start, sent = time.monotonic(), 0

        def go_on() -> float:
            nonlocal sent
            elapsed = time.monotonic() - start
            due = min(BURST, int(elapsed * case.a_second) - sent)
            for _ in range(due):
                send_one()
            sent += due
            return elapsed

        yield go_on


@each
@one_loop
@pytest.mark.timeout(180)
def test_expensive_inputs_lose_no_honest_message(start_relay: StartRelay, case: Case) -> None:
    relay = start_relay(**case.settings)
    with People(relay.relay) as people, under(case, relay) as go_on:
        crowd = Crowd(people.pair(b"honest"))
        crowd.talk_until(lambda: go_on() > SECONDS, HONEST_A_SECOND, SECONDS + SLACK_SECONDS)
        crowd.check_nothing_lost()
        assert scrape(relay).value("relay_kernel_drops_total") == 0


@each
@one_loop
@pytest.mark.timeout(180)
def test_control_without_its_guard_the_relay_falls_behind_until_its_buffer_is_full(
    start_relay: StartRelay, case: Case
) -> None:
    relay = start_relay.weakened(case.weakness, **case.settings, RELAY_RECEIVE_BUFFER_BYTES=SMALL_BUFFER)
    with under(case, relay) as go_on:
        while scrape(relay).value("relay_kernel_drops_total") == 0:
            pause = go_on() + 1.0
            assert pause < CONTROL_SECONDS
            while go_on() < pause:
                pass
