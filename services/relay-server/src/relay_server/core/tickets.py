"""Tickets that prove themselves: any node of a cluster can check one, without a table (RES-01, CLU-03)."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

RANDOM_BYTES: Final = 16
_PROOF_BYTES: Final = 16
_NUMBER_BYTES: Final = (8, 4, 4, 8, 1, 1)
"""Seat number, turn, password revision, expiry, whether it is encrypted, the size of the room's name; big-endian."""
_IP_BYTES: Final = 16
_FIXED_BYTES: Final = sum(_NUMBER_BYTES) + _IP_BYTES
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
    expires_at: int
    """In whole seconds since 1970."""


class Tickets:
    """Writes and reads tickets by a key of the cluster."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, seat: Seat, chance: bytes) -> str:
        """Write a ticket; ``chance`` are 16 random bytes."""
        numbers = (
            seat.number, seat.turn, seat.password_revision, seat.expires_at, seat.encrypted, len(seat.room),
        )  # fmt: skip
        fixed = b"".join(number.to_bytes(size) for number, size in zip(numbers, _NUMBER_BYTES, strict=True))
        told = chance + fixed + seat.ip + seat.room + seat.name.encode()
        return _to_text(told + self._proof(told))

    def read(self, text: str) -> Seat | None:
        """Read a ticket; None if it wasn't written by this key."""
        data = _from_text(text)
        told, proof = data[:-_PROOF_BYTES], data[-_PROOF_BYTES:]
        if len(told) < RANDOM_BYTES + _FIXED_BYTES or not hmac.compare_digest(proof, self._proof(told)):
            return None
        rest, numbers = told[RANDOM_BYTES:], []
        for size in _NUMBER_BYTES:
            numbers.append(int.from_bytes(rest[:size]))
            rest = rest[size:]
        number, turn, revision, expires_at, encrypted, room_bytes = numbers
        ip, room, name = rest[:_IP_BYTES], rest[_IP_BYTES:][:room_bytes], rest[_IP_BYTES + room_bytes :]
        return Seat(room, name.decode(), number, turn, revision, ip, bool(encrypted), expires_at)

    def _proof(self, told: bytes) -> bytes:
        return hmac.digest(self._key, told, hashlib.sha256)[:_PROOF_BYTES]


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    """Return the bytes of a ticket; none if no ticket is written so."""
    if len(text) > MAX_CHARACTERS or not text.isascii():
        return b""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""
    return data if _to_text(data) == text else b""  # one ticket has one spelling
