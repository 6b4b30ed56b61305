"""Passwords by argon2id: hashed and checked so that trying many is dear, also for who stole the memory (PWD-06).

Either takes some 40 ms of a processor: never on the event loop, see `net.workers`.
"""

import base64
import os
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, VerifyMismatchError

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


class Passwords:
    """Hashes and checks; without state, so that any thread may use it."""

    def hash(self, password: str) -> str:
        """Return a hash of the password, each time another one.

        Raises:
            BusyError: there isn't enough memory now.

        """
        try:
            return _HASHER.hash(password)
        except Argon2Error:
            raise _short_of_memory() from None

    def check(self, password: str, password_hash: str) -> str:
        """Return the hash if the password fits it.

        Raises:
            WrongPasswordError: it doesn't.
            BusyError: there isn't enough memory now.

        """
        try:
            _HASHER.verify(password_hash, password)
        except VerifyMismatchError:
            raise WrongPasswordError from None
        except Argon2Error:
            raise _short_of_memory() from None
        return password_hash


def decoy_hash() -> str:
    """Return a hash that no password fits, and that takes as long to check as any (PWD-05)."""
    salt, digest = (_base64(os.urandom(size)) for size in (_SALT_BYTES, _DIGEST_BYTES))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${digest}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _short_of_memory() -> BusyError:
    return BusyError("The relay is short of memory for passwords: try again in a moment.")
