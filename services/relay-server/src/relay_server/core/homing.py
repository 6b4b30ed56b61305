"""How a node keeps, claims, adopts, gives away and yields rooms: one step after the other, of each room (CLU-03)."""

from dataclasses import replace
from typing import Final, Generic

from relay_server.core.counters import AdoptionOutcome, ClusterCounters, Move
from relay_server.core.home_actions import (
    Action,
    Call,
    CallFailure,
    CloseRoom,
    Create,
    Delete,
    ForgetRoom,
    Found,
    Get,
    OpenRoom,
    Outcome,
    Put,
    Tell,
    Waiter,
)
from relay_server.core.known_room import KnownRoom, Purpose, Tenancy, is_same_room, rank_of
from relay_server.core.nodes import Judged, Nodes, Verdict
from relay_server.core.places import Node
from relay_server.core.records import RoomRecord

MAX_FAILURES: Final = 3
"""After so many writes in a row that were too late, who waits is told so, and the rest waits for a moment."""
MAX_CALLS: Final = 64
"""So many calls for which nobody waits may be under way."""

_NOT_GONE: Final = {Verdict.LATE: Outcome.BUSY, Verdict.UNSURE: Outcome.BUSY, Verdict.AWAY: Outcome.AWAY}
_FOR_LOOKERS: Final = {**_NOT_GONE, Verdict.ALIVE: Outcome.READY}
_FOR_CLAIMS: Final = {**_NOT_GONE, Verdict.ALIVE: Outcome.TAKEN}


class Homing(Generic[Waiter]):
    """Takes the next step for a room whenever something new is known of it."""

    def __init__(
        self, me: Node, nodes: Nodes, *, resume_seconds: float, counters: ClusterCounters, began_at: float
    ) -> None:
        self.actions: list[Action[Waiter]] = []
        self._me = me
        self._nodes = nodes
        self._resume_seconds = resume_seconds
        self._counters = counters
        self._began_at = began_at
        self.calls = 0
        """How many calls of the directory are under way."""
        self._queue: dict[KnownRoom[Waiter], None] = {}
        """What waits until fewer calls are under way."""
        self._later: dict[KnownRoom[Waiter], None] = {}
        """What is tried again in a moment."""

    def is_own(self, record: RoomRecord) -> bool:
        """Tell whether a record says that this node is the home, in this run."""
        return (record.home, record.home_since) == (self._me.name, self._me.started_at)

    def is_dead_for_long(self, record: RoomRecord, now: float) -> bool:
        """Tell whether the home has been silent for so long that nobody can come back to the room."""
        if record.home == self._me.name:
            return not self.is_own(record) and now - self._began_at >= self._resume_seconds
        return self._nodes.silent_seconds(record.home, now) >= self._resume_seconds

    def go_on(self, known: KnownRoom[Waiter], now: float, judged: Judged | None = None) -> None:
        """Do what is next for a room; ``judged`` is what was just found out about a node."""
        if known.call is not None:
            return  # its answer tells more, and comes soon
        if not self._nodes.connected:
            self._tell_all(known, Outcome.AWAY)
            return
        while known.call is None and self._step(known, now, judged):
            pass

    def give_up(self, known: KnownRoom[Waiter]) -> None:
        """Take it that a room that was here before this node was started again isn't to be here."""
        if known.reclaims is not None:
            self.actions.append(ForgetRoom(known.reclaims.room))
            known.reclaims = None

    def retry(self, now: float) -> None:
        """Try again what came to nothing."""
        due, self._later = self._later, {}
        for known in due:
            self.go_on(known, now)

    def answer(self, known: KnownRoom[Waiter], answer: int | Found | CallFailure | None, now: float) -> None:
        """Take the directory's answer to the call that is under way for a room."""
        call, known.call = known.call, None
        assert call is not None  # noqa: S101 - each call is answered once
        self.calls -= 1
        if isinstance(answer, CallFailure):
            self._note_failure(known, call, answer)
        elif isinstance(call, Create | Put):
            assert isinstance(answer, int)  # noqa: S101 - a write has a revision
            self._note_written(known, call, answer)
        elif isinstance(answer, Found):
            if answer.revision > known.revision or known.revision == known.revision_before:
                known.show(answer.revision, answer.record, readable=answer.record is not None)
        elif known.revision == known.revision_before:
            known.show(known.revision, None)
        known.sure = known.sure or not isinstance(answer, CallFailure)
        if answer is not CallFailure.AWAY:
            self.go_on(known, now)
        while self._queue and self.calls < MAX_CALLS:
            waiting = next(iter(self._queue))
            del self._queue[waiting]
            self.go_on(waiting, now)

    def _note_written(self, known: KnownRoom[Waiter], call: Create | Put, revision: int) -> None:
        known.failures = 0
        if revision > known.revision or not known.listed:  # else somebody wrote after it, and that is known already
            known.show(revision, call.record)
        if known.purpose is Purpose.CLAIM:
            known.mine = call.record
            self.give_up(known)
            self._tell(known.claims.popleft()[1], Outcome.READY)
        elif known.purpose is not Purpose.KEEP:
            adopts = known.purpose is Purpose.ADOPT
            self._counters.adoptions[AdoptionOutcome.ADOPTED] += adopts
            known.mine, known.reclaims = replace(call.record, ring=None), None
            self.actions.append(OpenRoom(call.record))

    def _note_failure(self, known: KnownRoom[Waiter], call: Call, failure: CallFailure) -> None:
        known.sure = False
        adopts = isinstance(call, Put) and known.purpose is Purpose.ADOPT
        if failure is CallFailure.AWAY:
            if adopts:
                self._counters.adoptions[AdoptionOutcome.AWAY] += 1
            self._tell_all(known, Outcome.AWAY)
            self._later[known] = None
            return
        if adopts:
            self._counters.adoptions[AdoptionOutcome.LOST] += 1
        known.failures += 1

    def _step(self, known: KnownRoom[Waiter], now: float, judged: Judged | None) -> bool:
        """Do one thing; returns whether there may be more to do at once."""
        if known.failures >= MAX_FAILURES:
            known.failures = 0
            self._tell_all(known, Outcome.BUSY)
            self._later[known] = None
            return False
        if known.mine is not None:
            self._tell_lookers(known, Outcome.READY)
            self._tell_claims(known, Outcome.TAKEN)
        if not known.sure:
            return self._call(known, Get(known.key))
        if known.mine is not None:
            return self._keep(known, known.mine)
        if known.record is not None and self.is_own(known.record):
            return self._settle(known, known.record)
        known.closing = False
        return self._serve(known, now, judged)

    def _serve(self, known: KnownRoom[Waiter], now: float, judged: Judged | None) -> bool:
        """Do what is asked about a room of which nothing is here."""
        if known.reclaims is not None and known.listed:
            return self._reclaim(known, known.reclaims)
        if known.claims:
            return self._claim(known, now, judged)
        if known.lookers:
            return self._look(known, now, judged)
        if known.forgets and known.record is not None:
            return self._forget(known, known.record, now, judged)
        return False

    def _keep(self, known: KnownRoom[Waiter], mine: RoomRecord) -> bool:
        """Let the record of a room that is here say what it is, unless another node has it by now."""
        record, wanted = known.record, known.giving or mine
        if record is None:
            written = self._next(known, wanted)
            return self._write(known, Create(known.key, written) if known.readable else self._put(known, written))
        theirs, ours = rank_of(record), rank_of(mine)
        if theirs > ours or (theirs == ours and not self.is_own(record)):
            gave = known.giving is not None and record.home == known.giving.home
            self._leave(known, mine, record.home, Move.DRAINED if gave else Move.YIELDED)
            return True
        if is_same_room(record, wanted):
            return False
        return self._write(known, self._put(known, self._next(known, wanted)))

    def _settle(self, known: KnownRoom[Waiter], record: RoomRecord) -> bool:
        """Do what a record asks for that says that this node is the home of a room that isn't here.

        It ended here, or its claim was written although no answer came: it is deleted. Else another node gave it to
        this one, or it was adopted although no answer came: it is opened, unless this is old news.
        """
        if not known.closing and record.changes > 1:
            return self._write(known, self._put(known, replace(record, changes=record.changes + 1)), Purpose.TAKE)
        if known.claims:
            return self._write(known, self._put(known, self._claimed(known, record.term + 1)), Purpose.CLAIM)
        self._tell_lookers(known, Outcome.NOBODY)
        return self._call(known, Delete(known.key, known.revision))

    def _reclaim(self, known: KnownRoom[Waiter], tenancy: Tenancy) -> bool:
        """Be the home again of a room that nobody took meanwhile: whoever is about to take it writes too late then."""
        if known.record is not None and tenancy.is_of(known.record, self._me.name):
            return self._write(known, self._put(known, self._adopted(known.record)), Purpose.RECLAIM)
        self.give_up(known)
        return True

    def _claim(self, known: KnownRoom[Waiter], now: float, judged: Judged | None) -> bool:
        """Write the name of a new room, if nobody has it, or its home is dead for so long that nobody comes back."""
        record = known.record
        if record is None and known.readable:
            return self._write(known, Create(known.key, self._claimed(known, 1)), Purpose.CLAIM)
        if record is None or not self.is_dead_for_long(record, now):
            return self._tell_claims(known, Outcome.TAKEN)
        verdict = self._judge(known, record, now, judged)
        if verdict is Verdict.GONE:
            return self._write(known, self._put(known, self._claimed(known, record.term + 1)), Purpose.CLAIM)
        return verdict is not None and self._tell_claims(known, _FOR_CLAIMS[verdict])

    def _look(self, known: KnownRoom[Waiter], now: float, judged: Judged | None) -> bool:
        """Find out who has a room; adopt it if its home is gone."""
        record = known.record
        if record is None:
            return self._tell_lookers(known, Outcome.NOBODY if known.readable else Outcome.BUSY)
        verdict = self._judge(known, record, now, judged)
        if verdict is Verdict.GONE:
            return self._write(known, self._put(known, self._adopted(record)), Purpose.ADOPT)
        return verdict is not None and self._tell_lookers(known, _FOR_LOOKERS[verdict])

    def _forget(self, known: KnownRoom[Waiter], record: RoomRecord, now: float, judged: Judged | None) -> bool:
        """Delete the record of a room to which nobody can come back."""
        verdict = self._judge(known, record, now, judged)
        if verdict is Verdict.GONE:
            return self._call(known, Delete(known.key, known.revision))
        known.forgets = verdict is None
        return False

    def _judge(self, known: KnownRoom[Waiter], record: RoomRecord, now: float, judged: Judged | None) -> Verdict | None:
        """Judge whether a room's home lives: what an earlier run of this node was is gone for sure."""
        if record.home == self._me.name:
            return Verdict.GONE
        if judged is not None and judged.node == record.home:
            return judged.verdict
        return self._nodes.judge(record.home, known.key, now)

    def _leave(self, known: KnownRoom[Waiter], mine: RoomRecord, to: str, reason: Move) -> None:
        known.mine = known.giving = None
        self._counters.moves[reason] += 1
        self.actions.append(CloseRoom(mine.room, to, reason))

    def _claimed(self, known: KnownRoom[Waiter], term: int) -> RoomRecord:
        record = known.claims[0][0]
        return replace(record, home=self._me.name, home_since=self._me.started_at, term=term, changes=1)

    def _adopted(self, record: RoomRecord) -> RoomRecord:
        mine = replace(record, home=self._me.name, home_since=self._me.started_at, ring=None)
        return replace(mine, term=record.term + 1, changes=record.changes + 1)

    def _next(self, known: KnownRoom[Waiter], wanted: RoomRecord) -> RoomRecord:
        """Count one change more than anybody did."""
        assert known.mine is not None  # noqa: S101 - it is kept
        changes = max(known.mine.changes, known.record.changes if known.record else 0) + 1
        known.mine = replace(known.mine, changes=changes)
        return replace(wanted, changes=changes)

    def _put(self, known: KnownRoom[Waiter], record: RoomRecord) -> Put:
        return Put(known.key, record, known.revision)

    def _write(self, known: KnownRoom[Waiter], call: Create | Put, purpose: Purpose = Purpose.KEEP) -> bool:
        known.purpose = purpose
        return self._call(known, call)

    def _call(self, known: KnownRoom[Waiter], call: Call) -> bool:
        if self.calls >= MAX_CALLS and not known.is_waited_for:
            self._queue[known] = None
            return False
        self.calls += 1
        known.call, known.revision_before = call, known.revision
        self.actions.append(call)
        return False

    def _tell(self, waiter: Waiter, outcome: Outcome) -> None:
        self.actions.append(Tell(waiter, outcome))

    def _tell_all(self, known: KnownRoom[Waiter], outcome: Outcome) -> None:
        self._tell_lookers(known, outcome)
        self._tell_claims(known, outcome)

    def _tell_lookers(self, known: KnownRoom[Waiter], outcome: Outcome) -> bool:
        for waiter in known.lookers:
            self._tell(waiter, outcome)
        known.lookers.clear()
        return True

    def _tell_claims(self, known: KnownRoom[Waiter], outcome: Outcome) -> bool:
        for _, waiter in known.claims:
            self._tell(waiter, outcome)
        known.claims.clear()
        return True
