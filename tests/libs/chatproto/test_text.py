"""Which names are legal, and what may be shown of a message."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import BadNameError, BadPasswordError, check_password, check_room_name, check_user_name, sanitize
from chatproto.text import NEWLINE_SIGN, REPLACEMENT

BIDI = {"\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
HARMFUL = {
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if character != "\t" and unicodedata.category(character) in {"Cc", "Zl", "Zp"}
} | BIDI
RISKY_TEXT = st.text(st.one_of(st.sampled_from(sorted(HARMFUL | {"\t", "a"})), st.characters()), max_size=40)


def test_every_harmful_character_is_replaced_and_no_other() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        assert (sanitize(character) != character) == (character in HARMFUL), ascii(character)


@given(RISKY_TEXT)
def test_sanitized_text_is_harmless_and_stays_as_it_is(text: str) -> None:
    safe = sanitize(text)
    assert not HARMFUL & set(safe)
    assert sanitize(safe) == safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("", ""),
        ("hello", "hello"),
        ("a\tb", "a\tb"),
        ("a\nb", f"a{NEWLINE_SIGN}b"),
        ("a\r\nb", f"a{NEWLINE_SIGN}b"),
        ("a\n\rb", f"a{NEWLINE_SIGN * 2}b"),
        ("a\u2028b\x85c", f"a{NEWLINE_SIGN}b{NEWLINE_SIGN}c"),
        ("\x1b[2J", f"{REPLACEMENT}[2J"),
        ("\x9b2J\x07", f"{REPLACEMENT}2J{REPLACEMENT}"),
        ("\u202egnp.exe", f"{REPLACEMENT}gnp.exe"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
@pytest.mark.requirement("UDP-11")
def test_a_message_is_made_harmless_in_one_line(text: str, safe: str) -> None:
    assert sanitize(text) == safe


GOOD_NAMES = [
    b"a",
    b"a" * 255,
    ("é" * 127 + "e").encode(),
    ("漢" * 85).encode(),
    ("😀" * 63 + "abc").encode(),
    b"ann smith",
    "田中\u3000太郎".encode(),
    "ann\xa0smith".encode(),
    b"{ann}",
]
BAD_NAMES = [
    b"",
    b"a" * 256,
    ("é" * 128).encode(),
    ("漢" * 85 + "e").encode(),
    ("漢" * 86).encode(),
    ("😀" * 64).encode(),
    ("é" * 128).encode()[:255],
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"a\0",
    b"a\tb",
    b"a\nb",
    b"\x1b[31m",
    "a\u200bb".encode(),
    "a\u202eb".encode(),
    "a\u2028b".encode(),
    "a\ufeff".encode(),
]


@pytest.mark.parametrize("raw", GOOD_NAMES)
def test_a_good_name_is_its_own_text(raw: bytes) -> None:
    assert check_room_name(raw) == raw.decode()
    assert check_user_name(raw) == raw.decode()


@pytest.mark.parametrize("raw", BAD_NAMES)
def test_a_bad_name_is_refused_for_rooms_and_users(raw: bytes) -> None:
    for check in (check_room_name, check_user_name):
        with pytest.raises(BadNameError):
            check(raw)


@pytest.mark.parametrize("raw", [b":", b"a:b", b"server: x", b" ", b" a", b"a ", "\u3000a".encode(), "a\xa0".encode()])
def test_colons_and_outer_spaces_are_for_rooms_only(raw: bytes) -> None:
    assert check_room_name(raw) == raw.decode()
    with pytest.raises(BadNameError):
        check_user_name(raw)


@given(st.binary(max_size=300))
def test_every_name_is_legal_or_bad(raw: bytes) -> None:
    for check in (check_room_name, check_user_name):
        try:
            name = check(raw)
        except BadNameError:
            continue
        assert name.encode() == raw
        assert sanitize(name) == name


@pytest.mark.requirement("PWD-01")
def test_a_password_is_the_same_however_a_keyboard_spells_it() -> None:
    assert check_password("cafe\u0301 \u1112\u1161\u11ab") == check_password("caf\u00e9 \ud55c") == "caf\u00e9 \ud55c"
    assert check_password("\ufb01") == "\ufb01"  # another character altogether, not another spelling
    assert check_password("") == ""


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("x" * 1025, "The password has 1025 bytes: use at most 1024."),
        ("\U0001d160" * 256, "The password has 3072 bytes: use at most 1024."),  # as it is compared
        ("\u00e9" * 513, "The password has 1026 bytes: use at most 1024."),
        ("pass\udc80word", "The password isn't text: it has half a character, and so no UTF-8."),
    ],
)
@pytest.mark.requirement("PWD-01")
def test_a_password_that_cant_be_used_is_named_but_not_shown(password: str, problem: str) -> None:
    with pytest.raises(BadPasswordError) as raised:
        check_password(password)
    assert str(raised.value) == problem
    assert len(check_password("x" * 1024)) == 1024
