"""Texts that only who has a room's key can read (SEAL-01, SEAL-02); needs the extra ``sealing``.

The relay imports nothing of this: it has no key, and only looks whether a text begins with `SEALED_PREFIX`.
"""

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, IntEnum, unique
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chatproto.constants import SEALED_PREFIX

KEY_BYTES: Final = 16
"""128 random bits: nobody guesses them, and their text is short enough for a link (SEAL-01)."""
SENDER_ID_BYTES: Final = 8
MAX_COUNTER: Final = 2**64 - 1
WINDOW: Final = 1024
"""A text may arrive so many texts later than its sender's newest; UDP reorders far fewer."""
MAX_SENDERS: Final = 4096
"""An opener remembers so many sessions of its room: four for each member of the largest room."""

_PREFIX: Final = SEALED_PREFIX.decode()
_INFO: Final = b"chat e2e1"
_COUNTER_BYTES: Final = 8
_TAG_BYTES: Final = 16
_ADDED_BYTES: Final = SENDER_ID_BYTES + _COUNTER_BYTES + _TAG_BYTES
_BASE64: Final = re.compile(r"[A-Za-z0-9_-]*")
_FINGERPRINT_BYTES: Final = 8


@unique
class Kind(IntEnum):
    """What a sealed text is; one kind can't be passed off as another."""

    TEXT = 0
    TOPIC = 1


@unique
class Unopened(Enum):
    """Why a text wasn't opened."""

    NOT_SEALED = "not_sealed"
    """It doesn't even look sealed."""
    BROKEN = "broken"
    """It was changed, is for another room or of another sender, or was sealed with another key: nobody can tell."""
    SEEN = "seen"
    """It was opened before, or is so old that nobody knows any more."""


class BadRoomKeyError(ValueError):
    """A text is no room's key; ``str()`` says so without showing it."""

    def __init__(self) -> None:
        super().__init__("This is no room's key: a key has 22 letters, digits, - or _. Copy the whole invitation.")


class SealerExhaustedError(Exception):
    """A session has sealed as many texts as it may: another one needs another sender id."""


@dataclass(frozen=True, slots=True)
class RoomKey:
    """A sealed room's secret. Only links have it: it is never sent, logged or derived from a password (SEAL-01)."""

    secret: bytes = field(repr=False)
    """`KEY_BYTES` random bytes."""

    def __post_init__(self) -> None:
        """Refuse anything else.

        Raises:
            BadRoomKeyError: it has another length.

        """
        if len(self.secret) != KEY_BYTES:
            raise BadRoomKeyError

    @classmethod
    def parse(cls, text: str) -> "RoomKey":
        """Read a key as links have it.

        Raises:
            BadRoomKeyError: it is none.

        """
        secret = _decode(text)
        if secret is None:
            raise BadRoomKeyError
        return cls(secret)

    @property
    def text(self) -> str:
        """The key as links have it: 22 characters of base64url. Whoever sees them can read the room."""
        return _encode(self.secret)

    @property
    def fingerprint(self) -> str:
        """What people compare, such as ``1F3A 90BC 77D2 4E01``: it shows whether two have the same key, not which."""
        digits = hashlib.sha256(_INFO + b" fingerprint" + self.secret).digest()[:_FINGERPRINT_BYTES].hex().upper()
        return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


@dataclass(frozen=True, slots=True)
class SealedText:
    """A text that is sealed. What sends to a sealed room takes this type, so that no plain text gets there."""

    text: str
    """``e2e1.`` and base64url."""


class Sealer:
    """Seals what one member says in one session."""

    def __init__(self, key: RoomKey, room: str, sender: str, sender_id: bytes) -> None:
        """``sender_id`` has `SENDER_ID_BYTES` random bytes, new for each session and never stored."""
        if len(sender_id) != SENDER_ID_BYTES:
            raise ValueError(f"A sender id has {SENDER_ID_BYTES} bytes.")
        self._room = room
        self._sender = sender
        self._sender_id = sender_id
        self._cipher = _cipher(key, room, sender_id)
        self._counter = 0

    def seal(self, text: str, kind: Kind = Kind.TEXT) -> SealedText:
        """Seal a text; each is sealed differently, even if it is said twice.

        Raises:
            SealerExhaustedError: the counter has no further value.
            ValueError: it is empty; nobody opens such a text.

        """
        if not text:
            raise ValueError("An empty text is never sealed.")
        if self._counter == MAX_COUNTER:
            raise SealerExhaustedError
        self._counter += 1  # before anything can fail: a counter that was used once is never used again
        counter = self._counter.to_bytes(_COUNTER_BYTES, "big")
        about = _about(kind, self._room, self._sender)
        sealed = self._cipher.encrypt(_nonce(counter), text.encode(), about)
        return SealedText(_PREFIX + _encode(self._sender_id + counter + sealed))


@dataclass(slots=True)
class _Session:
    """What was opened of one sender id."""

    cipher: AESGCM
    newest: int = 0
    """The greatest counter."""
    seen: int = 0
    """Bit n is set if the counter ``newest - n`` was seen."""

    def take(self, counter: int) -> bool:
        """Note a counter; False if it was seen, or may have been."""
        ahead = counter - self.newest
        if ahead > 0:
            kept = self.seen << ahead if ahead < WINDOW else 0
            self.newest, self.seen = counter, (kept | 1) & ((1 << WINDOW) - 1)
            return True
        bit = 1 << -ahead if -ahead < WINDOW else 0
        fresh = bool(bit) and not self.seen & bit
        self.seen |= bit
        return fresh


class Opener:
    """Opens what others say in one room, each text once.

    It remembers the newest `WINDOW` counters of each of `MAX_SENDERS` sender ids. Of more, it forgets the one that was
    heard longest ago; only who has the key can make it do so.
    """

    def __init__(self, key: RoomKey, room: str) -> None:
        self._key = key
        self._room = room
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    def open(self, text: str, sender: str, kind: Kind = Kind.TEXT) -> str | Unopened:
        """Open a text that the relay says is from ``sender``; returns it, or why it can't be shown.

        What is returned is not harmless to show yet: the relay could not see it. Topics may be opened again (SEAL-04).
        """
        if not text.startswith(_PREFIX):
            return Unopened.NOT_SEALED
        data = _decode(text.removeprefix(_PREFIX))
        if data is None or len(data) <= _ADDED_BYTES:
            return Unopened.BROKEN
        sender_id, counter, sealed = data[:8], data[8:16], data[16:]
        if not any(counter):
            return Unopened.BROKEN
        session = self._sessions.get(sender_id) or _Session(_cipher(self._key, self._room, sender_id))
        about = _about(kind, self._room, sender if kind is Kind.TEXT else "")
        try:
            opened = session.cipher.decrypt(_nonce(counter), sealed, about).decode()
        except (InvalidTag, UnicodeDecodeError):
            return Unopened.BROKEN
        if kind is Kind.TEXT and not self._remember(sender_id, session).take(int.from_bytes(counter, "big")):
            return Unopened.SEEN
        return opened

    def _remember(self, sender_id: bytes, session: _Session) -> _Session:
        self._sessions[sender_id] = session
        self._sessions.move_to_end(sender_id)
        if len(self._sessions) > MAX_SENDERS:
            self._sessions.popitem(last=False)
        return session


def sealed_bytes(text_bytes: int) -> int:
    """Return how long a text of so many bytes is when it is sealed."""
    return len(_PREFIX) + -(-4 * (text_bytes + _ADDED_BYTES) // 3)


def text_bytes_within(limit_bytes: int) -> int:
    """Return how long a text may be so that it has at most ``limit_bytes`` when it is sealed; 0 if none fits."""
    return max(0, 3 * (limit_bytes - len(_PREFIX)) // 4 - _ADDED_BYTES)


def _cipher(key: RoomKey, room: str, sender_id: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=sender_id, info=_INFO + room.encode()).derive(key.secret))


def _nonce(counter: bytes) -> bytes:
    return bytes(4) + counter


def _about(kind: Kind, room: str, sender: str) -> bytes:
    """Return what is sealed along with a text, so that it can't be moved elsewhere; names have no NUL."""
    return bytes((kind,)) + room.encode() + b"\0" + (sender.encode() if kind is Kind.TEXT else b"")


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    """Read base64url without padding; None if it isn't spelt in the only way there is."""
    if len(text) % 4 == 1 or not _BASE64.fullmatch(text):
        return None
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if _encode(data) == text else None
