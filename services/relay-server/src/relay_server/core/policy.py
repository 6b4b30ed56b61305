"""What an operator decided, as plain values; 0 means no limit where the name says it is one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_DRAIN_SECONDS: Final = 7 * 86_400
"""How long a relay may be asked to wait for its last member to leave."""


class StreamsAllowed(StrEnum):
    """Who may chat over the connection that it joined by."""

    ANY = "any"
    TLS = "tls"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings that rooms, members and the lobby obey; `relay_server.settings` describes each."""

    silence_timeout_seconds: float
    pending_timeout_seconds: float
    max_session_seconds: float
    host_grace_seconds: float
    max_rooms: int
    max_members: int
    max_members_per_room: int
    max_members_per_address: int
    max_rooms_per_address: int
    message_rate: float
    message_burst: int
    byte_rate: float
    join_rate: float
    password_guesses_per_minute: float
    attribution: bool
    sanitize: bool
    leave_commands: bool
    announce: bool
    provisional_address: bool
    max_streams: int
    resume_seconds: float
    ring_bytes: int


CHECK_WAIT_SECONDS: Final = 15.0
"""A password that finds no check left waits so long for one: with five a minute, the next comes within twelve."""


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """How long a transaction may take, how large a request may be, and how many may be open at once."""

    transaction_timeout_seconds: float
    completion_pause_seconds: float
    max_payload_bytes: int
    max_transactions: int
    max_transactions_per_address: int

    def timeout_of(self, *, may_wait: bool) -> float:
        """Return how long a transaction may take, whose password may have to wait for a check or not (PWD-04)."""
        return self.transaction_timeout_seconds + (CHECK_WAIT_SECONDS if may_wait else 0)
