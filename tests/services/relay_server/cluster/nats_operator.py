"""A NATS operator with one account and one user, as NATS's own tools make them: keys (NKEY) and signed tokens (JWT)."""

import base64
import binascii
import hashlib
import json
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED: Final = 18 << 3
_KINDS: Final = {"O": 14 << 3, "A": 0, "U": 20 << 3}


class NKey:
    """A key of an operator (O), an account (A) or a user (U)."""

    def __init__(self, kind: str) -> None:
        self._prefix = _KINDS[kind]
        self._key = Ed25519PrivateKey.generate()
        self.public = _encode(bytes([self._prefix]) + self._key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        first = _SEED | (self._prefix >> 5)
        return _encode(bytes([first, (self._prefix & 31) << 3]) + self._key.private_bytes_raw())

    def sign(self, subject: str, name: str, claims: dict[str, Any]) -> str:
        """Return a token about somebody."""
        told = {"iat": 1, "iss": self.public, "name": name, "sub": subject, "nats": claims | {"version": 2}}
        digest = hashlib.sha256(json.dumps(told).encode()).digest()
        told["jti"] = base64.b32encode(digest).decode().rstrip("=")
        head, body = (_base64(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, told))
        return f"{head}.{body}.{_base64(self._key.sign(f'{head}.{body}'.encode()))}"


class Operator:
    """What a server trusts, and the credentials of a user of it."""

    def __init__(self) -> None:
        operator, account, system, user = NKey("O"), NKey("A"), NKey("A"), NKey("U")
        storage = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
        unlimited = {"subs": -1, "data": -1, "payload": -1}
        limits = unlimited | {"imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
        accounts = [
            f"{one.public}: {operator.sign(one.public, name, {'type': 'account', 'limits': limits | stores})}"
            for one, name, stores in ((account, "relays", storage), (system, "system", {}))
        ]
        own = operator.sign(operator.public, "operator", {"type": "operator"})
        self.config = (
            f"operator: {own}\nsystem_account: {system.public}\n"
            f"resolver: MEMORY\nresolver_preload: {{ {', '.join(accounts)} }}\n"
        )
        token = account.sign(user.public, "relay", {"type": "user", **unlimited})
        self.credentials = (
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            "************************* IMPORTANT *************************\n"
            "NKEY Seed printed below can be used to sign and prove identity.\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )
        self.seed = user.seed


def _encode(data: bytes) -> str:
    check = binascii.crc_hqx(data, 0).to_bytes(2, "little")
    return base64.b32encode(data + check).decode().rstrip("=")


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
