"""Which rooms, members and clients of the lobby changed, for who writes down what they are (see `saving.Saving`)."""

from collections.abc import Callable, Hashable


class Noted:
    """What changed since it was last taken; each thing once."""

    def __init__(self, on_first: Callable[[], None]) -> None:
        """``on_first`` is called when something changes and nothing had since the last `take`."""
        self._things: dict[Hashable, None] = {}
        self._on_first = on_first

    def add(self, thing: Hashable) -> None:
        """Note that something changed, or is gone."""
        first = not self._things
        self._things[thing] = None
        if first:
            self._on_first()

    def take(self) -> list[Hashable]:
        """Return what changed, in the order of the first changes, and forget it."""
        things = list(self._things)
        self._things.clear()
        return things


class Changes:
    """Tells those who listen what changed; mostly nobody does, and then a change costs one call.

    A message changes nothing here, so the data path never comes this way.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Noted, ...] = ()

    def note(self, thing: Hashable) -> None:
        """Note that something changed, or is gone; who listens looks at it later."""
        for noted in self._listeners:
            noted.add(thing)

    def listen(self, noted: Noted) -> None:
        """Tell this one from now on."""
        self._listeners += (noted,)

    def forget(self, noted: Noted) -> None:
        """Tell this one nothing more."""
        self._listeners = tuple(one for one in self._listeners if one is not noted)
