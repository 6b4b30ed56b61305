"""Who may be connected at once, and who yields to a newcomer (ROOM-05, threats T2 and T3)."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from relay_server.core.admission import Census

Holder = TypeVar("Holder")


class ConnectionSlots(Generic[Holder]):
    """The connection slots of a port: the relay waits for a holder, works for it, then the holder lingers.

    While all slots are taken, a lingering holder yields first: it has its answer. Then the one yields that has kept the
    relay waiting longest for its request: an honest request is whole in a moment, so idle holders lose their slots.
    Limits of 0 allow any number.
    """

    def __init__(self, limit: int, limit_per_network: int) -> None:
        self._limit = limit
        self._network_of: dict[Holder, bytes] = {}
        self._under_way = Census(0, limit_per_network)
        self._waiting: dict[Holder, None] = {}
        self._lingering: dict[Holder, None] = {}

    def __len__(self) -> int:
        return len(self._network_of) + len(self._lingering)

    def __iter__(self) -> Iterator[Holder]:
        yield from self._network_of
        yield from self._lingering

    @property
    def are_under_way(self) -> bool:
        """Tell whether some haven't got their answer yet."""
        return bool(self._network_of)

    def is_full(self) -> bool:
        """Tell whether somebody has to yield before anybody enters."""
        return 0 < self._limit <= len(self)

    def first_to_yield(self) -> Holder | None:
        """Return who would have to go; None if all are at work."""
        return next(iter(self._lingering or self._waiting), None)

    def enter(self, holder: Holder, network: bytes) -> bool:
        """Take a slot; False if the network has as many under way as it may, and then it is one to linger in."""
        if self._under_way.is_full_for(network):
            self._lingering[holder] = None
            return False
        self._network_of[holder] = network
        self._under_way.add(network)
        self._waiting[holder] = None
        return True

    def begin_work(self, holder: Holder) -> None:
        """Note that the holder's request is whole: it need not yield until it is answered."""
        self._waiting.pop(holder, None)

    def linger(self, holder: Holder) -> None:
        """Note that the holder has its answer: its network may ask for something else."""
        if self._leave_way(holder):
            self._lingering[holder] = None

    def leave(self, holder: Holder) -> None:
        """Give the slot back, wherever the holder stands; nothing happens a second time."""
        self._leave_way(holder)
        self._lingering.pop(holder, None)

    def _leave_way(self, holder: Holder) -> bool:
        network = self._network_of.pop(holder, None)
        if network is None:
            return False
        self._waiting.pop(holder, None)
        self._under_way.remove(network)
        return True
