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
MAX_CHARACTERS: Final = 1024
"""A ticket with the longest names is shorter."""


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
    """Writes and reads tickets by a key of the cluster."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, seat: Seat, chance: bytes) -> str:
        """Write a ticket; ``chance`` are 16 random bytes."""
        name = seat.name.encode()
        fixed = _FIXED.pack(
            seat.number, seat.turn, seat.password_revision, seat.expires_at, seat.ip, seat.encrypted,
            len(seat.room), len(name),
        )  # fmt: skip
        told = chance + fixed + seat.room + name
        return base64.urlsafe_b64encode(told + self._proof(told)).rstrip(b"=").decode()

    def read(self, text: str) -> Seat | None:
        """Read a ticket; None if it wasn't written by this key."""
        if len(text) > MAX_CHARACTERS or not text.isascii():
            return None
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        told, proof = data[:-_PROOF_BYTES], data[-_PROOF_BYTES:]
        if len(told) < RANDOM_BYTES + _FIXED.size or not hmac.compare_digest(proof, self._proof(told)):
            return None
        number, turn, revision, expires_at, ip, encrypted, room_size, _ = _FIXED.unpack_from(told, RANDOM_BYTES)
        names = told[RANDOM_BYTES + _FIXED.size :]
        room, name = names[:room_size], names[room_size:].decode()
        return Seat(room, name, number, turn, revision, ip, encrypted, expires_at)

    def _proof(self, told: bytes) -> bytes:
        return hmac.digest(self._key, told, hashlib.sha256)[:_PROOF_BYTES]
