"""Lines of state folded into what is true in the end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from relay_server.core.state import (
    Clock,
    Header,
    Item,
    LobbyClientGone,
    MemberGone,
    RoomGone,
    SavedAddress,
    SavedLobbyClient,
    SavedMember,
    SavedRoom,
    StateError,
    check_format,
    decode_line,
)

Saved = TypeVar("Saved", SavedRoom, SavedMember, SavedLobbyClient)
Peer = tuple[bytes, int, int]
"""IP, port and scope."""


class Dated(NamedTuple, Generic[Saved]):
    """Something saved, and when: its ages count from there."""

    at: float
    item: Saved


@dataclass(slots=True)
class State:
    """What was saved."""

    at: float = 0.0
    """When the newest of it was written, in seconds since 1970."""
    rooms: dict[bytes, Dated[SavedRoom]] = field(default_factory=dict)
    members: dict[bytes, dict[str, Dated[SavedMember]]] = field(default_factory=dict)
    """Of each room by their names, in the order in which they came."""
    lobby: dict[Peer, Dated[SavedLobbyClient]] = field(default_factory=dict)

    @property
    def member_count(self) -> int:
        """How many members there are in all rooms."""
        return sum(map(len, self.members.values()))

    def items(self) -> Iterator[Item]:
        """Go through all, in an order that `restoring.Restoring` takes; a clock stands before what counts from it."""
        for name in self.rooms:
            yield from self.items_of(name)
        yield from self.lobby_items()

    def lobby_items(self) -> Iterator[Item]:
        """Go through the lobby's clients."""
        yield from _with_clocks(self.lobby.values())

    def items_of(self, room: bytes) -> Iterator[Item]:
        """Go through a room and its members."""
        yield from _with_clocks((self.rooms[room], *self.members[room].values()))


class StateReader:
    """Takes a file's lines, one after the other."""

    def __init__(self) -> None:
        self.state = State()
        self._header: Header | None = None

    def take(self, line: bytes) -> None:
        """Take the next line.

        Raises:
            StateError: it can't be read, or can't stand here.

        """
        item = decode_line(line)
        if self._header is None:
            self._header = check_format(item)
        elif not self._fold(item):
            raise StateError("it has a line where none of its kind may be")

    def finish(self) -> State:
        """Return what all lines tell.

        Raises:
            StateError: there was none, as a machine may leave a file that loses its power.

        """
        if self._header is None:
            raise StateError("it is empty")
        return self.state

    def _fold(self, item: Item) -> bool:
        """Let an item replace what it is about; False if it is about nothing that is there."""
        state = self.state
        match item:
            case Clock():
                state.at = item.at
            case SavedRoom():
                state.rooms[item.room] = Dated(state.at, item)
                state.members.setdefault(item.room, {})
            case SavedMember():
                if item.room not in state.rooms:
                    return False
                state.members[item.room][item.name] = Dated(state.at, item)
            case SavedLobbyClient():
                state.lobby[_peer(item.address)] = Dated(state.at, item)
            case _:
                return self._remove(item)
        return True

    def _remove(self, item: Item) -> bool:
        """Remove what is gone: it may have come and gone between two lines."""
        state = self.state
        match item:
            case RoomGone():
                state.rooms.pop(item.room, None)
                state.members.pop(item.room, None)
            case MemberGone():
                state.members.get(item.room, {}).pop(item.name, None)
            case LobbyClientGone():
                state.lobby.pop(_peer(item.address), None)
            case _:
                return False
        return True


def _with_clocks(all_dated: Iterable[Dated[Any]]) -> Iterator[Item]:
    at = None
    for dated in all_dated:
        if dated.at != at:
            at = dated.at
            yield Clock(at=at)
        yield dated.item


def _peer(address: SavedAddress) -> Peer:
    return address.ip, address.port, address.scope
