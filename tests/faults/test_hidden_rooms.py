"""Whether a clock finds rooms that are hidden (PWD-05): the replies are timed, on both sides the same work is done."""

import json
import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import median
from typing import Final

import pytest

from conformance import wire
from conformance.people import People, call
from conformance.relays import Relay
from faults.conftest import Chance
from faults.relays import StartRelay
from faults.test_passwords import VAULT, checks

pytestmark = pytest.mark.timeout(300)

SOURCES: Final = [f"127.0.7.{number}" for number in range(1, 33)]
DEAR_NAME: Final = "\ufdfa" * 85
"""Each of these is 18 letters to who compares names: 255 bytes that take a hundred times as long as any honest name."""


def request(room: bytes, password: str | None) -> bytes:
    return wire.frame(wire.JOIN, wire.REQUEST, room, json.dumps({"username": DEAR_NAME, "password": password}).encode())


def timed(relay: Relay, asked: bytes, source: str) -> tuple[float, tuple[int, bytes]]:
    """Return how many seconds the answer took, and what it was."""
    with call(relay, source) as connection:
        began = time.perf_counter()
        connection.sendall(asked)
        (answer,) = wire.read_frames(connection)
        return time.perf_counter() - began, (answer.state, answer.payload)


def shuffled(tries: int, chance: random.Random) -> list[int]:
    sides = [0, 1] * tries
    chance.shuffle(sides)
    return sides


def told_apart(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how often a time of the one is longer than one of the other; 0.5: a clock tells nothing (AUC)."""
    order = sorted(other)
    ranks = sum((bisect_left(order, seconds) + bisect_right(order, seconds)) / 2 for seconds in one)
    return ranks / (len(one) * len(order))


@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "control"])
@pytest.mark.parametrize(("password", "tries"), [(None, 1000), ("a guess", 200)], ids=["no password", "wrong password"])
def test_a_clock_finds_no_hidden_room(
    start_relay: StartRelay, chance: Chance, password: str | None, tries: int, *, hidden: bool
) -> None:
    """Assert the answer and the amount of work; print the times, which depend on the machine's load."""
    own = start_relay(
        RELAY_HIDE_ROOMS=str(hidden).lower(),
        RELAY_PASSWORD_GUESSES_PER_MINUTE="0",
        RELAY_JOIN_RATE="0",
        RELAY_TRANSACTION_TIMEOUT_SECONDS="60",
    )
    with People(own.relay) as people:
        people.create(VAULT, b"ann", password="secret")
        requests = [request(room, password) for room in (VAULT, VAULT[::-1])]
        times: tuple[list[float], list[float]] = ([], [])
        answers: tuple[set[object], set[object]] = (set(), set())
        for side in shuffled(tries, chance):
            seconds, answer = timed(own.relay, requests[side], chance.choice(SOURCES))
            times[side].append(seconds)
            answers[side].add(answer)
        there, missing = times
        print(
            f"{tries} a side: medians {median(there) * 1e6:.0f} µs (there) and {median(missing) * 1e6:.0f} µs "
            f"(not there), AUC {told_apart(there, missing):.3f} ± {0.29 * (2 / tries) ** 0.5:.3f}"
        )
        assert [len(said) for said in answers] == [1, 1]
        assert (answers[0] == answers[1]) is hidden
        asked = 0 if password is None else tries
        assert checks(own, "wrong") == asked * (2 if hidden else 1)
