"""How much of each thing the relay's default limits allow one address."""

import time
from collections.abc import Iterator
from typing import Final

from bench.budget.stage import Seat, Stage
from relay_server.settings import Settings
from relay_server.tls.server import HANDSHAKES_PER_JOIN

_SETTINGS: Final = Settings.model_construct()
MEMBERS: Final = _SETTINGS.max_members_per_address
_OTHERS: Final = 4
"""So few of one other address: joins of a large room count for more than one (LIM-01)."""
ROOMS: Final = _SETTINGS.max_rooms_per_address
PER_ROOM: Final = MEMBERS // ROOMS
ROOM_MEMBERS: Final = _SETTINGS.max_members_per_room
JOINS: Final = _SETTINGS.join_rate
HANDSHAKES: Final = HANDSHAKES_PER_JOIN * _SETTINGS.join_rate

# What no limit bounds: as much as a modest line brings, so that the figures of several kinds can be compared.
DATAGRAMS: Final = 2500.0
CONNECTIONS: Final = 200.0


def messages(size_bytes: int = 0, *, members: int = MEMBERS) -> float:
    """Return how many messages of a size so many members may send a second."""
    return members * min(_SETTINGS.message_rate, _SETTINGS.byte_rate / max(size_bytes, 1))


def pace() -> Iterator[None]:
    """Yield as often as one member may speak: at once while its burst lasts, then at its rate."""
    for _ in range(int(_SETTINGS.message_burst) - 1):  # its first keep-alive was one
        yield
    while True:
        time.sleep(1 / _SETTINGS.message_rate)
        yield


def crowd(stage: Stage) -> list[Seat]:
    """Seat as many members as one address may have, in as many rooms as it may have."""
    names = [f"crowd {number}" for number in range(PER_ROOM)]
    return [seat for room in range(ROOMS) for seat in stage.seat(f"crowd-{room}", names)]


def one_room(stage: Stage) -> list[Seat]:
    """Seat as many members as one address may have in one room."""
    return stage.seat("crowd", [f"crowd {number}" for number in range(MEMBERS)])


def full_room(stage: Stage) -> list[Seat]:
    """Seat as many in a room as may be; the first of them are as many as one address may have."""
    return [*one_room(stage), *others(stage, "crowd", ROOM_MEMBERS - MEMBERS, create=False)]


def others(stage: Stage, room: str, count: int, *, create: bool) -> list[Seat]:
    """Seat so many in a room from other addresses, which the first of them creates or which is there."""
    seats: list[Seat] = []
    while len(seats) < count:
        names = [f"other {len(seats) + number}" for number in range(min(_OTHERS, count - len(seats)))]
        source = f"127.0.3.{1 + len(seats) // _OTHERS}"
        seats += stage.seat(room, names, source=source, create=create and not seats)
    return seats
