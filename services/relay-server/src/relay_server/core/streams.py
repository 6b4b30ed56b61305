"""Members that chat over streams: their connections, and the seats that wait for new ones (STR-04 to STR-07)."""

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from chatproto import Disconnected, EvictionReason, RefusalCode, Topic
from chatproto.codes import N_
from chatproto.stream import Ping, encode_bye, encode_gone, encode_heartbeat, encode_told
from relay_server.core.counters import StreamCut, StreamFailure
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.errors import TooManyError
from relay_server.core.model import Room, Session, StreamPlace
from relay_server.core.policy import Policy
from relay_server.core.reader import Connection, Reader
from relay_server.core.ring import Rings

if TYPE_CHECKING:
    from relay_server.core.registry import Registry

PING_SECONDS: Final = 15.0
"""So often the relay asks whether somebody is there."""
TOGETHER_SECONDS: Final = 1.0
"""Who would be asked within so long is asked along with who is due: to wake up for each costs five times as much."""
PATIENCE_SECONDS: Final = 30.0
"""Who says nothing for so long is cut: twice the pings, for browsers throttle a hidden page's timers (STR-07)."""

_UNANSWERED: Final = N_("Nothing came from you for too long.")
_SLOW: Final = N_("You left too much unread.")


class Streams:
    """Who chats over a stream, and who of them is away."""

    def __init__(
        self, registry: "Registry", policy: Policy, new_epoch: Callable[[], str],
        lapse: Callable[[Session, float], None],
    ) -> None:  # fmt: skip
        """``lapse`` lets the session of who stayed away go."""
        self.rings = Rings(policy.ring_bytes, new_epoch)
        self.total = 0
        """How many sessions chat over streams, be they away."""
        self.carried = 0
        """How many streams go on to other nodes (CLU-04)."""
        self._registry = registry
        self._max_streams = policy.max_streams
        self._lapse = lapse
        self.waiting: DeadlineQueue[Session] = DeadlineQueue(policy.resume_seconds)
        """Sessions whose streams broke and may be resumed (STR-06)."""
        self._pings: DeadlineQueue[Reader] = DeadlineQueue(PING_SECONDS)
        self._quiet: DeadlineQueue[Reader] = DeadlineQueue(PATIENCE_SECONDS, attrgetter("seen_at"))

    @property
    def away(self) -> int:
        """How many seats wait for a connection."""
        return len(self.waiting)

    def check(self) -> None:
        """Check that there is room for one more.

        Raises:
            TooManyError: there is none.

        """
        if 0 < self._max_streams <= self.total + self.carried:
            raise TooManyError(RefusalCode.TOO_MANY_STREAMS)

    def begin(self, session: Session) -> None:
        """Let a session chat over a stream: it reads what comes after the completion's number (STR-01)."""
        room = session.member.room
        room.stream_sessions += 1
        self.total += 1
        if room.ring is None:
            room.ring = self.rings.make()
        session.place = StreamPlace(room.ring.seq)

    def end(self, session: Session, notice: Disconnected | None = None) -> None:
        """Let a session that ends chat no more, and tell it why if a connection stands."""
        place, room = session.place, session.member.room
        if place is None:
            return
        self.waiting.discard(session)
        if place.reader is not None:
            self._cut(place.reader, encode_bye(notice.reason, notice.message, banned=notice.banned) if notice else b"")
        session.place = None
        self.total -= 1
        room.stream_sessions -= 1
        if not room.stream_sessions:
            self.end_ring(room)

    def end_ring(self, room: Room) -> None:
        """End a room's numbering, if it has one."""
        if room.ring is not None:
            self.rings.drop(room.ring)
            room.ring = None

    def go_on(self, session: Session, epoch: str = "", heard: int = 0, *, returns: bool = False) -> None:
        """Let a session read on from where its client says that it was, or else what comes from now on (STR-05).

        Who ``returns`` to a room that another node held before also reads what was said since (CLU-06).
        """
        place, ring = session.place, session.member.room.ring
        if place is not None and ring is not None:
            place.has_read = epoch == ring.epoch and heard <= ring.seq
            place.heard = heard if place.has_read else ring.first - 1 if returns else ring.seq
            place.knows_other_epoch = bool(epoch) and not place.has_read

    def connect(self, session: Session, connection: Connection, now: float) -> Reader | None:
        """Take a connection for a session; None if the session ended meanwhile. An older connection is cut."""
        place = session.place
        if place is None:
            return None
        if place.reader is not None:
            notice = Disconnected(EvictionReason.RESUMED_ELSEWHERE)
            self._cut(place.reader, encode_bye(notice.reason, notice.message))
        self.waiting.discard(session)
        self._registry.seats.stop_keeping(session)
        reader = place.reader = Reader(session, self._registry.stream_counters, connection, now)
        self._pings.add(reader, now)
        self._quiet.add(reader, now)
        if session is session.member.room.members.get(session.member):
            self._start(session, place, reader)
        return reader

    def hear(self, reader: Reader, now: float) -> bool:
        """Take note that a line came; the first one ends the session before (RES-01). False: the stream is over."""
        reader.seen_at = reader.session.seen_at = now
        place = reader.session.place
        if reader.ended or place is None:
            return False
        if not place.is_used:
            place.is_used = True
            self._registry.changes.note(reader.session.member)
            self._registry.seats.use(reader.session)
            self._registry.introduce(reader.session.member)
            if not reader.has_started:
                self._start(reader.session, place, reader)
        return True

    def disconnect(self, reader: Reader, now: float) -> bool:
        """Take note that a connection is gone: its seat waits (STR-06). False if its client never spoke, and none may.

        Without a ticket nobody could come back, so such a seat is free at once.
        """
        session = reader.session
        place = session.place
        self._forget(reader)
        reader.stop(StreamFailure.CLOSED)
        if place is None or place.reader is not reader:
            return True
        place.reader = None
        self._registry.changes.note(session.member)
        if not place.is_used:
            return False
        if session.ticket is not None:
            self.waiting.add(session, now)
        else:
            self._registry.seats.forsake(session, now)
        return True

    def cut_slow(self, reader: Reader) -> None:
        """Cut who leaves too much unread."""
        self._cut_for(StreamCut.SLOW, reader, _SLOW, StreamFailure.SLOW)

    def cut_malformed(self, reader: Reader, why: str) -> None:
        """Cut who sends what is no line of the protocol (STR-02)."""
        self._cut_for(StreamCut.MALFORMED, reader, why)

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        return min(queue.next_deadline() for queue in (self.waiting, self._pings, self._quiet))

    def expire(self, now: float) -> None:
        """Let go who stayed away, cut who is silent, ask who is there."""
        while (session := self.waiting.pop_due(now)) is not None:
            self._lapse(session, now)
        while (silent := self._quiet.pop_due(now)) is not None:
            self._cut_for(StreamCut.UNANSWERED, silent, _UNANSWERED)
        if self._pings.next_deadline() <= now:
            self._ask(now)

    def _ask(self, now: float) -> None:
        """Ask those who are due, and those who soon would be."""
        while (reader := self._pings.pop_due(now + TOGETHER_SECONDS)) is not None:
            if reader.has_started:  # else a resumed stream, whose client speaks first
                reader.tell(encode_heartbeat(Ping(0)))
            self._pings.add(reader, now)

    def _start(self, session: Session, place: StreamPlace, reader: Reader) -> None:
        room = session.member.room
        assert room.ring is not None  # noqa: S101 - there is one while a session chats over a stream
        if place.knows_other_epoch:
            reader.tell(encode_gone())
        if room.topic and not place.has_read:
            reader.tell(encode_told(Topic(room.topic)))
        reader.start(room.ring, place.heard)
        reader.connection.wake()

    def _cut_for(
        self, cut: StreamCut, reader: Reader, message: str, failure: StreamFailure = StreamFailure.CLOSED
    ) -> None:
        self._registry.stream_counters.cuts[cut] += not reader.ended
        self._cut(reader, encode_bye(cut, message), failure)

    def _cut(self, reader: Reader, line: bytes, failure: StreamFailure = StreamFailure.CLOSED) -> None:
        self._forget(reader)
        reader.end(line, failure)

    def _forget(self, reader: Reader) -> None:
        self._pings.discard(reader)
        self._quiet.discard(reader)
