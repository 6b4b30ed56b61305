"""Rooms, members and the lobby as lines of state: all of it, and what changed (see `state`)."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from relay_server.core.changes import Noted
from relay_server.core.endpoint import Locate
from relay_server.core.lobby import Lobby, LobbyClient
from relay_server.core.model import Member, Room
from relay_server.core.registry import Registry
from relay_server.core.state import Clock, Moment, encode_line

SLICE: Final = 100
"""So many rooms, members and clients are written at once; more would make others wait."""

Thing: TypeAlias = Room | Member | LobbyClient


class Saving:
    """Writes down what is, and then what changes; each who writes somewhere has one of its own."""

    def __init__(self, registry: Registry, lobby: Lobby | None, locate: Locate) -> None:
        """``lobby`` is None for a relay without one."""

    def watch(self, on_change: Callable[[], None]) -> None:
        """Note from now on what changes; ``on_change`` is called when there is something for `changes` again."""

    def stop(self) -> None:
        """Note nothing more."""

    def changes(self, moment: Moment) -> list[bytes]:
        """Write what changed since this was called last; the lines begin with a clock if there are any."""

    def bulk(self) -> "Bulk":
        """Begin to write all there is; to be called after `watch`, so that nothing that changes meanwhile is lost."""

    def rest(self, since: float, moment: Moment) -> list[bytes]:
        """Write what changed, and everybody who was heard since then (monotonic), with all that messages changed.

        It may be called several times, each time with the time of the last call: less is left each time.
        """

    def rings(self) -> Iterator[list[bytes]]:
        """Write the entries of all rings that weren't written yet, in slices (for a hand-over alone)."""


class Bulk:
    """All there is, piece by piece."""

    def take(self, moment: Moment) -> list[bytes]:
        """Write the next slice as it is now, with a clock first; nothing when all was written."""
