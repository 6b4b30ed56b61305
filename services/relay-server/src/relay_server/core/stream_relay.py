"""The streams' data path: what becomes of one line (STR-02)."""

from chatproto import MalformedError, NotRelayed
from chatproto.codes import N_
from chatproto.stream import (
    Leave,
    Ping,
    Pong,
    Say,
    encode_heartbeat,
    encode_refused,
    encode_took,
    parse_to_relay,
)
from relay_server.core.audience import Forward
from relay_server.core.counters import DropReason
from relay_server.core.entries import add_message
from relay_server.core.judge import Judge, dropped
from relay_server.core.reader import Reader
from relay_server.core.registry import Registry

_HAVE_WORDS = frozenset(map(str, NotRelayed))
_NOT_TAKEN = N_("The message was not relayed.")


class StreamRelay:
    """Judges lines: each is a message, which is forwarded or refused, or a sign of life."""

    def __init__(self, registry: Registry, judge: Judge) -> None:
        self._registry = registry
        self._judge = judge
        self._counters = registry.stream_counters

    def take_line(self, reader: Reader, line: bytes, now: float) -> Forward | DropReason | None:
        """Do what a line says; returns what goes out over UDP, or that there was too much.

        A line that can't be read ends the stream.
        """
        if not self._registry.streams.hear(reader, now):
            return None
        try:
            said = parse_to_relay(line)
        except MalformedError as error:
            self._registry.streams.cut_malformed(reader, str(error))
            return None
        if isinstance(said, Say):
            return self._say(reader, said, now)
        member = reader.session.member
        if isinstance(said, Leave):
            self._registry.leave(member, now)
            return None
        if isinstance(said, Ping):
            reader.tell(encode_heartbeat(Pong(said.number)))
        return self._spend(reader, len(line), now)

    def _say(self, reader: Reader, said: Say, now: float) -> Forward | DropReason | None:
        counters, session = self._counters, reader.session
        text, n, known = said.text.encode(), said.n, session.said
        counters.received += 1
        counters.bytes_received += len(text)
        if n is not None and known is not None and n <= known.greatest:
            if n in known:
                counters.accepted += 1
                counters.repeated += 1
                reader.tell(encode_took(n))
                return self._spend(reader, len(text), now)
            if known.is_stale(n):
                self._refuse(reader, n, DropReason.STALE)
                return self._spend(reader, len(text), now)
        meant = self._judge.judge(session.member, text, now, answers=n is not None)
        if isinstance(meant, DropReason):
            return self._refuse(reader, n, meant)
        counters.accepted += 1
        if n is not None and known is not None:
            known.add(n)
        if not meant:
            if n is not None:
                reader.tell(encode_took(n))
            return None
        return self._forward(reader, meant, n or 0, now)

    @staticmethod
    def _spend(reader: Reader, size: int, now: float) -> DropReason | None:
        """Count a line that nobody else gets: who sends such ones without end isn't read for a moment."""
        limit = reader.session.member.limit
        return None if limit is None else limit.exceeded(size, now)

    def _forward(self, reader: Reader, payload: bytes, n: int, now: float) -> Forward | None:
        session = reader.session
        room = session.member.room
        assert room.ring is not None  # noqa: S101 - there is one while a session chats over a stream
        add_message(room.ring, session.member, payload, n, self._counters, names=self._judge.attribution)
        audience = room.gather()
        if not audience.addresses:
            return None
        self._registry.counters.fanout[len(audience.addresses)] += 1
        if now >= room.sent.due_at:
            room.sent.sample(payload, now)
        return audience, session, payload

    def _refuse(self, reader: Reader, n: int | None, reason: DropReason) -> DropReason:
        self._counters.dropped[reason] += 1
        if n is not None and reason is not DropReason.MOVING:  # what isn't answered is said again at the new home
            has_words = reason in _HAVE_WORDS
            message = dropped(NotRelayed(reason), self._judge.over_bytes).message if has_words else _NOT_TAKEN
            reader.tell(encode_refused(n, reason, message))
        return reason
