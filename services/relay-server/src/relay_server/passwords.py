"""Passwords by argon2id: hashed and checked so that trying many is dear, also for who stole the memory (PWD-06).

Either takes some 40 ms of a processor: never on the event loop, see `net.workers`.
"""

import base64
import os
import threading
from collections import Counter
from enum import StrEnum, unique
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, VerifyMismatchError

from chatproto import RefusalCode
from relay_server.core.errors import BusyError, WrongPasswordError

MEMORY_KIB: Final = 19 * 1024
"""OWASP's first choice for argon2id, with two passes: what a relay can bear, and a guesser's hardware feels."""
PASSES: Final = 2

_SALT_BYTES, _DIGEST_BYTES = 16, 32
_HASHER: Final = PasswordHasher(
    time_cost=PASSES,
    memory_cost=MEMORY_KIB,
    parallelism=1,
    hash_len=_DIGEST_BYTES,
    salt_len=_SALT_BYTES,
    type=Type.ID,
)


@unique
class Outcome(StrEnum):
    """What came of work on one password."""

    HASHED = "hashed"
    RIGHT = "right"
    WRONG = "wrong"
    NO_MEMORY = "no_memory"


class Passwords:
    """Hashes and checks, in any thread, and counts what came of it."""

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        """Return a hash of the password, each time another one.

        Raises:
            BusyError: there isn't enough memory now.

        """
        try:
            password_hash = _HASHER.hash(password)
        except Argon2Error:
            self._count(Outcome.NO_MEMORY)
            raise _short_of_memory() from None
        self._count(Outcome.HASHED)
        return password_hash

    def check(self, password: str, password_hash: str) -> str:
        """Return the hash if the password fits it.

        Raises:
            WrongPasswordError: it doesn't.
            BusyError: there isn't enough memory now.

        """
        try:
            _HASHER.verify(password_hash, password)
        except VerifyMismatchError:
            self._count(Outcome.WRONG)
            raise WrongPasswordError from None
        except Argon2Error:
            self._count(Outcome.NO_MEMORY)
            raise _short_of_memory() from None
        self._count(Outcome.RIGHT)
        return password_hash

    def _count(self, outcome: Outcome) -> None:
        with self._lock:  # two threads may be at it
            self.outcomes[outcome] += 1


def decoy_hash() -> str:
    """Return a hash that no password fits, and that takes as long to check as any (PWD-05)."""
    salt, digest = (_base64(os.urandom(size)) for size in (_SALT_BYTES, _DIGEST_BYTES))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${digest}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _short_of_memory() -> BusyError:
    return BusyError(RefusalCode.PASSWORDS_NEED_MEMORY)
