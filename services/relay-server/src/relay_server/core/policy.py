"""What an operator decided, as plain values; 0 means no limit where the name says it is one."""

from dataclasses import dataclass
from typing import Final

MAX_DRAIN_SECONDS: Final = 7 * 86_400
"""How long a relay may be asked to wait for its last member to leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings that rooms, members and the lobby obey; `relay_server.settings` describes each."""

    silence_timeout_seconds: float = 300.0
    pending_timeout_seconds: float = 300.0
    max_session_seconds: float = 0.0
    host_grace_seconds: float = 0.0
    max_rooms: int = 0
    max_members: int = 0
    max_members_per_room: int = 0
    max_members_per_address: int = 0
    max_rooms_per_address: int = 0
    message_rate: float = 0.0
    message_burst: int = 1
    byte_rate: float = 0.0
    join_rate: float = 0.0
    password_guesses_per_minute: float = 0.0
    attribution: bool = True
    sanitize: bool = True
    leave_commands: bool = True
    announce: bool = True
    provisional_address: bool = False


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """How long a transaction may take, how large a request may be, and how many may be open at once."""

    transaction_timeout_seconds: float
    completion_pause_seconds: float
    max_payload_bytes: int
    max_transactions: int
    max_transactions_per_address: int
