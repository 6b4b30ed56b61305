"""Random sequences of actions on a connection, with a bias towards the relay's own limits."""

import random
import ssl
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from faults.records import VERSIONS

Chance = random.Random


class Step(StrEnum):
    """One thing that a connection does, or waits for."""

    PART_OF_HELLO = "part of a TLS hello"
    HELLO = "a TLS hello, or its rest"
    PART_OF_FINISH = "part of the handshake's end"
    FINISH = "the handshake's end"
    PART_OF_REQUEST = "part of a request"
    REQUEST = "a request, or its rest"
    PLAIN_REQUEST = "a request in plain"
    BROKEN_REQUEST = "a broken request"
    PORT = "two bytes of port"
    JUNK = "junk"
    SEALED_JUNK = "junk in a TLS record"
    BAD_RECORD = "a TLS record that was changed"
    KEY_UPDATE = "a key update"
    KEY_UPDATE_ASKING = "a key update that asks for one"
    CLOSE_NOTIFY = "TLS's end (close_notify)"
    HALF_CLOSE = "TCP's end (half-close)"
    RESET = "a reset"
    CLOSE = "a close"
    AWAIT_ANSWER = "wait for an answer"
    AWAIT_END = "wait for the relay's end"
    WAIT_A_MOMENT = "wait a moment"
    WAIT_PAUSE = "wait past the completion pause"
    WAIT_DEADLINE = "wait past the deadline"
    WAIT_LINGER = "wait past the linger"


BY_TLS_ONLY: Final = frozenset(
    {
        Step.PART_OF_FINISH,
        Step.FINISH,
        Step.SEALED_JUNK,
        Step.BAD_RECORD,
        Step.KEY_UPDATE,
        Step.KEY_UPDATE_ASKING,
        Step.CLOSE_NOTIFY,
    }
)
"""Steps that need a relay with a certificate."""
WAITS: Final = frozenset(step for step in Step if step.name.startswith(("AWAIT", "WAIT")))
LAST: Final = frozenset({Step.RESET, Step.CLOSE})

Weights = Mapping[tuple[Step, ...], float]

_PAUSES: Final[Weights] = {
    (): 25,
    (Step.WAIT_A_MOMENT,): 20,
    (Step.WAIT_PAUSE,): 5,
    (Step.AWAIT_ANSWER,): 8,
    (Step.WAIT_DEADLINE,): 18,
    (Step.AWAIT_END,): 20,
    (Step.WAIT_LINGER,): 4,
}
_IN_HANDSHAKE: Final[Weights] = {
    (Step.HELLO,): 20,
    (Step.PART_OF_HELLO,): 4,
    (Step.JUNK,): 22,
    (Step.PLAIN_REQUEST,): 24,
    (Step.HELLO, Step.FINISH, Step.REQUEST): 8,
    (Step.FINISH,): 8,
    (Step.PART_OF_FINISH,): 8,
    (Step.BROKEN_REQUEST,): 4,
    (Step.PORT,): 5,
    (Step.HALF_CLOSE,): 6,
    (Step.RESET,): 3,
}
_BY_TLS: Final[Weights] = {
    (Step.REQUEST,): 34,
    (Step.REQUEST, Step.AWAIT_END): 10,
    (Step.PART_OF_REQUEST,): 8,
    (Step.BROKEN_REQUEST,): 5,
    (Step.KEY_UPDATE,): 12,
    (Step.KEY_UPDATE_ASKING,): 20,
    (Step.SEALED_JUNK,): 9,
    (Step.BAD_RECORD,): 9,
    (Step.CLOSE_NOTIFY,): 6,
    (Step.PORT,): 5,
    (Step.JUNK,): 6,
    (Step.PLAIN_REQUEST,): 4,
    (Step.HALF_CLOSE,): 6,
    (Step.RESET,): 3,
}
_IN_PLAIN: Final[Weights] = {
    (Step.REQUEST,): 35,
    (Step.PART_OF_REQUEST,): 10,
    (Step.BROKEN_REQUEST,): 8,
    (Step.PORT,): 10,
    (Step.JUNK,): 14,
    (Step.HELLO,): 6,
    (Step.PART_OF_HELLO,): 3,
    (Step.HALF_CLOSE,): 8,
    (Step.RESET,): 4,
}
_ENDINGS: Final[Weights] = {
    (Step.AWAIT_END, Step.CLOSE): 50,
    (Step.HALF_CLOSE, Step.AWAIT_END, Step.CLOSE): 15,
    (Step.CLOSE,): 15,
    (Step.RESET,): 10,
    (Step.CLOSE_NOTIFY, Step.AWAIT_END, Step.CLOSE): 10,
}


class _Opening(NamedTuple):
    steps: tuple[Step, ...]
    weight: float
    then: Weights
    """What may follow."""


_OPENINGS: Final = (
    _Opening((Step.PART_OF_HELLO,), 22, _IN_HANDSHAKE),
    _Opening((Step.HELLO,), 13, _IN_HANDSHAKE),
    _Opening((Step.HELLO, Step.PART_OF_FINISH), 4, _IN_HANDSHAKE),
    _Opening((Step.HELLO, Step.FINISH), 34, _BY_TLS),
    _Opening((Step.REQUEST,), 10, _IN_PLAIN),
    _Opening((Step.PART_OF_REQUEST,), 7, _IN_PLAIN),
    _Opening((Step.BROKEN_REQUEST,), 3, _IN_PLAIN),
    _Opening((Step.JUNK,), 4, _IN_PLAIN),
    _Opening((), 3, _IN_PLAIN),
)
_PLAIN_OPENINGS: Final = (
    _Opening((Step.PART_OF_HELLO,), 5, _IN_HANDSHAKE),
    _Opening((Step.HELLO,), 5, _IN_HANDSHAKE),
    _Opening((Step.REQUEST,), 45, _IN_PLAIN),
    _Opening((Step.PART_OF_REQUEST,), 20, _IN_PLAIN),
    _Opening((Step.BROKEN_REQUEST,), 12, _IN_PLAIN),
    _Opening((Step.JUNK,), 8, _IN_PLAIN),
    _Opening((), 5, _IN_PLAIN),
)
MOST_DEEDS: Final = 4
"""After the opening."""
ADDRESSES: Final = {f"127.0.0.{number}": weight for number, weight in enumerate((8, 4, 2, 2, 1, 1, 1, 1), 2)}
"""Where connections come from, and how often: some are over each limit of an address, some never are."""


class Plan(NamedTuple):
    """One connection."""

    source: str
    version: ssl.TLSVersion
    """Should it speak TLS at all."""
    seed: int
    """Chooses the content of the bytes, and where they are split."""
    steps: tuple[Step, ...]


def plans(chance: Chance, *, tls: bool) -> Iterator[Plan]:
    """Make plans without end; without ``tls`` for a relay that has no certificate."""
    while True:
        (source,) = chance.choices([*ADDRESSES], [*ADDRESSES.values()])
        version = chance.choice(VERSIONS)
        yield Plan(source, version, chance.getrandbits(32), _cut(_steps(chance, tls=tls), tls=tls))


def _steps(chance: Chance, *, tls: bool) -> Iterator[Step]:
    openings = _OPENINGS if tls else _PLAIN_OPENINGS
    (opening,) = chance.choices(openings, [opening.weight for opening in openings])
    yield from opening.steps
    for _ in range(chance.randint(1, MOST_DEEDS)):
        yield from _choose(chance, _PAUSES)
        yield from _choose(chance, opening.then)
    yield from _choose(chance, _PAUSES)
    yield from _choose(chance, _ENDINGS)


def _cut(steps: Iterator[Step], *, tls: bool) -> tuple[Step, ...]:
    """Leave out what can't be, and what would come after the last step."""
    kept = []
    for step in steps:
        if tls or step not in BY_TLS_ONLY:
            kept.append(step)
        if step in LAST:
            break
    return tuple(kept)


def _choose(chance: Chance, weights: Weights) -> tuple[Step, ...]:
    (chosen,) = chance.choices([*weights], [*weights.values()])
    return chosen
