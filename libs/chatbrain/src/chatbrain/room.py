"""One membership of a room: chat over UDP or over a stream, notice when one has gone deaf, come back."""

from math import inf
from typing import TYPE_CHECKING, Final

from chatbrain.actions import SendStream
from chatbrain.carriage import Heard, Question, StreamOverError, read_datagram
from chatbrain.course import Stage
from chatbrain.entering import Entering
from chatbrain.events import Ended, Message, Missed, Rebound, Unreadable
from chatbrain.findings import HUNG_UP, NO_ANSWER, NO_RELAY, Fault, Finding
from chatproto import (
    Challenge,
    Disconnected,
    EvictionReason,
    MalformedError,
    MemberJoined,
    NotSaid,
    PersonalNotice,
    ProtocolError,
    RefusedError,
    RoomNotice,
    Said,
    Topic,
    UnknownNotice,
    parse_command,
)
from chatproto.commands import LEAVE_WORDS

if TYPE_CHECKING:
    from chatproto.sealing import SealedText

MOVE_SECONDS: Final = 0.25
"""All members of a room that moves ask again by chance within this time, not in the same moment (CLU-05)."""

ERROR_PAUSE_SECONDS: Final = 5.0
"""Errors make a room doubtful this often at most: each doubt costs a port, and perhaps a connection."""


class RoomBrain(Entering):
    """Create or join a room and stay in it."""

    def start(self, now: float) -> None:
        """Ask for the membership."""
        self._ask(now)

    def connected(self, local_address: str) -> None:
        """Take note that TCP stands, and from which local IP address."""
        if self._attempt:
            self._outbox.act(SendStream(self._attempt.connect(local_address)))

    def receive_stream(self, data: bytes, now: float) -> None:
        """Take bytes that came over TCP, in any pieces."""
        attempt = self._attempt
        if not attempt:
            if self._outbox.streams:
                self._read(data, now)
            return
        try:
            grant = attempt.feed(data)
        except RefusedError as refusal:
            self._stop_asking()
            self._refuse(refusal, attempt, now)
            return
        except ProtocolError:
            self.stream_closed(now, NO_RELAY)
            return
        if grant:
            self._accept(grant, attempt, now)
            if (rest := attempt.take_rest()) and self._outbox.streams:
                self._read(rest, now)

    def stream_closed(self, now: float, finding: Finding = HUNG_UP) -> None:
        """Take note that TCP couldn't be opened, broke or was closed by the relay; ``finding`` says why."""
        if self._attempt:
            self._stop_asking()
            self._ask_next(Ended.unreachable(self._route.where, finding), now)
        elif self._outbox.streams:
            self._break(finding, now)

    def untrusted(self, cause: Ended, now: float) -> None:
        """Take note that who answered over TCP isn't the relay that is meant; it gets to hear nothing more.

        If a relay told of it, there may be others.
        """
        if not self._attempt:
            return
        self._stop_asking()
        if self._route.stop and self._course.ever_joined:
            self._ask_next(cause, now)
        else:
            self._end(cause)

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take a datagram from the relay: a member's message or a notice."""
        if not self._outbox.speaks_udp:
            return
        self._liveness.hear()
        if self.stage is not Stage.VERIFYING:  # there the relay's answer counts
            self._course.backoff.cancel()
            self._chat(now)
        self._hear(read_datagram(data, now, facts=self.facts), now)

    def datagram_error(self, now: float) -> None:
        """Take note that a datagram couldn't be sent or came back as undeliverable (ICMP)."""
        if self._liveness.silent or self._outbox.streams:
            return
        if self.stage in {Stage.DEAF, Stage.RESUMED} or (
            self.stage is Stage.CHATTING and now >= self._errors_count_from
        ):
            self._doubt(now)

    def say(self, text: str, now: float) -> int:
        """Send a message as text, whatever it is.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.
            WrongKeyError: the room is sealed, and the key may be the wrong one (SEAL-04).
            ValueError: it is empty.

        """
        # Said as text, these words must not end the membership (UDP-08): `leave` does. Nor must they command the
        # relay (MOD-01), for a bot may repeat what others said: `command` does.
        text = text.encode(errors="replace").decode()
        if self._seal:
            return self._say_sealed(self._seal.text(text, self._outbox.max_message_bytes), text, now)
        return super().say(f" {text}" if text in LEAVE_WORDS or parse_command(text) else text, now)

    def command(self, text: str, now: float) -> int:
        """Do so, and note a password that the relay may take."""
        given = super().command(text, now)
        if given:
            self._claim.note_command(text)
        return given

    def leave(self) -> None:
        """End the membership; the place is free at once (UDP-08)."""
        if self._attempt:
            self._stop_asking()
        self._say_goodbye()
        super().leave()

    def next_deadline(self) -> float:
        """Return when to call ``tick``; infinity if there is nothing to wait for."""
        attempt = self._attempt.deadline if self._attempt else inf
        own = (self._deliveries.next_deadline(), self._liveness.next_deadline())
        return min(attempt, self._course.backoff.retry_at, *own)

    def compare_clocks(self, now: float, clock: float) -> None:
        """Verify the membership if the machine slept: ``clock`` is one that goes on then, in seconds."""
        if not self._liveness.has_slept(now, clock) or self._liveness.silent:
            return
        self.try_now(now)
        if self._liveness.answered:
            self.keep_alive(now)
        while not self._liveness.answered and self.stage in {Stage.CHATTING, Stage.DEAF}:
            self._doubt(now)  # until TCP is asked: nothing else would answer

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._attempt and now >= self._attempt.deadline:
            self.stream_closed(now, Finding(Fault.NO_ANSWER, f"no answer in {self._attempt.seconds:g} seconds"))
        if self._course.backoff.take_due(now):
            self._ask(now)
        self._liveness.look_again(now)
        self._send_numbered(self._deliveries.take_repeats(now), now)
        self._deliver(now)
        if self._liveness.keep_alive_is_due(now):
            self.keep_alive(now)
        if self._liveness.doubt_is_due(now):
            self._doubt(now)

    def _read(self, data: bytes, now: float) -> None:
        """Take bytes of a stream."""
        self._liveness.hear()
        self._chat(now)
        try:
            for heard in self._carriage.read(data, now):
                self._hear(heard, now)
                if not self._outbox.streams:  # that was its end
                    return
        except MalformedError:
            self._break(NO_RELAY, now)
        except StreamOverError:
            self._break(HUNG_UP, now)

    def _hear(self, heard: Heard | Unreadable, now: float) -> None:
        if self._seal and isinstance(heard, Message | Topic):
            heard = self._seal.open_heard(heard)
        if isinstance(heard, Said | NotSaid):
            self._take_receipt(heard, now)
        elif isinstance(heard, Message | Missed | Unreadable):
            self._course.tell(heard)
        elif isinstance(heard, Challenge | Question):
            if not self._liveness.silent:  # the next keep-alive stays due
                self._outbox.send(heard.answer)
        elif not isinstance(heard, UnknownNotice):
            self._note(heard, now)

    def _break(self, finding: Finding, now: float) -> None:
        """Take note that the stream broke; the seat waits for who has a ticket (STR-06)."""
        last_words = Ended.unreachable(self._route.where, finding)
        self._outbox.cut()
        self._liveness.trust()
        if finding is NO_ANSWER:
            self._leave_mute(now)
        if self._claim.ticket and self._carriage.has_lasted(now):
            self._ask(now)
            return
        if not self._claim.ticket:
            self._lose()
        self._wait(last_words, now)

    def _take_receipt(self, receipt: Said | NotSaid, now: float) -> None:
        """Take the relay's answer, which proves the membership too."""
        if not self._liveness.answered:
            return
        if self._attempt:
            self._stop_asking()
            self._chat(now)
        self._deliveries.answer(receipt.n, now, receipt.reason if isinstance(receipt, NotSaid) else None)
        self._deliver(now)

    def _say_sealed(self, sealed: "SealedText", shown: str, now: float) -> int:
        """Send what only the room can read: no other text goes to a sealed room."""
        return self._send(sealed.text.encode(), now, shown=shown)

    def _note(self, notice: RoomNotice | PersonalNotice | Disconnected, now: float) -> None:
        """Act on what the relay says."""
        if isinstance(notice, Disconnected):
            if self._attempt:
                self._stop_asking()
            self._leave_for(notice, now)
        else:
            self._course.tell(notice)
            self._claim.note(notice)
            if isinstance(notice, MemberJoined):
                self._deliveries.words_due_at = inf
                self._deliver(now)

    def _leave_for(self, notice: Disconnected, now: float) -> None:
        """Take note that one's place here is gone, or that it is at another server now (CLU-05)."""
        moved = notice.reason is EvictionReason.MOVED
        if moved and self._claim.ticket:
            self._outbox.cut()
            self._liveness.trust()
            self._course.pause(now + self._random() * MOVE_SECONDS)
            return
        self._course.tell(notice)
        if not moved:
            self._claim.lose_room()  # it closed with its host
        self._evict(notice, now)

    def _doubt(self, now: float) -> None:
        """Act on a long silence: take the seat anew; without a ticket speak from a new port, and ask if that fails."""
        self._errors_count_from = max(self._errors_count_from, now + ERROR_PAUSE_SECONDS)
        if self._outbox.streams:
            self._course.miss()
            self._break(NO_ANSWER, now)
        elif self._claim.ticket and not self._liveness.heard and self._carriage.fall_back():
            self._liveness.trust()
            self._course.miss()
            self._ask(now)
        elif self.stage is Stage.RESUMED:
            self._wait(Ended.unheard(self._route.where), now)
        elif self.stage is Stage.CHATTING and self._grant and not self._claim.ticket:
            self._course.enter(Stage.DEAF)
            self._liveness.wait_rebound(now)
            self._course.tell(Rebound())
            self._bind(self._grant, now, again=True)
        else:
            self._liveness.trust()
            if self._liveness.answered:
                self._liveness.heard = False
                self._course.miss()
            self._leave_mute(now)
            self._ask(now)

    def _leave_mute(self, now: float) -> None:
        """Take one's seat again at another server, if there is one: this one doesn't answer (CLU-02)."""
        if self._claim.ticket:
            self._route.leave_mute(now)
