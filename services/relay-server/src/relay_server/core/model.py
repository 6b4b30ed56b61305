"""Rooms and their members."""

from dataclasses import dataclass, field
from typing import NamedTuple

from relay_server.core.address import Address
from relay_server.core.limits import SpeechLimit
from relay_server.core.reachability import Failures, SentLog


@dataclass(slots=True, eq=False)
class Room:
    """A room: its members, and where their copies go."""

    name: str
    raw_name: bytes
    network: bytes
    """The creator's, for the cap on rooms per address."""
    host: "Member | None" = None
    """None while a room outlives its host for a grace (ROOM-06)."""
    host_name: str = ""
    members_by_key: dict[str, "Member"] = field(default_factory=dict)
    """Each member under every key of its name, see `names.name_keys`."""
    members: dict["Member", None] = field(default_factory=dict)
    listeners: dict["Member", Address] = field(default_factory=dict)
    """The members that have an address, be it provisional (LEN-02)."""
    sent: SentLog = field(default_factory=SentLog)


@dataclass(slots=True, eq=False)
class Member:
    """A member's session: the token that proves it, and the address that its datagrams come from."""

    room: Room
    name: str
    raw_name: bytes
    token: bytes
    keys: frozenset[str]
    ip: bytes
    """Of the TCP join; datagrams from elsewhere don't count (UDP-02)."""
    address: Address | None = None
    """Of the newest accepted datagram; None until there is one."""
    moved_at: float = 0.0
    limit: SpeechLimit | None = None
    told_at: float = float("-inf")
    strikes: int = 0
    failures: Failures | None = None


class Forward(NamedTuple):
    """A message to hand to everybody named, in the order given."""

    payload: bytes
    targets: list[Address]


class Notice(NamedTuple):
    """What the relay itself says to everybody named."""

    payload: bytes
    targets: list[Address]


NOTHING_TO_SEND = Forward(b"", [])
"""The answer to a datagram that was accepted and is relayed to nobody, such as a keep-alive."""
