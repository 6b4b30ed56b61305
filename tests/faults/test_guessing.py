"""Guessing passwords and rooms (threats T7 and T8): few guesses are looked at, and nobody learns what there is."""

import time
from collections import Counter

import pytest

from conformance import wire
from conformance.people import People, ask
from conformance.relays import OwnRelay
from faults.burst import burst
from faults.relays import StartRelay
from faults.test_passwords import VAULT, checks, join

pytestmark = pytest.mark.timeout(180)

PER_MINUTE = 5
AT_ONCE = 64
"""Guesses of one address that are looked at before it has to wait (PWD-04); a room stands four times as many."""
GUESSER, HONEST = "127.0.8.1", "127.0.9.1"
TOGETHER = 50


def guess(own: OwnRelay, count: int, sources: list[str]) -> Counter[int]:
    """Try wrong passwords; returns how often each status came. A short queue's no is no verdict, so few go together."""
    statuses: Counter[int] = Counter()
    for start in range(0, count, TOGETHER):
        guesses = [join(f"eve {number}", f"guess {number}") for number in range(start, min(start + TOGETHER, count))]
        with burst(own.relay, guesses, sources) as attack:
            statuses += attack.count()
    return statuses


def start(start_relay: StartRelay, per_minute: float = PER_MINUTE, **settings: str) -> OwnRelay:
    return start_relay(
        RELAY_PASSWORD_GUESSES_PER_MINUTE=str(per_minute), RELAY_TRANSACTION_TIMEOUT_SECONDS="60", **settings
    )


def test_of_ten_thousand_guesses_from_one_address_few_are_checked(start_relay: StartRelay) -> None:
    count, per_minute = 10_000, 3  # so few that nobody waits for one
    own = start(start_relay, per_minute)
    with People(own.relay) as people:
        people.create(VAULT, b"ann", password="secret")
        began = time.monotonic()
        statuses = guess(own, count, [GUESSER])
        minutes = (time.monotonic() - began) / 60
        looked_at = checks(own, "wrong")
        assert statuses == {wire.WRONG_PASSWORD: looked_at, wire.BUSY: count - looked_at}
        assert looked_at <= AT_ONCE + per_minute * minutes + 1
        people.join(VAULT, b"bob", HONEST, "secret")
        print(f"{looked_at} of {count} guesses looked at in {minutes * 60:.1f} s")


def test_without_the_limit_every_guess_is_checked(start_relay: StartRelay) -> None:
    """The control: what keeps guesses from being looked at is the limit."""
    own = start(start_relay, per_minute=0)
    with People(own.relay) as people:
        people.create(VAULT, b"ann", password="secret")
        tried = 0
        for _ in range(2):  # so few that the queue takes them all
            tried += TOGETHER
            assert guess(own, TOGETHER, [GUESSER]) == {wire.WRONG_PASSWORD: TOGETHER}
        assert checks(own, "wrong") == tried > AT_ONCE


def test_fifty_addresses_together_exceed_the_rooms_limit_only_slightly(start_relay: StartRelay) -> None:
    count = 2000
    many = [f"127.0.8.{number}" for number in range(1, 51)]
    own = start(start_relay)
    with People(own.relay) as people:
        people.create(VAULT, b"ann", password="secret")
        began = time.monotonic()
        statuses = guess(own, count, many)
        minutes = (time.monotonic() - began) / 60
        looked_at = checks(own, "wrong")
        assert statuses == {wire.WRONG_PASSWORD: looked_at, wire.BUSY: count - looked_at}
        # The room stands four addresses' worth at once; then an address has one try in two minutes.
        assert looked_at <= 4 * AT_ONCE + len(many) + (4 * PER_MINUTE + len(many) / 2) * minutes + 1
        people.join(VAULT, b"bob", HONEST, "secret")
        print(f"{looked_at} of {count} guesses from {len(many)} addresses looked at in {minutes * 60:.1f} s")


def test_forty_wrong_passwords_from_one_address_do_not_delay_the_right_ones(start_relay: StartRelay) -> None:
    own = start(start_relay)
    with People(own.relay) as people:
        people.create(VAULT, b"ann", password="secret")
        for password, status in (("last week's", wire.WRONG_PASSWORD), ("secret", wire.OK)):
            with burst(own.relay, [join(f"pupil {number}", password) for number in range(40)], [GUESSER]) as pupils:
                assert pupils.count() == {status: 40}


@pytest.mark.parametrize(
    ("names", "back", "per_minute", "status"),
    [
        (1, False, PER_MINUTE, wire.OK),
        (1000, True, PER_MINUTE, wire.OK),
        (1000, False, PER_MINUTE, wire.OK),
        (1000, False, 1, wire.BUSY),
    ],
    ids=["one name", "who was there", "newcomer", "control"],
)
def test_a_guesser_keeps_no_neighbour_out(
    start_relay: StartRelay, names: int, back: bool, per_minute: float, status: int
) -> None:
    """Who takes a new name each time can't be told from newcomers: those wait for the next check, if it comes soon."""
    own = start(start_relay, per_minute)
    with People(own.relay) as people:
        ann = people.create(VAULT, b"ann", password="secret")
        if back:
            people.join(VAULT, b"bob", GUESSER, "secret").leave()
            ann.await_notice(b"bob left")
        for first in range(0, 2 * TOGETHER, TOGETHER):
            guesses = [join(f"eve {number % names}", f"guess {number}") for number in range(first, first + TOGETHER)]
            with burst(own.relay, guesses, [GUESSER]) as attack:
                assert wire.OK not in attack.count()
        with burst(own.relay, [join("bob", "secret")], [GUESSER]) as neighbour:
            assert neighbour.statuses() == [status]


@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "control"])
def test_a_hidden_room_answers_like_a_missing_one(start_relay: StartRelay, hidden: bool) -> None:
    own = start(start_relay, per_minute=0, RELAY_HIDE_ROOMS=str(hidden).lower())
    with People(own.relay) as people:
        people.create(VAULT, b"ann", password="secret")
        wrong = join("eve", "a guess")
        missing = wrong.replace(VAULT, VAULT[::-1])
        answers, work = [], []
        for request in (wrong, missing):
            before = checks(own, "wrong")
            (answer,) = ask(own.relay, request)
            work.append(checks(own, "wrong") - before)
            answers.append((answer.state, answer.payload))
        # The same bytes, after the same work, so that a clock tells no more than they do.
        assert (answers[0] == answers[1], work) == ((True, [1, 1]) if hidden else (False, [1, 0]))


def test_no_operation_lists_rooms(start_relay: StartRelay) -> None:
    own = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    with People(own.relay) as people:
        people.create(b"a secret", b"ann")
        operations = [operation for operation in range(256) if operation not in {wire.CREATE, wire.JOIN}]
        for start_at in range(0, len(operations), TOGETHER):
            requests = [
                wire.frame(operation, wire.REQUEST, b"room", b"eve")
                for operation in operations[start_at : start_at + TOGETHER]
            ]
            with burst(own.relay, requests, [GUESSER]) as attack:
                assert set(attack.statuses()) == {wire.NOT_SUPPORTED}
