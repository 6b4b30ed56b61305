"""Which node is the home of which room, as one node knows it, and how it becomes one (CLU-01 to CLU-05).

Drive it like this: feed each fact when it comes, with the time, and then do all that `take_actions` returns::

    homes = Homes(me, key_of=vault.key_of, resume_seconds=120.0, counters=counters, began_at=now)

    on_listing()                 -> homes.on_listing(now)
    on_change(change)            -> homes.on_change(key, revision, record | None | UNREADABLE, now)
    on_caught_up()               -> homes.on_caught_up(now)
    on_away()                    -> homes.on_away(now)
    on_beat(data)                -> homes.on_beat(node, now)         # others' only
    the own loop was > 250 ms late  -> homes.on_late(now)            # before the answer of a probe that it delayed
    every half second            -> homes.tick(now)

    registry.on_change(room)     -> homes.change(record_of(room, ...), now)
    registry.on_close(room)      -> homes.close(room.raw_name, now)
    Places.check_new             -> homes.check_new(room, now)       # None, or why not
    Places.claim                 -> homes.claim(record, waiter, now) # a `Tell` follows
    Places.residence             -> homes.held(room)                 # the record as it was written
    Places.release               -> homes.close(room, now)
    Places.find                  -> homes.find(room, now, doubted=...)
    Places.look                  -> homes.look(room, waiter, now)    # a `Tell` follows
    drain to others              -> homes.hand_over(room, node, ring, now)

    for action in homes.take_actions():
        Create | Put      -> homes.answer(action, revision | CallFailure, now)
        Get               -> homes.answer(action, Found | None | CallFailure, now)
        Delete            -> homes.answer(action, None | CallFailure, now)
        AskOverBus        -> homes.answer_ask(action, Node | BusFailure, now)
        ProbeDirectly     -> homes.answer_probe(action, alive, now)
        OpenRoom, CloseRoom, Tell  -> just do it, in this order

Each call of the directory, each ask and each probe is answered once; a fact may queue more actions. Waiters are
whatever the caller likes. The `term`, `changes`, `home` and `home_since` of records that it is given don't count: it
writes its own.
"""

from collections.abc import Callable
from typing import Final, Generic, Literal

from relay_server.core.counters import ClusterCounters
from relay_server.core.home_actions import (
    Action,
    AskOverBus,
    BusFailure,
    Call,
    CallFailure,
    Found,
    Outcome,
    ProbeDirectly,
    Waiter,
)
from relay_server.core.places import Node
from relay_server.core.records import RoomRecord

UNREADABLE: Final = "unreadable"
"""A record whose seal or form is wrong: its name is taken, and that is all that is known."""


class Homes(Generic[Waiter]):
    """Records by revision, nodes by beat, and what follows of them."""

    def __init__(
        self, me: Node, *, key_of: Callable[[bytes], str], resume_seconds: float, counters: ClusterCounters,
        began_at: float,
    ) -> None:  # fmt: skip
        """``key_of`` returns the directory's key of a room."""

    def take_actions(self) -> list[Action[Waiter]]:
        """Return what is to be done now, in this order."""
        raise NotImplementedError

    def on_listing(self, now: float) -> None:
        """Take note that the directory is reached; all its records come next."""

    def on_change(self, key: str, revision: int, record: RoomRecord | Literal["unreadable"] | None, now: float) -> None:
        """Take a record of the listing, or one that was written later; None if it was deleted."""

    def on_caught_up(self, now: float) -> None:
        """Take note that the listing is complete."""

    def on_away(self, now: float) -> None:
        """Take note that the directory isn't reached any more."""

    def on_beat(self, node: Node, now: float) -> None:
        """Take what another node tells of itself."""

    def on_late(self, now: float) -> None:
        """Take note that the own event loop stood still for a while until now."""

    def tick(self, now: float) -> None:
        """Do what is due; call it every half second."""

    def answer(self, call: Call, answer: int | Found | CallFailure | None, now: float) -> None:
        """Take the directory's answer to a call."""

    def answer_ask(self, ask: AskOverBus, answer: Node | BusFailure, now: float) -> None:
        """Take what a node told of itself over the bus, or why it didn't."""

    def answer_probe(self, probe: ProbeDirectly, *, alive: bool, now: float) -> None:
        """Take whether a node answered over a link."""

    def check_new(self, room: bytes, now: float) -> Outcome | None:
        """Return why a room of this name can't be created, as far as is known; None if it may be."""
        raise NotImplementedError

    def claim(self, record: RoomRecord, waiter: Waiter, now: float) -> None:
        """Ask for the name of a new room: READY, TAKEN, AWAY or BUSY is told."""

    def held(self, room: bytes) -> RoomRecord | None:
        """Return the record of a room that this node is the home of."""
        raise NotImplementedError

    def change(self, record: RoomRecord, now: float) -> None:
        """Take what a room of this node is now."""

    def close(self, room: bytes, now: float) -> None:
        """Take note that a room of this node ended, or that a claimed one isn't made."""

    def find(self, room: bytes, now: float, *, doubted: bool = False) -> Node | None:
        """Return the living node that holds a room which isn't here; None if none is known.

        With ``doubted`` there is a hint that it may be gone, as who was there comes here: it counts as living only if
        it just answered.
        """
        raise NotImplementedError

    def look(self, room: bytes, waiter: Waiter, now: float) -> None:
        """Find out about a room that isn't here: READY, NOBODY, AWAY or BUSY is told.

        If its home is gone, this node becomes its home: an `OpenRoom` comes first.
        """

    def hand_over(self, room: bytes, to: Node, ring: tuple[str, int] | None, now: float) -> None:
        """Let another node be the home of a room of this one: a `CloseRoom` follows when its record says so."""

    def living(self, now: float) -> tuple[Node, ...]:
        """Return the other nodes that live."""
        raise NotImplementedError
