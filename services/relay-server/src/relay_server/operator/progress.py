"""Follow the rooms of a relay on their way to other nodes."""

from collections.abc import Callable
from math import inf
from typing import Final

from relay_server.operator.client import AdminError, Row

LOOK_SECONDS: Final = 0.5
STALL_SECONDS: Final = 60.0
"""After so long without a room that moved, something is wrong."""


def follow_moves(
    look: Callable[[], Row | None], say: Callable[[str], object], pause: Callable[[float], object]
) -> Row | None:
    """Say how many rooms are left until all have moved; returns the last look, None if the relay ended meanwhile.

    Raises:
        AdminError: no room moves any more.

    """
    fewest, looks = inf, 0
    while (row := look()) and row["rooms"]:
        if row["rooms"] < fewest:
            fewest, looks = row["rooms"], 0
            say(f"{_rooms(row['rooms'])} left.\n")
        looks += 1
        if looks * LOOK_SECONDS > STALL_SECONDS:
            nodes = "no other node can take them" if not row["nodes"] else "the log tells whether the directory is away"
            raise AdminError(f"{_rooms(row['rooms'])} left, and none has moved for a minute: {nodes}. It goes on.")
        pause(LOOK_SECONDS)
    return row


def _rooms(count: int) -> str:
    return "One room is" if count == 1 else f"{count} rooms are"
