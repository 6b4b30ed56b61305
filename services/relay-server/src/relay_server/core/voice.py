"""What members are told, in whichever way each is reached: by datagrams, or at a place in the room's ring (UDP-10)."""

from typing import Final

from chatproto import Challenge, MemberJoined, Notice
from chatproto.stream import Ping, encode_heartbeat, encode_told
from relay_server.core.audience import Audience, Log, Outgoing
from relay_server.core.counters import Counters, StreamCounters
from relay_server.core.model import Member, Room, Session

TELL_SECONDS: Final = 1.0
"""A member is advised at most once in this time (UDP-06, LIM-01, MOD-05)."""


class Voice:
    """Says things to members; what goes over UDP waits in an outbox."""

    def __init__(self, *, announces: bool) -> None:
        """``announces``: whether members are told who comes and goes."""
        self.counters = Counters()
        self.stream_counters = StreamCounters()
        self.outbox: list[Outgoing] = []
        """What is to be said over UDP; who sends it takes it out."""
        self._announces = announces

    def tell(self, member: Member, notice: Notice) -> None:
        """Say something to one member."""
        session = member.room.members.get(member)
        if session is None:  # it left before it could be told
            return
        if session.reader is not None:
            session.reader.tell(encode_told(notice))
        else:
            self.post(notice, member.room.audience_of(session), log=member.room.sent)

    def tell_all(self, member: Member, notice: Notice) -> None:
        """Say something to a member, be it paused, and to everybody else in its room."""
        room = member.room
        self.post(notice, room.gather_with(member.session), log=room.sent)
        _add_entry(room, notice)

    def advise(self, member: Member, notice: Notice, now: float) -> None:
        """Tell a member what became of its words, unless it was told something a moment ago."""
        if now - member.told_at >= TELL_SECONDS:
            member.told_at = now
            self.tell(member, notice)

    def announce(self, member: Member, notice: Notice) -> None:
        """Tell the others of the member's room about it, if they know of the member."""
        if self._announces and member.announced:
            room = member.room
            self.post(notice, room.gather(), room.members.get(member), log=room.sent)
            _add_entry(room, notice, but=member)

    def introduce(self, member: Member) -> None:
        """Announce a newcomer that wasn't announced yet, for till now nobody's answer would have reached it."""
        if not member.announced:
            member.announced = True
            self.announce(member, MemberJoined(member.name))

    def ask(self, session: Session, challenge: Challenge, log: Log | None = None) -> None:
        """Send a challenge; what only one hears is no quotation of the room's."""
        self.counters.challenges += 1
        if session.reader is not None:  # any line will answer
            session.reader.tell(encode_heartbeat(Ping(0)))
        else:
            self.post(challenge, session.member.room.audience_of(session), log=log)

    def post(self, notice: Notice, audience: Audience | None, but: Session | None = None, *, log: Log | None) -> None:
        """Let an audience be told something by datagrams, all but one of it; ``log`` learns the bytes."""
        if audience is not None and len(audience.addresses) > (but in audience.addresses):
            self.outbox.append(Outgoing(notice, audience, but, log))


def _add_entry(room: Room, notice: Notice, but: Member | None = None) -> None:
    if room.ring is not None:
        room.ring.add(encode_told(notice, room.ring.seq + 1), but, is_message=False)
