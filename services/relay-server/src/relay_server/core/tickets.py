"""Tickets that prove themselves: any node of a cluster can check one, without a table (RES-01, CLU-03)."""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Final

RANDOM_BYTES: Final = 16
_PROOF_BYTES: Final = 16
_FIXED: Final = struct.Struct(">QIId16s?BB")
"""Number, turn, password revision, expiry, IP address, whether it is encrypted, and the sizes of both names."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A member's place in a room, as its ticket tells it."""

    room: bytes
    name: str
    number: int
    """Of all seats that the room ever had, also at other nodes, none has the same; newer ones have greater numbers."""
    turn: int
    """How many sessions the seat had before this one."""
    password_revision: int
    """How often the room's password had changed."""
    ip: bytes
    encrypted: bool
    """Whether nobody could overhear the ticket on its way to the client (RES-03)."""
    expires_at: float
    """In seconds since 1970."""


class Tickets:
    """Writes and reads tickets by the cluster's key."""
