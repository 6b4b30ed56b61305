"""What nodes tell of themselves, as sealed bytes that can't be said again by who overheard them (threat N17)."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum, unique
from typing import Any, Final

from chatproto import Server
from relay_server.cluster.vault import Sealer, SealError
from relay_server.core.places import Node

FORMAT: Final = 1
MAX_AGE_SECONDS: Final = 10.0
"""A beat of another time is none: nodes' clocks must not differ by more."""
MAX_BEAT_BYTES: Final = 8192
TO_ALL: Final = "beat"
"""Where a beat belongs that is meant for all; one that answers somebody belongs to the question."""


@unique
class Ignored(StrEnum):
    """Why a beat doesn't count; the word is the metrics' label."""

    BAD_SEAL = "bad_seal"
    MALFORMED = "malformed"
    CLOCK = "clock"
    """It is older than `MAX_AGE_SECONDS`, or from as far in the future."""
    REPEATED = "repeated"
    """It isn't newer than the last one of its node."""


class BeatError(Exception):
    """A beat doesn't count."""

    def __init__(self, reason: Ignored, node: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node


@dataclass(frozen=True, slots=True)
class Beat:
    """What a node tells of itself at one time."""

    node: Node
    number: int
    """Grows from beat to beat of one run of the node."""
    at: float
    """In seconds since 1970."""


def encode_beat(beat: Beat, sealer: Sealer, place: str = TO_ALL) -> bytes:
    """Write a beat, sealed."""
    told = asdict(beat.node) | {"format": FORMAT, "number": beat.number, "at": beat.at}
    return sealer.seal(place, json.dumps(told, separators=(",", ":")).encode())


def decode_beat(data: bytes, sealer: Sealer, place: str = TO_ALL) -> Beat:
    """Read a beat.

    Raises:
        BeatError: it isn't one of this cluster, or doesn't belong here.

    """
    if len(data) > MAX_BEAT_BYTES:
        raise BeatError(Ignored.MALFORMED)
    try:
        told: Any = json.loads(sealer.open(place, data))
        if told.pop("format") != FORMAT:
            raise BeatError(Ignored.MALFORMED)
        number, at, server = told.pop("number"), told.pop("at"), Server(**told.pop("server"))
        return Beat(Node(server=server, **told), int(number), float(at))
    except SealError:
        raise BeatError(Ignored.BAD_SEAL) from None
    except (ValueError, KeyError, TypeError, AttributeError):  # a later version's, for whose seal holds made it
        raise BeatError(Ignored.MALFORMED) from None


class Replays:
    """Knows the newest beat of each node, so that no older one counts."""

    def __init__(self) -> None:
        self._newest: dict[str, Beat] = {}

    def check(self, beat: Beat, now: float) -> bool:
        """Take a beat as its node's newest; ``now`` is in seconds since 1970. Tells whether it is the first of a run.

        Raises:
            BeatError: it is from another time, or not newer than the last.

        """
        name = beat.node.name
        if abs(now - beat.at) > MAX_AGE_SECONDS:
            raise BeatError(Ignored.CLOCK, name)
        newest = self._newest.get(name)
        if newest is not None and _order_of(beat) <= _order_of(newest):
            raise BeatError(Ignored.REPEATED, name)
        is_new = newest is None or newest.node.started_at != beat.node.started_at
        if is_new:
            self._forget_gone(now)
        self._newest[name] = beat
        return is_new

    def _forget_gone(self, now: float) -> None:
        """Forget nodes of which every beat is too old to count: where names are made by chance, they are ever more."""
        for name, beat in list(self._newest.items()):
            if now - beat.at > 2 * MAX_AGE_SECONDS:  # twice, for a clock that was put back since
                del self._newest[name]


def _order_of(beat: Beat) -> tuple[float, int]:
    return beat.node.started_at, beat.number
