"""Rooms that a node had before it was started again; each waits until the directory says that it still is the node's.

Until then it isn't here: its name may be another node's by now, and two homes must not serve the same people.
"""

from collections.abc import Callable, Iterator

from relay_server.core.endpoint import MakeAddress
from relay_server.core.known_room import Tenancy
from relay_server.core.model import Room
from relay_server.core.policy import Policy
from relay_server.core.records import RoomRecord
from relay_server.core.registry import Registry
from relay_server.core.restoring import Restoring
from relay_server.core.state import Item, Moment, SavedResidence, StateError
from relay_server.core.state_reader import State


class Reclaiming:
    """Keeps what was saved of rooms, and puts each into place when it is this node's again."""

    def __init__(self, registry: Registry, policy: Policy, make_address: MakeAddress) -> None:
        self._registry = registry
        self._policy = policy
        self._make_address = make_address
        self._state = State()
        self.on_forget: Callable[[bytes], None] = lambda _: None
        """Called when what was saved of a room is of no use any more, before another room of its name is there."""
        self.on_settled: Callable[[], None] = lambda: None
        """Called when nothing waits any more."""
        self.reclaimed_rooms = self.reclaimed_members = 0

    def wait(self, state: State) -> None:
        """Take what was saved; rooms without a residence are of a relay that was alone, and so are forgotten."""
        self._state = state
        if not state.rooms:
            self.on_settled()
        for name, (_, saved) in list(state.rooms.items()):
            if saved.residence is None:
                self._drop(name)

    @property
    def is_waiting(self) -> bool:
        """Whether the directory hasn't told yet of some room whether it still is this node's."""
        return bool(self._state.rooms)

    @property
    def tenancies(self) -> list[Tenancy]:
        """What the records of the rooms that wait must say."""
        homes = [(name, saved.residence) for name, (_, saved) in self._state.rooms.items()]
        return [
            Tenancy(name, home.first_seat, home.term, home.since) for name, home in homes if home is not None
        ]  # fmt: skip

    def items(self) -> Iterator[Item]:
        """Go through all that waits, to save it once more."""
        for name in self._state.rooms:
            yield from self._state.items_of(name)

    def open_room(self, record: RoomRecord, seats: int, moment: Moment) -> bool:
        """Put a room and its members into place, if the record is of what was saved; ``seats`` see `Returning`."""
        dated = self._state.rooms.get(record.room)
        if dated is None:
            return False
        room = self._restore(record, moment) if _is_of(record, dated.item.residence) else None
        if room is None:
            self.forget(record.room)
            return False
        self._belong(room, record, seats, moment.now)
        self.reclaimed_rooms += 1
        self.reclaimed_members += len(room.members)
        self._remove(record.room)
        return True

    def forget(self, room: bytes) -> None:
        """Forget a room that isn't this node's any more, and its members: they know or learn where it is."""
        if room in self._state.rooms:
            self._drop(room)

    def _restore(self, record: RoomRecord, moment: Moment) -> Room | None:
        restoring = Restoring(self._registry, None, self._make_address, moment, handed_over=False)
        try:
            for item in self._state.items_of(record.room):
                restoring.apply(item)
            restoring.finish(moment.now)
        except StateError:  # its members come back by their tickets, as after an adoption
            restoring.undo()
            return None
        return self._registry.rooms[record.room]

    def _belong(self, room: Room, record: RoomRecord, seats: int, now: float) -> None:
        """Let a room be what its record says: of this term; who came in last may not have been saved (CLU-03)."""
        residence = room.residence
        assert residence is not None  # noqa: S101 - it was looked at
        residence.term = record.term
        residence.seats = max(residence.seats, seats)
        residence.takes_tickets_until = now + self._policy.resume_seconds
        self._registry.change(room)

    def _drop(self, room: bytes) -> None:
        self.on_forget(room)
        self._remove(room)

    def _remove(self, room: bytes) -> None:
        del self._state.rooms[room], self._state.members[room]
        if not self._state.rooms:
            self.on_settled()


def _is_of(record: RoomRecord, residence: SavedResidence | None) -> bool:
    """Tell whether this node wrote a record when it reclaimed the room that was saved: that raised the term."""
    assert residence is not None  # noqa: S101 - of the others nothing waits
    return (residence.first_seat, residence.term + 1) == (record.first_seat, record.term)
