"""One membership of a room: join over TCP, chat over UDP, notice when one has gone deaf, come back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from chatbrain.actions import (
    BindDatagram,
    CloseDatagram,
    CloseStream,
    OpenStream,
    SendDatagram,
    SendStream,
)
from chatbrain.backoff import RejoinPolicy
from chatbrain.brain import DEAF_SECONDS, MAX_DEAF_SECONDS, Brain, Stage
from chatbrain.events import Ended, EndReason, Joined, Message, Rebound, Rejoined
from chatbrain.findings import HUNG_UP, NO_RELAY, Fault, Finding
from chatproto import (
    Advice,
    Challenge,
    ClientTransaction,
    Command,
    Completion,
    EvictionReason,
    HostChanged,
    MalformedError,
    Operation,
    ProtocolError,
    RefusedError,
    Request,
    Status,
    encode_datagram,
    parse_command,
    sanitize,
    split_attribution,
)
from chatproto.commands import REMOVE
from chatproto.constants import DEFAULT_UDP_PORT, KEEP_ALIVE_SECONDS, MAX_DATAGRAM_BYTES
from chatproto.notices import PASSWORD_REMOVED, PASSWORD_SET

TRANSACTION_SECONDS: Final = 4.0
"""A relay that isn't there is known to be missing in under 5 s, connecting and asking taken together."""

REBOUND_PATIENCE_SECONDS: Final = 20.0
"""How long to listen on a new port before the relay is asked over TCP."""

ERROR_PAUSE_SECONDS: Final = 5.0
"""Errors make a room doubtful this often at most: each doubt costs a port, and perhaps a connection."""

_LEAVE: Final = b"/leave"
_LEAVE_WORDS: Final = {_LEAVE, b"/exit", b"/quit"}

_PASSING: Final = {
    Status.ROOM_EXISTS,
    Status.NO_SUCH_ROOM,
    Status.NAME_TAKEN,
    Status.ROOM_FULL,
    Status.TOO_MANY,
    Status.BUSY,
    Status.SHUTTING_DOWN,
}
"""Refusals that may be over at the next attempt: a relay restarts, an old self's place becomes free."""

_FULL: Final = {Status.ROOM_FULL, Status.TOO_MANY}
"""Refusals that a relay may give before it looks at the name: they don't speak against a membership."""

_AWAY: Final = {Status.BUSY, Status.SHUTTING_DOWN}
"""Refusals that leave open whether a membership lives."""


@dataclass(slots=True)
class _Attempt:
    transaction: ClientTransaction
    operation: Operation
    deadline: float
    local_address: str = ""


@dataclass(frozen=True, slots=True)
class _Membership:
    prefix: bytes
    """A whole keep-alive; a message follows it directly (UDP-01)."""
    host: bool
    udp_port: int
    max_message_bytes: int
    silence_timeout_seconds: float | None
    local_address: str
    obeys: bool


class RoomBrain(Brain):
    """Create or join a room and stay in it.

    Besides what every brain takes: ``start``, ``connected``, ``receive_stream``, ``stream_closed``, ``untrusted``,
    ``receive_datagram`` and ``datagram_error``.
    """

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
    ) -> None:
        super().__init__(server=server, rejoin=rejoin or RejoinPolicy(), random=random)
        self._operation = operation
        self._room = room
        self._request = Request(name, password, json_reply=True, plain=False)
        self._attempt: _Attempt | None = None  # in flight in JOINING and VERIFYING, and only there
        self._membership: _Membership | None = None
        self._max_message_bytes = 0
        self._was_host = self._obeys = False
        self._chosen_password = password
        self._locked_out = False
        self._errors_count_from = 0.0

    @property
    def max_message_bytes(self) -> int:
        """How long a message may be; 0 before the first join."""
        return self._max_message_bytes

    @property
    def obeys(self) -> bool:
        """Whether the relay obeys commands here (MOD-01)."""
        return self._obeys

    def start(self, now: float) -> None:
        """Ask for the membership."""
        self._attempt_join(now)

    def connected(self, local_address: str) -> None:
        """Take note that TCP stands, and from which local IP address."""
        if self._attempt:
            self._attempt.local_address = local_address
            self._actions.append(SendStream(self._attempt.transaction.request))

    def receive_stream(self, data: bytes, now: float) -> None:
        """Take bytes that came over TCP, in any pieces."""
        if not self._attempt:
            return
        try:
            completion = self._attempt.transaction.feed(data)
            membership = completion and self._read(completion, self._attempt)
        except RefusedError as refusal:
            self._refused(refusal, self._close_attempt(), now)
        except ProtocolError:
            self._close_attempt()
            self._wait(self._unreachable(NO_RELAY), now)
        else:
            if membership:
                self._close_attempt()
                self._adopt(membership, now)

    def stream_closed(self, now: float, finding: Finding = HUNG_UP) -> None:
        """Take note that TCP couldn't be opened, broke or was closed by the relay; ``finding`` says why."""
        if self._attempt:
            self._close_attempt()
            self._wait(self._unreachable(finding), now)

    def untrusted(self, cause: Ended) -> None:
        """Take note that who answered over TCP isn't the relay that is meant; it gets to hear nothing more."""
        if self._attempt:
            self._end(cause)

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take a datagram from the relay: a member's message or a notice."""
        if not self._membership:
            return
        self._deaf_seconds = DEAF_SECONDS
        if self._stage is not Stage.VERIFYING:  # there the relay's answer counts
            self._retry_at = inf
            self._enter_chat(now)
        text = sanitize(data.decode(errors="replace"))
        notice = self._hear_notice(text, now)
        if notice is None:
            self._events.append(Message(*split_attribution(text), data, now))
        elif isinstance(notice, HostChanged):
            self._was_host = notice.name == self._request.username
        elif notice == Advice(PASSWORD_SET):  # needed when the relay starts anew, and with it the room
            self._request = replace(self._request, password=self._chosen_password)
        elif notice == Advice(PASSWORD_REMOVED):
            self._request = replace(self._request, password=None)

    def command(self, text: str, now: float) -> bool:
        """Do as every brain does, and note a password that the relay may take."""
        given, asked = super().command(text, now), parse_command(text)
        if given and asked and asked[0] is Command.PASSWORD and asked[1].strip() not in {"", REMOVE}:
            self._chosen_password = asked[1]
        return given

    def datagram_error(self, now: float) -> None:
        """Take note that a datagram couldn't be sent or came back as undeliverable (ICMP)."""
        if self._silent:
            return
        if self._stage is Stage.DEAF or (self._stage is Stage.CHATTING and now >= self._errors_count_from):
            self._doubt(now)

    def next_deadline(self) -> float:
        """Return when to call ``tick``; infinity if there is nothing to wait for."""
        return min(super().next_deadline(), self._attempt.deadline if self._attempt else inf)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._attempt and now >= self._attempt.deadline:
            self.stream_closed(now, Finding(Fault.NO_ANSWER, f"no answer in {TRANSACTION_SECONDS:g} seconds"))
        super().tick(now)

    def _attempt_join(self, now: float) -> None:
        self._enter(Stage.VERIFYING if self._membership else Stage.JOINING)
        transaction = ClientTransaction(self._operation, self._room, self._request)
        self._attempt = _Attempt(transaction, self._operation, now + TRANSACTION_SECONDS)
        self._actions.append(OpenStream())

    def _close_attempt(self) -> _Attempt:
        assert self._attempt  # noqa: S101 - all callers have one
        attempt, self._attempt = self._attempt, None
        self._actions.append(CloseStream())
        return attempt

    def _read(self, completion: Completion, attempt: _Attempt) -> _Membership:
        """Check what the relay grants; a plain completion grants the token alone.

        Raises:
            MalformedError: the relay grants what can't be used.

        """
        host = attempt.operation is Operation.CREATE if completion.host is None else completion.host
        port = DEFAULT_UDP_PORT if completion.udp_port is None else completion.udp_port
        silence = completion.silence_timeout_seconds or None  # 0: the relay never evicts for silence
        prefix = encode_datagram(self._room.encode(), completion.token)
        room_left = MAX_DATAGRAM_BYTES - len(prefix)
        limit = room_left if completion.max_message_bytes is None else completion.max_message_bytes
        if limit < 1 or not 0 <= (silence or 0) < inf:  # which is false of NaN, too
            raise MalformedError("The relay's completion has a number out of range.")
        return _Membership(
            prefix, host, port, min(limit, room_left), silence, attempt.local_address, completion.moderation
        )

    def _adopt(self, membership: _Membership, now: float) -> None:
        self._membership, self._max_message_bytes = membership, membership.max_message_bytes
        self._obeys = membership.obeys
        self._operation = Operation.JOIN
        self._locked_out = False
        self._silent = self._reconnecting = False
        self._deaf_seconds = DEAF_SECONDS
        self._enter_chat(now)
        self._bind(membership, now)
        if self._ever_joined and not self._backoff.policy.enabled:
            self._say_goodbye()
            self._end(Ended(EndReason.EVICTED, "The relay took your place in the room away."))
            return
        self._welcome(membership, now)
        self._ever_joined, self._was_host = True, membership.host

    def _welcome(self, new: _Membership, now: float) -> None:
        if self._ever_joined:
            # A relay whose UDP port is closed must not be joined again and again.
            self._errors_count_from = now + DEAF_SECONDS
            self._events.append(Rejoined(new.host, self._was_host, new.max_message_bytes))
        else:
            name, silence = self._request.username, new.silence_timeout_seconds
            self._events.append(Joined(self._room, name, new.host, new.max_message_bytes, silence))

    def _refused(self, refusal: RefusedError, attempt: _Attempt, now: float) -> None:
        status = refusal.status
        last_words = Ended(EndReason.REFUSED, sanitize(str(refusal)), status)
        if not self._ever_joined or not self._may_pass(status):
            self._end(last_words)
            return
        if self._membership and self._means_alive(status, attempt, self._membership):
            self._calm_down(now)
            return
        if status not in _AWAY:
            self._lose()
        if status in {Status.NO_SUCH_ROOM, Status.WRONG_PASSWORD} and self._was_host:
            self._operation = Operation.CREATE
        elif status is Status.ROOM_EXISTS:
            self._operation = Operation.JOIN
        self._wait(last_words, now)

    def _may_pass(self, status: Status) -> bool:
        if status is not Status.WRONG_PASSWORD:
            return status in _PASSING
        # A relay that hides its rooms says this of one that is gone (PWD-05): a host tries to create it anew, once.
        first, self._locked_out = not self._locked_out, True
        return first and self._was_host

    @staticmethod
    def _means_alive(status: Status, attempt: _Attempt, membership: _Membership) -> bool:
        # From another local address one's own name is a dead self's: the relay takes no word from here.
        own_name = status is Status.NAME_TAKEN and attempt.local_address == membership.local_address
        return own_name or status in _FULL

    def _calm_down(self, now: float) -> None:
        """Take the room for a quiet one, and doubt it less often."""
        self._deaf_seconds = min(2 * self._deaf_seconds, MAX_DEAF_SECONDS)
        self._errors_count_from = now + self._deaf_seconds
        self._enter_chat(now)

    def _evicted(self, reason: EvictionReason, now: float) -> None:
        if self._was_host:  # the room closed with its host
            self._operation = Operation.CREATE
        super()._evicted(reason, now)

    def _wait(self, last_words: Ended, now: float) -> None:
        if self._attempt:
            self._close_attempt()
        super()._wait(last_words, now)

    def _end(self, event: Ended) -> None:
        if self._attempt:
            self._close_attempt()
        self._membership = None
        super()._end(event)

    def _lose(self) -> None:
        self._membership = None
        self._keep_alive_at = self._doubt_at = inf
        self._actions.append(CloseDatagram())

    def _speak(self, message: bytes) -> bool:
        if not self._membership:
            return False
        self._actions.append(SendDatagram(self._membership.prefix + message))
        return True

    def _answer(self, challenge: Challenge, now: float) -> None:  # noqa: ARG002 - the next keep-alive stays due
        self._speak(challenge.answer)

    def _as_words(self, message: bytes) -> bytes:
        # Said as text, these words must not end the membership (UDP-08): `leave` does. Nor must they command the
        # relay (MOD-01), for a bot may repeat what others said: `command` does.
        commands = message in _LEAVE_WORDS or parse_command(message.decode()) is not None
        return b" " + message if commands else message

    def _say_goodbye(self) -> None:
        if self._membership:
            self._actions.append(SendDatagram(self._membership.prefix + _LEAVE))

    def _keep_alive_seconds(self) -> float:
        # A relay may be set to evict after less silence than the usual interval.
        silence = self._membership and self._membership.silence_timeout_seconds
        return min(KEEP_ALIVE_SECONDS, max(silence / 3, 0.1)) if silence else KEEP_ALIVE_SECONDS

    def _doubt(self, now: float) -> None:
        if self._stage is Stage.CHATTING and self._membership:
            self._enter(Stage.DEAF)
            self._errors_count_from = max(self._errors_count_from, now + ERROR_PAUSE_SECONDS)
            self._doubt_at = now + REBOUND_PATIENCE_SECONDS
            self._events.append(Rebound())
            self._bind(self._membership, now)
        else:
            self._doubt_at = inf
            self._attempt_join(now)

    def _bind(self, membership: _Membership, now: float) -> None:
        self._actions.append(BindDatagram(membership.udp_port))
        self.keep_alive(now)
