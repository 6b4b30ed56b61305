"""Which node is the home of which room, as one node knows it, and how it becomes one (CLU-01 to CLU-05).

Drive it like this: feed each fact when it comes, with the time, and then do all that `take_actions` returns::

    homes = Homes(me, key_of=vault.key_of, resume_seconds=120.0, counters=counters, began_at=now)

    what it had before           -> homes.reclaim(tenancies, until)  # once, before all else
    on_listing()                 -> homes.on_listing(now)
    on_change(change)            -> homes.on_change(key, revision, record | None | UNREADABLE, now)
    on_caught_up()               -> homes.on_caught_up(now)
    on_away()                    -> homes.on_away(now)
    on_beat(data)                -> homes.on_beat(node, now)         # others' only
    the own loop was > 250 ms late  -> homes.on_late(now)            # before the answer of a probe that it delayed
    every half second            -> homes.tick(now)

    registry.on_change(room)     -> homes.change(record_of(room, ...), now)
    registry.on_close(room)      -> homes.close(room.raw_name, room.residence.term, now)
    Places.check_new             -> homes.check_new(room, now)       # None, or why not
    Places.claim                 -> homes.claim(record, waiter, now) # a `Tell` follows
    Places.residence             -> homes.held(room)                 # the record as it was written
    Places.release               -> homes.close(room, homes.held(room).term, now)
    Places.find                  -> homes.find(room, now, doubted=...)
    Places.look                  -> homes.look(room, waiter, now)    # a `Tell` follows
    drain to others              -> homes.hand_over(room, node, ring, now)

    for action in homes.take_actions():
        Create | Put      -> homes.answer(action, revision | CallFailure, now)
        Get               -> homes.answer(action, Found | None | CallFailure, now)
        Delete            -> homes.answer(action, None | CallFailure, now)
        AskOverBus        -> homes.answer_ask(action, Node | BusFailure, now)
        ProbeDirectly     -> homes.answer_probe(action, alive, now)
        OpenRoom, CloseRoom, ForgetRoom, Tell  -> just do it, in this order

Each call of the directory, each ask and each probe is answered once; a fact may queue more actions. Waiters are
whatever the caller likes. A `Get` must read what the directory itself has, not a replica's copy. Of records that it is
given, `home`, `home_since` and `changes` don't count: it writes its own. The term does, for it tells a room from the
copy that came after it.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf
from typing import Final, Generic, Literal

from relay_server.core.counters import AdoptionOutcome, ClusterCounters
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
from relay_server.core.homing import Homing
from relay_server.core.known_room import KnownRoom, Tenancy
from relay_server.core.nodes import Judged, Nodes, Verdict
from relay_server.core.places import Node
from relay_server.core.records import RoomRecord

UNREADABLE: Final = "unreadable"
"""A record whose seal or form is wrong: its name is taken, and that is all that is known."""
SWEEP_SECONDS: Final = 10.0
"""How often records of dead homes are looked for."""


class Homes(Generic[Waiter]):
    """Records by revision, nodes by beat, and what follows of them."""

    def __init__(
        self, me: Node, *, key_of: Callable[[bytes], str], resume_seconds: float, counters: ClusterCounters,
        began_at: float,
    ) -> None:  # fmt: skip
        """``key_of`` returns the directory's key of a room; ``began_at`` is when this node was started, monotonic."""
        self._me = me
        self._key_of = key_of
        self._resume_seconds = resume_seconds
        self._counters = counters
        self._nodes = Nodes(began_at)
        self._homing: Homing[Waiter] = Homing(
            me, self._nodes, resume_seconds=resume_seconds, counters=counters, began_at=began_at
        )
        self._rooms: dict[str, KnownRoom[Waiter]] = {}
        self._swept_at = began_at
        self._reclaims_until = inf

    @property
    def known(self) -> int:
        """How many rooms the directory is known to have."""
        return sum(known.record is not None or not known.readable for known in self._rooms.values())

    @property
    def homed(self) -> int:
        """How many rooms this node is the home of."""
        return sum(known.mine is not None for known in self._rooms.values())

    def rooms_by_node(self) -> Counter[str]:
        """Return how many rooms each node is the home of, without those whose records can't be read."""
        return Counter(known.record.home for known in self._rooms.values() if known.record is not None)

    def take_actions(self) -> list[Action[Waiter]]:
        """Return what is to be done now, in this order."""
        actions, self._homing.actions = [*self._homing.actions, *self._nodes.questions], []
        self._nodes.questions = []
        return actions

    def reclaim(self, tenancies: Iterable[Tenancy], until: float) -> None:
        """Be the home again of rooms that are still this node's, as it was started again: an `OpenRoom` tells which.

        Of the others a `ForgetRoom` tells, and of those of which nothing is known at the time ``until``.
        """
        self._reclaims_until = until
        for tenancy in tenancies:
            self._of(self._key_of(tenancy.room)).reclaims = tenancy

    @property
    def calls(self) -> int:
        """How many calls of the directory are under way."""
        return self._homing.calls

    @property
    def reclaims(self) -> int:
        """How many rooms the directory hasn't told of yet whether they are this node's again."""
        return sum(known.reclaims is not None for known in self._rooms.values())

    def take_over(self, records: Iterable[RoomRecord], closing: Iterable[str], nodes: Iterable[Node]) -> None:
        """Go on as the home of rooms that another process of this node held, with its `closing` and `nodes`."""
        self._nodes.know(nodes)
        for record in records:
            self._of(self._key_of(record.room)).mine = record
        for key in closing:
            self._of(key).closing = True

    @property
    def closing(self) -> list[str]:
        """The keys of rooms that ended here, and whose records aren't known to be gone."""
        return [key for key, known in self._rooms.items() if known.closing]

    @property
    def nodes(self) -> list[Node]:
        """What other nodes told of themselves, living or not."""
        return self._nodes.known

    def on_listing(self, now: float) -> None:
        """Take note that the directory is reached; all its records come next."""
        self._nodes.connect(now)
        for known in self._rooms.values():
            known.listed = False

    def on_change(self, key: str, revision: int, record: RoomRecord | Literal["unreadable"] | None, now: float) -> None:
        """Take a record of the listing, or one that was written later; None if it was deleted."""
        known = self._of(key)
        known.watched = revision
        if not known.listed or revision > known.revision:
            known.show(revision, None if record == UNREADABLE else record, readable=record != UNREADABLE)
            self._go_on(known, now)
        self._drop_if_idle(known)

    def on_caught_up(self, now: float) -> None:
        """Take note that the listing is complete."""
        for known in list(self._rooms.values()):
            if not known.listed:
                known.watched = 0
                known.show(0, None)
            known.sure = known.sure or known.call is None  # else its answer tells
            self._go_on(known, now)

    def on_away(self, now: float) -> None:
        """Take note that the directory isn't reached any more."""
        self._nodes.disconnect()
        for known in list(self._rooms.values()):
            known.giving = None  # who knows whether that node lives when this comes back
            self._go_on(known, now)

    def on_beat(self, node: Node, now: float) -> None:
        """Take what another node tells of itself."""
        self._nodes.hear(node, now)

    def on_late(self, now: float) -> None:
        """Take note that the own event loop stood still for a while until now."""
        self._nodes.note_late(now)

    def tick(self, now: float) -> None:
        """Do what is due; call it every half second."""
        self._homing.retry(now)
        if now >= self._reclaims_until:
            self._reclaims_until = inf
            for known in list(self._rooms.values()):
                self._homing.give_up(known)
                self._drop_if_idle(known)
        if self._nodes.connected and now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            self._sweep(now)

    def answer(self, call: Call, answer: int | Found | CallFailure | None, now: float) -> None:
        """Take the directory's answer to a call."""
        known = self._rooms[call.key]
        self._homing.answer(known, answer, now)
        self._drop_if_idle(known)

    def answer_ask(self, ask: AskOverBus, answer: Node | BusFailure, now: float) -> None:
        """Take what a node told of itself over the bus, or why it didn't."""
        judged = self._nodes.answer_ask(ask, answer, now)
        if judged is not None:
            self._note_judged(judged, now)

    def answer_probe(self, probe: ProbeDirectly, *, alive: bool, now: float) -> None:
        """Take whether a node answered over a link."""
        judged = self._nodes.answer_probe(probe, alive=alive, now=now)
        if judged is None:
            return
        outcome = _OUTCOMES.get(judged.verdict)
        if outcome is not None:
            self._counters.adoptions[outcome] += len(judged.keys)
        self._note_judged(judged, now)

    def check_new(self, room: bytes, now: float) -> Outcome | None:
        """Return why a room of this name can't be created, as far as is known; None if it may be."""
        if not self._nodes.connected:
            return Outcome.AWAY
        known = self._rooms.get(self._key_of(room))
        if known is None or known.closing:
            return None
        record = known.record
        if record is None:
            return None if known.readable and known.mine is None else Outcome.TAKEN
        is_leftover = known.mine is None and self._homing.is_own(record) and record.changes == 1
        return None if is_leftover or self._homing.is_dead_for_long(record, now) else Outcome.TAKEN

    def claim(self, record: RoomRecord, waiter: Waiter, now: float) -> None:
        """Ask for the name of a new room: READY, TAKEN, AWAY or BUSY is told."""
        known = self._of(self._key_of(record.room))
        known.claims.append((record, waiter))
        self._go_on(known, now)

    def held(self, room: bytes) -> RoomRecord | None:
        """Return the record of a room that this node is the home of."""
        known = self._rooms.get(self._key_of(room))
        return known.mine if known is not None else None

    def change(self, record: RoomRecord, now: float) -> None:
        """Take what a room of this node is now."""
        known = self._rooms.get(self._key_of(record.room))
        if known is None or known.mine is None or known.mine.term != record.term:
            return
        me, changes = self._me, known.mine.changes
        known.mine = replace(record, home=me.name, home_since=me.started_at, changes=changes)
        if known.giving is not None:
            known.giving = _given(known.mine, known.giving)
        self._go_on(known, now)

    def close(self, room: bytes, term: int, now: float) -> None:
        """Take note that a room of this node ended, or that a claimed one isn't made."""
        known = self._rooms.get(self._key_of(room))
        if known is None or known.mine is None or known.mine.term != term:
            return  # another node has it, or a newer copy is here
        known.mine = known.giving = None
        known.closing = True
        self._go_on(known, now)

    def find(self, room: bytes, now: float, *, doubted: bool = False) -> Node | None:
        """Return the living node that holds a room which isn't here; None if none is known.

        With ``doubted`` there is a hint that it may be gone, as who was there comes here: it counts as living only if
        it just answered.
        """
        known = self._rooms.get(self._key_of(room))
        if known is None or known.record is None:
            return None
        return self._nodes.find(known.record.home, now, doubted=doubted)

    def look(self, room: bytes, waiter: Waiter, now: float) -> None:
        """Find out about a room that isn't here: READY, NOBODY, AWAY or BUSY is told.

        If its home is gone, this node becomes its home: an `OpenRoom` comes first.
        """
        known = self._of(self._key_of(room))
        known.lookers.append(waiter)
        known.sure = known.sure and known.record is not None
        self._go_on(known, now)

    def hand_over(self, room: bytes, to: Node, ring: tuple[str, int] | None, now: float) -> None:
        """Let another node be the home of a room of this one: a `CloseRoom` follows when its record says so.

        Nothing comes of it if the directory is away, or goes away before.
        """
        known = self._rooms.get(self._key_of(room))
        if known is None or known.mine is None or not self._nodes.connected:
            return
        to_it = replace(known.mine, home=to.name, home_since=to.started_at, term=known.mine.term + 1, ring=ring)
        known.giving = to_it
        self._go_on(known, now)

    def living(self, now: float) -> tuple[Node, ...]:
        """Return the other nodes that live."""
        return self._nodes.living(now)

    def silent_seconds(self, name: str, now: float) -> float:
        """Return for how long a node gave no sign of life, although it could."""
        return self._nodes.silent_seconds(name, now)

    def _sweep(self, now: float) -> None:
        """Delete records of rooms to which nobody can come back, and forget dead nodes."""
        for known in list(self._rooms.values()):
            record = known.record
            if known.mine is None and record is not None and self._homing.is_dead_for_long(record, now):
                known.forgets = True
                self._go_on(known, now)
        homes = {known.record.home for known in self._rooms.values() if known.record is not None}
        self._nodes.forget(homes, self._resume_seconds, now)

    def _note_judged(self, judged: Judged, now: float) -> None:
        for key in judged.keys:
            known = self._of(key)
            self._homing.go_on(known, now, judged)
            self._drop_if_idle(known)

    def _go_on(self, known: KnownRoom[Waiter], now: float) -> None:
        self._homing.go_on(known, now)
        self._drop_if_idle(known)

    def _of(self, key: str) -> KnownRoom[Waiter]:
        return self._rooms.setdefault(key, KnownRoom(key))

    def _drop_if_idle(self, known: KnownRoom[Waiter]) -> None:
        if not known.is_needed:
            self._rooms.pop(known.key, None)


_OUTCOMES: Final = {Verdict.ALIVE: AdoptionOutcome.ALIVE, Verdict.LATE: AdoptionOutcome.LATE}


def _given(mine: RoomRecord, giving: RoomRecord) -> RoomRecord:
    """Return a room's record as another node gets it."""
    return replace(mine, home=giving.home, home_since=giving.home_since, term=giving.term, ring=giving.ring)
