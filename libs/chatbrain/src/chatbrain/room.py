"""One membership of a room: join over TCP, chat over UDP or on, notice when one has gone deaf, come back."""

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Final

from chatbrain.actions import BindDatagram, CloseStream, OpenStream, SendStream
from chatbrain.backoff import RejoinPolicy
from chatbrain.carriage import LINES, Carriage, Heard, Question, StreamOverError, read_datagram
from chatbrain.claim import Claim
from chatbrain.course import AWAY, Stage
from chatbrain.events import Ended, EndReason, Joined, Message, Missed, Rebound, Rejoined, Transport, Unreadable
from chatbrain.findings import HUNG_UP, NO_ANSWER, NO_RELAY, Fault, Finding
from chatbrain.join_request import TRANSACTION_SECONDS, Grant, JoinRequest
from chatbrain.liveness import DEAF_SECONDS
from chatbrain.membership import Membership
from chatbrain.outbox import Outbox
from chatproto import (
    Challenge,
    Command,
    Disconnected,
    MalformedError,
    MemberJoined,
    NotSaid,
    Operation,
    PersonalNotice,
    ProtocolError,
    RefusedError,
    RoomNotice,
    Said,
    Status,
    Topic,
    UnknownNotice,
    parse_command,
    sanitize,
)
from chatproto.commands import LEAVE_WORDS

if TYPE_CHECKING:
    from chatbrain.sealed import Seal
    from chatproto.sealing import SealedText

ERROR_PAUSE_SECONDS: Final = 5.0
"""Errors make a room doubtful this often at most: each doubt costs a port, and perhaps a connection."""

COMPANY_SECONDS: Final = RejoinPolicy().max_delay_seconds
"""In a room that is created again, messages wait until somebody joins, for nobody else would hear them; but no longer
than the longest pause between two attempts of the others."""


class RoomBrain(Membership):
    """Create or join a room and stay in it."""

    def __init__(
        self,
        operation: Operation,
        room: str,
        name: str,
        *,
        server: str,
        random: Callable[[], float],
        password: str | None = None,
        rejoin: RejoinPolicy | None = None,
        receipts: bool = False,
        new_nonce: Callable[[], str] | None = None,
        transport: Transport = Transport.UDP,
        encrypted: bool = False,
        seal: "Seal | None" = None,
    ) -> None:
        """With ``receipts`` ask the relay for them, and tell by `Delivery` and `Unheard` what comes of it (RCP-01).

        With ``new_nonce`` besides, take one's own seat again where another would be asked for (RES-01); it returns 16
        to 64 printable characters that nobody can guess. With any other ``transport`` than UDP receipts are asked for;
        ``encrypted`` tells it whether TCP is to be by TLS. With a ``seal`` the room is to be sealed (SEAL-01): where
        the relay doesn't say so, no text is sent.
        """
        receipts = receipts or transport is not Transport.UDP
        super().__init__(Outbox(), server=server, rejoin=rejoin, random=random, receipts=receipts, seal=seal)
        self._carriage = Carriage(transport, encrypted=encrypted, sealed=seal is not None)
        self._claim = Claim(
            operation, room, name, password, receipts=receipts, new_nonce=new_nonce, carriage=self._carriage,
            sealed=seal is not None,
        )  # fmt: skip
        self._attempt: JoinRequest | None = None  # in flight in JOINING and VERIFYING, and only there
        self._grant: Grant | None = None  # the newest, also once it is lost
        self._errors_count_from = 0.0

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

    def stream_closed(self, now: float, finding: Finding = HUNG_UP) -> None:
        """Take note that TCP couldn't be opened, broke or was closed by the relay; ``finding`` says why."""
        if self._attempt:
            self._stop_asking()
            self._wait(self._unreachable(finding), now)
        elif self._outbox.streams:
            self._break(finding, now)

    def untrusted(self, cause: Ended) -> None:
        """Take note that who answered over TCP isn't the relay that is meant; it gets to hear nothing more."""
        if self._attempt:
            self._stop_asking()
            self._end(cause)

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take a datagram from the relay: a member's message or a notice."""
        if not self._outbox.is_open:
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
            self.stream_closed(now, Finding(Fault.NO_ANSWER, f"no answer in {TRANSACTION_SECONDS:g} seconds"))
        if self._course.backoff.take_due(now):
            self._ask(now)
        self._liveness.look_again(now)
        self._send_numbered(self._deliveries.take_repeats(now), now)
        self._deliver(now)
        if self._liveness.keep_alive_is_due(now):
            self.keep_alive(now)
        if self._liveness.doubt_is_due(now):
            self._doubt(now)

    def _ask(self, now: float) -> None:
        """Ask for a membership, or whether the one held still lives."""
        self._course.enter(Stage.VERIFYING if self._outbox.is_open else Stage.JOINING)
        if self._liveness.answered:
            self.keep_alive(now)  # perhaps UDP works again
        self._attempt = self._claim.attempt(now, seated=self._outbox.is_open)
        self._outbox.act(OpenStream())

    def _stop_asking(self) -> None:
        self._attempt = None
        self._outbox.act(CloseStream())

    def _accept(self, grant: Grant, attempt: JoinRequest, now: float) -> None:
        """Be let in, if it is by what was asked for."""
        if self._carriage.strict and not grant.stream:
            self._outbox.act(SendStream(LINES.leave))  # or the relay would hold the place for minutes
            self._stop_asking()
            self._end(Ended.streamless(self._server))
            return
        if not grant.stream:
            self._stop_asking()
        self._attempt = None
        if self._seal and not grant.sealed:
            self._decline(grant, now)
        elif attempt.resumes and grant.receipts:
            self._sit_down(grant, now)
        else:
            self._adopt(grant, now)
        if (rest := attempt.take_rest()) and self._outbox.streams:
            self._read(rest, now)

    def _take(self, grant: Grant, now: float, *, resumed: bool = False) -> bool:
        """Speak by what was granted from now on; returns whether the room is new."""
        self._grant, self.obeys, self.facts = grant, grant.obeys, grant.facts
        self._deliveries.channel = self._carriage.begin(grant, now, resumed=resumed)
        if grant.stream:
            self._outbox.open_stream(grant.max_message_bytes)
        else:
            self._outbox.open(grant.header, grant.max_message_bytes)
        self._liveness.begin(now, answered=self._keeps and grant.receipts)
        self._liveness.interval_seconds = grant.keep_alive_seconds
        return self._claim.grant(grant.ticket)

    def _sit_down(self, grant: Grant, now: float) -> None:
        """Be in one's own seat again, if the relay hears: what it didn't answer is said again (RES-01)."""
        self._take(grant, now, resumed=True)
        self._claim.was_host = grant.host
        if grant.stream:
            self._course.chat(now)
        else:
            self._course.enter(Stage.RESUMED)
        self._deliveries.ask_no_more()
        again = list(self._deliveries.take_again(now))
        self._bind(grant, now)  # the first word, which makes the seat one's own
        self._send_numbered(again, now)
        self._deliver(now)
        if not grant.stream:
            self._liveness.wait_rebound(now)
        self._tell_carriage()

    def _decline(self, grant: Grant, now: float) -> None:
        """Say nothing but goodbye in a room that isn't sealed, though it was meant to be (SEAL-03)."""
        self._take(grant, now)
        if not grant.stream:
            self._outbox.act(BindDatagram(grant.udp_port))
        self._say_goodbye()
        self._end(Ended.unsealed(self._server))

    def _adopt(self, grant: Grant, now: float) -> None:
        self._deliveries.lose()  # another seat knows nothing of what the one before was told
        created = self._take(grant, now)
        if self._seal and created:
            self._seal.proven = True
        self._course.chat(now, anew=True)
        self._liveness.listen(now)
        self._bind(grant, now)
        if self._course.ever_joined and not self._course.backoff.policy.enabled:
            self._say_goodbye()
            self._end(Ended(EndReason.EVICTED, "The relay took your place in the room away."))
            return
        self._deliveries.words_due_at = now + COMPANY_SECONDS if created and self._course.ever_joined else inf
        self._welcome(grant, now)
        self._course.ever_joined, self._claim.was_host = True, grant.host
        self._deliver(now)
        if created and self._claim.topic and self._keeps:
            self.command(f"/{Command.TOPIC} {self._claim.topic}", now)  # the relay was started anew, and knows nothing

    def _welcome(self, new: Grant, now: float) -> None:
        if self._course.ever_joined:
            # A relay whose UDP port is closed must not be joined again and again.
            self._errors_count_from = now + DEAF_SECONDS
            self._course.tell(Rejoined(new.host, self._claim.was_host, self.max_message_bytes))
        else:
            claim, silence = self._claim, new.silence_timeout_seconds
            self._course.tell(Joined(claim.room, claim.name, new.host, self.max_message_bytes, silence))
        self._tell_carriage()

    def _tell_carriage(self) -> None:
        if carried := self._carriage.news(stream=self._outbox.streams):
            self._course.tell(carried)

    def _refuse(self, refusal: RefusedError, attempt: JoinRequest, now: float) -> None:
        status = refusal.status
        last_words = Ended(EndReason.REFUSED, sanitize(str(refusal)), status, banned=refusal.banned)
        if not self._course.ever_joined or not self._claim.may_pass(status):
            self._end(last_words)
        elif attempt.resumes:
            self._claim.refuse(status)
            if status is Status.NO_SEAT:
                self._lose()
                self._ask(now)  # for a new one
            else:
                self._wait(last_words, now)
        elif self._outbox.is_open and self._grant and self._grant.outlives(status, attempt.local_address):
            self._take_for_alive(now)
        else:
            if status not in AWAY:
                self._lose()
            self._wait(last_words, now, at_once=self._claim.refuse(status))

    def _take_for_alive(self, now: float) -> None:
        """Go on with a membership that lives, as far as TCP can tell; that proves nothing of UDP (RCP-03)."""
        if self._liveness.answered and not self._liveness.heard:
            self._wait(Ended.unheard(self._server), now)
        else:  # a quiet room
            self._errors_count_from = now + self._liveness.calm_down()
            self._chat(now)

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
        self._outbox.cut_stream()
        self._liveness.trust()
        if self._claim.ticket and self._carriage.has_lasted(now):
            self._ask(now)
            return
        if not self._claim.ticket:
            self._lose()
        self._wait(self._unreachable(finding), now)

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
        self._course.tell(notice)
        if isinstance(notice, Disconnected):
            if self._attempt:
                self._stop_asking()
            self._claim.lose_room()  # it closed with its host
            self._evict(notice, now)
        else:
            self._claim.note(notice)
            if isinstance(notice, MemberJoined):
                self._deliveries.words_due_at = inf
                self._deliver(now)

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
            self._wait(Ended.unheard(self._server), now)
        elif self.stage is Stage.CHATTING and self._grant and not self._claim.ticket:
            self._course.enter(Stage.DEAF)
            self._liveness.wait_rebound(now)
            self._course.tell(Rebound())
            self._bind(self._grant, now)
        else:
            self._liveness.trust()
            if self._liveness.answered:
                self._liveness.heard = False
                self._course.miss()
            self._ask(now)

    def _bind(self, grant: Grant, now: float) -> None:
        if not grant.stream:
            self._outbox.act(BindDatagram(grant.udp_port))
        self.keep_alive(now)

    def _say_goodbye(self) -> None:
        self._outbox.send(self._deliveries.channel.leave)
