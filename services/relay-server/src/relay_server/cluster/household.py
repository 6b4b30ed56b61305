"""What a cluster does to the rooms of its node, and what it tells those who ask for one."""

from dataclasses import dataclass
from typing import Protocol

from chatproto import ProtocolError, RefusalCode
from relay_server.core.errors import BusyError, RoomExistsError
from relay_server.core.home_actions import CloseRoom, Outcome
from relay_server.core.places import Node
from relay_server.core.records import RoomRecord


@dataclass(frozen=True, slots=True)
class Heritage:
    """What a process leaves to the one that takes over, besides its rooms."""

    closing: list[str]
    """The keys of rooms that ended, and whose records aren't known to be gone."""
    nodes: list[Node]
    """What other nodes told of themselves."""


class Household(Protocol):
    """What a cluster does to the rooms of this relay."""

    def open_room(self, record: RoomRecord, seats: int) -> None:
        """Be the home of a room; ``seats`` is the greatest number that a seat may have by now."""
        ...

    def close_room(self, action: CloseRoom) -> None:
        """Close this relay's copy of a room, whose home is another node."""
        ...

    def forget_room(self, room: bytes) -> None:
        """Forget who was in a room before this node was started again: it isn't this node's any more."""
        ...


def error_of(outcome: Outcome | None) -> ProtocolError | None:
    """Return the refusal that an outcome is; None for one that isn't any."""
    match outcome:
        case Outcome.TAKEN:
            return RoomExistsError()
        case Outcome.AWAY:
            return BusyError(RefusalCode.NO_DIRECTORY)
        case Outcome.BUSY:
            return BusyError(RefusalCode.MOVING)
        case _:
            return None
