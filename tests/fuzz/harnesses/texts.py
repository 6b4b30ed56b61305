"""Text made harmless, names and passwords: what passes is printable, and stays as it is (UDP-11, TCP-02, ROOM-03)."""

import unicodedata
from collections.abc import Callable
from typing import Final

from chatproto import BadNameError, BadPasswordError, check_password, check_room_name, check_user_name, sanitize
from chatproto.constants import MAX_NAME_BYTES, MAX_PASSWORD_BYTES

BIDIRECTIONAL: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

SEEDS: Final = (
    b"hello",
    b"a\r\nb\x1b[31m\x07\x00",
    "漢字\u3000かな".encode(),
    "\u202eabc\u2028\x85\x9b".encode(),
    "é\u0301\U0001f469\u200d\U0001f680".encode(),
    b"server: x",
    b" ann ",
    "\U0001d160".encode() * 256,
    b"\xff\xfe\xed\xa0\x80",
)
WORDS: Final = (b"\x1b[", "\u202e".encode(), "\u2028".encode(), "\x9b".encode(), b"\r\n", "\u3000".encode(), b":")


def check(data: bytes) -> None:
    check_harmless(data.decode(errors="replace"))
    check_harmless(data.decode(errors="surrogateescape"))
    check_name(check_room_name, data)
    name = check_name(check_user_name, data)
    if name is not None:
        assert ":" not in name
        assert name == name.strip()
        assert check_room_name(name.encode()) == name, "a user name is no room name"
    check_secret(data.decode(errors="surrogateescape"))


def check_harmless(text: str) -> None:
    shown = sanitize(text)
    assert sanitize(shown) == shown
    assert len(shown) <= len(text)
    assert len(shown.splitlines()) <= 1
    assert BIDIRECTIONAL.isdisjoint(shown)
    assert all(character == "\t" or unicodedata.category(character) != "Cc" for character in shown)
    assert shown == text or not (text.isprintable() and text.isascii())


def check_name(check_it: Callable[[bytes], str], data: bytes) -> str | None:
    try:
        name = check_it(data)
    except BadNameError:
        return None
    assert 0 < len(name.encode()) <= MAX_NAME_BYTES
    assert check_it(name.encode()) == name
    assert sanitize(name) == name, "a name isn't harmless"
    return name


def check_secret(text: str) -> None:
    try:
        password = check_password(text)
    except BadPasswordError:
        halves = any("\ud800" <= character <= "\udfff" for character in text)
        spellings = (text, unicodedata.normalize("NFC", text))
        assert halves or any(len(spelling.encode()) > MAX_PASSWORD_BYTES for spelling in spellings)
        return
    assert check_password(password) == password, "a password can't be given again"
    assert unicodedata.is_normalized("NFC", password)
