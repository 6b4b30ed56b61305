"""Writes tests/vectors/sealing.json, which every client that seals is tested against, in any language (SEAL-02).

    PYTHONPATH=tests .venv/bin/python -m libs.chatproto.sealing_vectors

It seals by itself, step by step as docs/protocol.md says, and uses nothing of `chatproto.sealing`.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PATH: Final = Path(__file__).parents[2] / "vectors" / "sealing.json"
TEXT, TOPIC = 0, 1


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@dataclass(frozen=True)
class Vector:
    """One text and all that goes into sealing it; members are what the steps of SEAL-02 give."""

    about: str
    secret: bytes = bytes(range(16))
    room: str = "lab"
    sender: str = "ann"
    kind: int = TEXT
    sender_id: bytes = bytes.fromhex("a1a2a3a4a5a6a7a8")
    counter: int = 1
    text: bytes = b"hello"

    @property
    def key(self) -> bytes:
        """HKDF-SHA256: one block of 32 bytes."""
        pseudorandom = hmac.digest(self.sender_id, self.secret, "sha256")
        return hmac.digest(pseudorandom, b"chat e2e1" + self.room.encode() + b"\1", "sha256")

    @property
    def nonce(self) -> bytes:
        return bytes(4) + self.counter.to_bytes(8, "big")

    @property
    def additional_data(self) -> bytes:
        sender = self.sender if self.kind == TEXT else ""
        return bytes([self.kind]) + self.room.encode() + b"\0" + sender.encode()

    @property
    def raw(self) -> bytes:
        """What the base64 stands for."""
        sealed = AESGCM(self.key).encrypt(self.nonce, self.text, self.additional_data)
        return self.sender_id + self.counter.to_bytes(8, "big") + sealed

    @property
    def sealed(self) -> str:
        return "e2e1." + base64url(self.raw)

    def to_json(self) -> dict[str, Any]:
        return {
            "about": self.about,
            "secret": self.secret.hex(),
            "room": self.room,
            "sender": self.sender,
            "kind": self.kind,
            "sender_id": self.sender_id.hex(),
            "counter": str(self.counter),
            "text": self.text.decode(),
            "key": self.key.hex(),
            "nonce": self.nonce.hex(),
            "additional_data": self.additional_data.hex(),
            "sealed": self.sealed,
        }


HELLO: Final = Vector("the first text of a session")
SEALED: Final = (
    HELLO,
    replace(HELLO, about="the second one, which says the same", counter=2),
    replace(HELLO, about="another session", sender_id=bytes.fromhex("00ffeeddccbbaa99")),
    replace(HELLO, about="another secret", secret=bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0f")),
    replace(HELLO, about="names and a text beyond ASCII", room="漢字", sender="José", text="日本語 😀".encode()),
    replace(HELLO, about="a topic, which has no sender", kind=TOPIC, sender="", text=b"tea"),
    replace(HELLO, about="one byte, in as many characters as base64 needs without padding", text=b"x"),
    replace(HELLO, about="two bytes", text=b"xy"),
    replace(HELLO, about="three bytes", text=b"xyz"),
    replace(HELLO, about="the greatest counter", counter=2**64 - 1),
    replace(HELLO, about="a counter that no double has", counter=2**53 + 1),
    replace(HELLO, about="the longest text in 4094 bytes", text=b"a" * 3034),
)


def refused() -> list[dict[str, Any]]:
    """Return what is never opened as a text of ann's in the room lab with the first secret, or as what it says."""
    good = HELLO.sealed
    flipped = bytes([*HELLO.raw[:-1], HELLO.raw[-1] ^ 1])
    # Of the last character of `good` two bits mean nothing: they must be 0, or one text would have four spellings.
    assert len(HELLO.raw) % 3 == 1
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelt = good[:-1] + alphabet[alphabet.index(good[-1]) + 1]
    as_read = {
        "another secret": replace(HELLO, secret=bytes(16)).sealed,
        "another room": replace(HELLO, room="lab2").sealed,
        "another sender's name": replace(HELLO, sender="bob").sealed,
        "a topic as a text": replace(HELLO, kind=TOPIC).sealed,
        "a text of nobody": replace(HELLO, sender="").sealed,
        "the sender's name moved into the room's": replace(HELLO, room="lab\0ann", sender="").sealed,
        "the counter 0": replace(HELLO, counter=0).sealed,
        "another counter": "e2e1." + base64url(HELLO.raw[:15] + b"\2" + HELLO.raw[16:]),
        "another sender id": "e2e1." + base64url(b"\0" + HELLO.raw[1:]),
        "a flipped bit of the tag": "e2e1." + base64url(flipped),
        "no tag": "e2e1." + base64url(HELLO.raw[:-16]),
        "an empty text": replace(HELLO, text=b"").sealed,
        "text that is not UTF-8": replace(HELLO, text=b"\xff").sealed,
        "one byte less": "e2e1." + base64url(HELLO.raw[:-1]),
        "one byte more": "e2e1." + base64url(HELLO.raw + b"\0"),
        "nothing": "e2e1.",
        "a sender id alone": "e2e1." + base64url(HELLO.sender_id),
        "padding": good + "=" * (-len(good[5:]) % 4),
        "bits that mean nothing": respelt,
        "one character less": good[:-1],
        "a number of characters that no base64 has": good + "AAA",
        "base64 with + and /": "e2e1.+/" + good[7:],
        "a space": good[:20] + " " + good[20:],
        "a line's end": good + "\n",
        "a sign beyond ASCII": good + "é",
        "the prefix in upper case": "E2E1." + good[5:],
        "the next version": "e2e2." + good[5:],
        "a space in front": " " + good,
        "plain text": "hello",
    }
    topics = {
        "a text as a topic": HELLO.sealed,
        "a text of nobody as a topic": replace(HELLO, sender="").sealed,
    }
    known = {"secret": HELLO.secret.hex(), "room": HELLO.room, "sender": HELLO.sender}
    return [{"about": about, **known, "kind": TEXT, "sealed": text} for about, text in as_read.items()] + [
        {"about": about, **known, "kind": TOPIC, "sealed": text} for about, text in topics.items()
    ]


def keys() -> list[dict[str, str]]:
    """Return secrets as links have them, and as people compare them."""
    secrets = (HELLO.secret, bytes(16), b"\xff" * 16, bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0f"))
    return [
        {"secret": secret.hex(), "link": base64url(secret), "fingerprint": fingerprint_of(secret)} for secret in secrets
    ]


def fingerprint_of(secret: bytes) -> str:
    """Return the first 64 bits of a hash, in four groups of four digits."""
    digits = hashlib.sha256(b"chat e2e1 fingerprint" + secret).hexdigest()[:16].upper()
    return f"{digits[:4]} {digits[4:8]} {digits[8:12]} {digits[12:]}"


def vectors() -> str:
    """Return the whole file."""
    bad_keys = [
        "",
        base64url(bytes(15)),
        base64url(bytes(17)),
        base64url(bytes(16)) + "==",
        "A" * 21 + "B",
        "A" * 21 + "+",
    ]
    parts = {
        "keys": keys(),
        "no_keys": bad_keys,
        "sealed": [vector.to_json() for vector in SEALED],
        "refused": refused(),
    }
    return json.dumps(parts, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(vectors(), encoding="utf-8")
