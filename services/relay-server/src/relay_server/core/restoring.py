"""What another process saved, made true here (see `state`)."""

from relay_server.core.endpoint import MakeAddress
from relay_server.core.lobby import Lobby
from relay_server.core.registry import Registry
from relay_server.core.state import Item, Moment


class Restoring:
    """Puts rooms, members and the lobby's clients into place, one after the other, and tells nobody.

    Nobody is asked whether there is a place for them, either: there was one.
    """

    def __init__(
        self, registry: Registry, lobby: Lobby | None, make_address: MakeAddress, moment: Moment, *, handed_over: bool
    ) -> None:
        """``moment`` is now, by both clocks: what is saved counts by the one that outlives a process.

        Without ``handed_over`` the relay was away, so nobody can have been heard: everybody counts as heard now.
        """

    def apply(self, item: Item) -> None:
        """Make true what an item tells, in place of what was told before.

        Raises:
            StateError: it can't stand here. `undo` takes everything back.

        """

    def finish(self) -> None:
        """Take it that all was told: hosts take their rooms, and members stand in the order in which they came."""

    def undo(self) -> None:
        """Take back everything, silently."""
