"""What a membership tells its user, one typed event at a time."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Self

from chatbrain.address import ServerAddress
from chatbrain.findings import NOT_SEALED, Fault, Finding
from chatproto import Disconnected, EvictionReason, PersonalNotice, Refusal, RoomNotice, Status
from chatproto.constants import DEFAULT_LOBBY_PORT


@dataclass(frozen=True, slots=True)
class Message:
    """Somebody said something; ``sender`` and ``text`` are harmless to show in one line (UDP-05, UDP-11)."""

    sender: str | None
    """Who said it; None if the relay attributes nothing."""
    text: str
    raw: bytes
    """The datagram or the line of a stream as it came, not made harmless."""
    received_at: float
    """When it came, in the driver's monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in a sealed room can't be read, so nothing of it is shown (SEAL-04)."""

    sender: str | None
    """Who said it; None if it is the room's topic, or if the relay attributes nothing."""
    sealed: bool
    """Whether it is sealed at all; else the relay should not have passed it on."""
    key_fits: bool
    """Whether one's own key opened something here before; if not, it may be the wrong one, and nothing is sent."""


@dataclass(frozen=True, slots=True)
class Joined:
    """You are a member now."""

    room: str | None
    """The room's name; None in the lobby."""
    name: str
    host: bool
    max_message_bytes: int
    silence_timeout_seconds: float | None
    """After how much silence the relay evicts; None if it didn't say."""
    heard: bool = True
    """Whether anything spoke for it: the lobby answers nothing."""
    web: str = ""
    """The address of the relay's page, which begins invitations for browsers (WEB-05); empty if it isn't told."""


@dataclass(frozen=True, slots=True)
class Rejoined:
    """The old membership was dead and this is a new one; you may have missed messages."""

    host: bool
    was_host: bool
    """You were the host before; if ``host`` is false, somebody else created the room anew."""
    max_message_bytes: int
    heard: bool = True
    """As in `Joined`."""
    web: str = ""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The relay answers again and the membership never died."""


@dataclass(frozen=True, slots=True)
class Rebound:
    """Nothing was heard for long, so the client speaks from a new local port from now on."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """Nothing is heard from the relay over UDP, not even answers; it is being asked over TCP whether it is there.

    `Recovered` or `Rejoined` follows when something is heard, or `Reconnecting`, whose cause says what is wrong.
    """


@unique
class Transport(StrEnum):
    """By what a room's chat travels, or is to."""

    AUTO = "auto"
    """A stream where one joins by TLS and the relay grants it, or where UDP isn't heard; UDP otherwise."""
    UDP = "udp"
    STREAM = "stream"
    """Lines of the TCP connection over which one joined (STR-01), and nothing else."""


@dataclass(frozen=True, slots=True)
class Carried:
    """By what the chat travels from now on; not told to who asked for UDP by name."""

    by: Transport
    """UDP or a stream."""
    tls: bool
    """Whether one joined by TLS."""
    fell_back: bool = False
    """It is a stream because nothing was heard over UDP."""
    sealed: bool = False
    """Whether members seal what they say (SEAL-01), however it travels."""

    @property
    def encrypted(self) -> bool:
        """Whether nobody on the way to the relay can read it."""
        return self.tls and self.by is Transport.STREAM


@dataclass(frozen=True, slots=True)
class Moved:
    """One's place in the room is at another server of the cluster from now on (CLU-02).

    The members who are there may be others: ask for them anew (CLU-06).
    """

    server: str
    """Where it is."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What others said is lost: these numbers of the room's, or nobody knows how many (STR-05)."""

    first: int | None = None
    last: int | None = None
    """Both None if nobody knows which."""


@unique
class DeliveryState(StrEnum):
    """How one's own message fares."""

    SENDING = "sending"
    """It goes out; before that it waits."""
    SENT = "sent"
    """It went out to a relay that answers none: that is all one knows."""
    TAKEN = "taken"
    """The relay has it, and relayed it or did what it says."""
    NOT_DELIVERED = "not_delivered"
    """It was refused, or nobody knows what became of it: it may be said again."""

    @property
    def final(self) -> bool:
        """Whether nothing more is heard of the message."""
        return self is not DeliveryState.SENDING


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one's own message fares now; only who asks for receipts is told."""

    id: int
    """What `say` or `command` returned for it."""
    state: DeliveryState
    text: str
    """As it was sent, not made harmless."""
    reason: str | None = None
    """Why the relay refused it, a word of `NotRelayed` or another; None if it didn't, or if no answer came."""


@unique
class EndReason(StrEnum):
    """Why a membership is over for good."""

    LEFT = "left"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    EVICTED = "evicted"
    ROOM_CLOSED = "room_closed"


@dataclass(frozen=True, slots=True)
class Ended:
    """The membership is over for good; always the last event."""

    reason: EndReason
    text: str
    """One sentence for a person: the relay's own if it refused."""
    refusal: Refusal | None = None
    """What the relay answered to the last request, if it refused."""
    eviction: EvictionReason | None = None
    """Why the relay took the place away, if it did."""
    server: str | None = None
    """Where no relay was reached, or none that is trusted."""
    finding: Finding | None = None
    """What was found there instead."""
    banned: bool = False
    """Whether the host lets nobody of this name or from here in (MOD-04): nothing that one can do helps."""

    @property
    def status(self) -> Status | None:
        """The status of the refusal, if there is one."""
        return self.refusal.status if self.refusal else None

    @classmethod
    def refused(cls, refusal: Refusal) -> Self:
        """Say that the relay refused."""
        return cls(EndReason.REFUSED, str(refusal), refusal, banned=refusal.banned)

    @classmethod
    def unreachable(cls, server: ServerAddress | str, finding: Finding, *, tls: bool = False) -> Self:
        """Say that no relay answers there."""
        by, kind = (" by TLS", "relay with TLS") if tls else ("", "relay")
        check = f"check the address and that a {kind} runs there"
        if finding.fault is Fault.NO_LOBBY:
            check += f"; the lobby has a port of its own, {DEFAULT_LOBBY_PORT} by default"
        text = f"No relay answers{by} at {server} ({finding}): {check}."
        return cls(EndReason.UNREACHABLE, text, server=str(server), finding=finding)

    @classmethod
    def unheard(cls, server: str) -> Self:
        """Say that a relay is there, but UDP doesn't pass."""
        finding = Finding(Fault.NO_UDP, "it answers over TCP alone")
        text = (
            f"Nothing is heard over UDP from the relay at {server}, which answers over TCP: "
            "a firewall or a proxy on the way may keep UDP from passing. Try another network."
        )
        return cls(EndReason.UNREACHABLE, text, server=server, finding=finding)

    @classmethod
    def streamless(cls, server: str) -> Self:
        """Say that a relay lets one in, but carries no chat over TCP."""
        finding = Finding(Fault.NO_STREAM, "it grants no stream")
        text = (
            f"The relay at {server} doesn't carry the chat over TCP ({finding}): nothing was said. "
            "Choose another transport, or another relay."
        )
        return cls(EndReason.UNREACHABLE, text, server=server, finding=finding)

    @classmethod
    def astray(cls, server: str, finding: Finding) -> Self:
        """Say that a relay sends one on, and that there is no way on (CLU-01)."""
        text = (
            f"The relay at {server} has the room on another server, which can't be reached ({finding}): "
            "try again in a moment, or ask its operator."
        )
        return cls(EndReason.UNREACHABLE, text, server=server, finding=finding)

    @classmethod
    def unsealed(cls, server: str) -> Self:
        """Say that a room isn't sealed that was meant to be (SEAL-03)."""
        text = f"The relay at {server} doesn't say that the room is sealed: nothing was said there."
        return cls(EndReason.UNTRUSTED, text, server=server, finding=NOT_SEALED)

    @classmethod
    def untrusted(cls, server: ServerAddress | str, finding: Finding) -> Self:
        """Say that who answers there didn't prove to be the one that is meant (TCP-12)."""
        other = finding.fault is Fault.OTHER_CERTIFICATE
        does = (
            "shows another certificate than the one you trust" if other else "doesn't prove that it is the one you mean"
        )
        text = f"The relay at {server} {does} ({finding}): nothing was sent to it."
        return cls(EndReason.UNTRUSTED, text, server=str(server), finding=finding)


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The membership is lost or the relay is away; the next attempt comes after a delay."""

    cause: Ended
    """How it would have ended, were there no next attempt."""
    delay_seconds: float
    """0 if the next attempt is due at once: a host's client creates a room that is gone."""
    attempt: int
    """Counted from 1."""

    @property
    def reason(self) -> str:
        """Say why, in a sentence."""
        return self.cause.text


Event = (
    Message
    | Unreadable
    | RoomNotice
    | PersonalNotice
    | Joined
    | Rejoined
    | Recovered
    | Rebound
    | Unheard
    | Carried
    | Moved
    | Missed
    | Delivery
    | Disconnected
    | Reconnecting
    | Ended
)
