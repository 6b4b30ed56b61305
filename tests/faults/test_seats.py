"""Attacks on seats that can be taken again: guessed, stolen and spent tickets, and captured attempts (threat N3)."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from conformance import wire
from conformance.people import Member, People, ask, ask_from
from conformance.relays import OwnRelay
from e2e.relay_metrics import scrape
from faults.burst import burst
from faults.conftest import Chance
from faults.relays import StartRelay
from faults.weakened import believe_any_claim, name_attempts_alone, short_tokens, take_tickets_for_good

ROOM = b"seats"
THIEF = "127.0.8.1"
FEATURES = ["resume", "notices"]
PER_MINUTE, AT_ONCE = 5, 64
TOGETHER = 50
GUESSES = 1000


class Scene:
    """Ann, the host, and bob, who has a ticket that went in the clear and hears what he is asked."""

    def __init__(self, own: OwnRelay, people: People) -> None:
        self.own, self.people = own, people
        self.ann = people.create(ROOM, b"ann")
        self.bob = people.join(ROOM, b"bob", features=FEATURES)
        self.ann.heard(after=self.bob)
        self.bob.heard(after=self.ann)
        self.ticket: str = json.loads(self.bob.completion)["resume"]

    def outcome(self, outcome: str) -> float:
        return scrape(self.own).value("relay_resumptions_total", outcome=outcome)


@contextmanager
def scene(own: OwnRelay) -> Iterator[Scene]:
    with People(own.relay) as people:
        yield Scene(own, people)


def request(name: str = "bob", **more: object) -> bytes:
    fields = {"username": name, "reply": "json", "features": FEATURES, **more}
    return wire.frame(wire.JOIN, wire.REQUEST, ROOM, json.dumps(fields).encode())


def statuses(frames: list[wire.Frame]) -> list[int]:
    return [json.loads(frame.payload)["status"] for frame in frames if frame.state == wire.REPLY]


def guess(own: OwnRelay, tickets: list[str]) -> Counter[int]:
    """Show tickets, a few at a time; returns how often each status came."""
    answers: Counter[int] = Counter()
    for start in range(0, len(tickets), TOGETHER):
        guesses = [request(f"eve {start}", resume=ticket) for ticket in tickets[start : start + TOGETHER]]
        with burst(own.relay, guesses, [THIEF]) as attack:
            answers += attack.count()
    return answers


def test_guessed_tickets_take_no_seat_and_few_are_looked_at(start_relay: StartRelay, chance: Chance) -> None:
    own = start_relay(RELAY_PASSWORD_GUESSES_PER_MINUTE=str(PER_MINUTE))
    with scene(own) as there:
        began = time.monotonic()
        kinds = [there.bob.token.decode(), there.ticket.swapcase(), there.ticket[:-1], there.ticket + "x"]
        tickets = kinds + [f"{chance.getrandbits(128):032x}" for _ in range(GUESSES - len(kinds))]
        answers = guess(own, tickets)
        minutes = (time.monotonic() - began) / 60
        assert set(answers) == {wire.NO_SEAT, wire.BUSY}
        assert answers[wire.NO_SEAT] <= AT_ONCE + PER_MINUTE * minutes + 1
        assert there.outcome("resumed") + there.outcome("moved") == 0
        again = there.people.join(ROOM, b"bob", features=FEATURES, more={"resume": there.ticket})
        again.say(b"mine")
        assert there.ann.hear() == b"bob: mine"


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_short_tickets_are_guessed(start_relay: StartRelay) -> None:
    own = start_relay.weakened(short_tokens, RELAY_PASSWORD_GUESSES_PER_MINUTE="0", RELAY_JOIN_RATE="0")
    with scene(own) as there:
        guess(own, [f"{number:02x}" for number in range(256)])
        assert there.outcome("contested") + there.outcome("moved") > 0


def steal(there: Scene) -> int:
    """Show an overheard ticket at another address, while bob answers what he is asked; returns the status."""
    with ThreadPoolExecutor(1) as aside:
        theft = aside.submit(ask, there.own.relay, request(resume=there.ticket), THIEF)
        answer_challenges(there.bob, theft)
    return statuses(theft.result())[0]


def answer_challenges(bob: Member, theft: Future[list[wire.Frame]]) -> None:
    bob.udp.settimeout(0.05)
    while not theft.done():
        with suppress(TimeoutError):
            data = bob.receive()
            if b'"challenge"' in data:
                bob.say(b"/here " + json.loads(data[len(b"server: ") :])["nonce"].encode())
    bob.udp.settimeout(wire.WAIT_SECONDS)


def test_an_overheard_ticket_takes_no_seat_from_who_is_there(start_relay: StartRelay) -> None:
    with scene(start_relay()) as there:
        for _ in range(3):
            assert steal(there) == wire.NO_SEAT
        there.bob.say(b"mine still")
        assert there.ann.hear() == b"bob: mine still"


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_without_a_question_it_does(start_relay: StartRelay) -> None:
    with scene(start_relay.weakened(believe_any_claim)) as there:
        assert steal(there) == wire.OK


def replay(there: Scene) -> Counter[int]:
    """Take the seat and use it, then show the old ticket again and again."""
    again = there.people.join(ROOM, b"bob", features=FEATURES, more={"resume": there.ticket})
    again.say(b"moved")
    assert there.ann.hear() == b"bob: moved"
    return Counter(status for _ in range(20) for status in statuses(ask(there.own.relay, request(resume=there.ticket))))


def test_a_spent_ticket_is_good_for_nothing(start_relay: StartRelay) -> None:
    with scene(start_relay()) as there:
        assert replay(there) == {wire.NO_SEAT: 20}


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_a_ticket_for_good_is_taken_each_time(start_relay: StartRelay) -> None:
    with scene(start_relay.weakened(take_tickets_for_good)) as there:
        assert replay(there) == {wire.OK: 20}


def captured_attempt(there: Scene) -> list[int]:
    """Repeat a captured attempt from the thief's address, and one of its own making from bob's."""
    attempt = "an attempt of zoe's"
    there.people.join(ROOM, b"zoe", features=FEATURES, more={"attempt": attempt})
    answers = []
    for source, nonce in ((THIEF, attempt), ("", attempt[::-1])):
        frames, _, _ = ask_from(there.own.relay, request("zoe", attempt=nonce), source)
        answers += statuses(frames)
    return answers


def test_a_captured_attempt_brings_nobody_elses_answer(start_relay: StartRelay) -> None:
    with scene(start_relay()) as there:
        assert captured_attempt(there) == [wire.NAME_TAKEN] * 2
        assert there.outcome("repeated") == 0


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_an_attempt_that_is_known_by_its_name_alone_does(start_relay: StartRelay) -> None:
    with scene(start_relay.weakened(name_attempts_alone)) as there:
        assert captured_attempt(there)[0] == wire.OK
