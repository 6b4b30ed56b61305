"""Which names are legal, and what may be shown of a message."""

# ruff: noqa: RUF001 - languages are written in letters that look like others

import re
import sys
import unicodedata
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatproto import (
    BadNameError,
    BadPasswordError,
    RefusalCode,
    check_password,
    check_room_name,
    check_user_name,
    sanitize,
)
from chatproto.marks import MAX_MARKS
from chatproto.text import NEWLINE_SIGN, REPLACEMENT, name_character
from libs.chatproto import naive_text
from steps import count_steps

BIDI = {"\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x2070))}
SELECTORS = [*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))]
UNSEEN = {*map(chr, range(0xFFF0, 0xFFFC)), *map(chr, range(0xE0000, 0xE1000))} - set(SELECTORS)
# One look at each of a million characters, as every process that collects tests takes it.
BY_CATEGORY = defaultdict[str, list[str]](list)
for character in map(chr, range(sys.maxunicode + 1)):
    BY_CATEGORY[unicodedata.category(character)].append(character)
HARMFUL = {*BY_CATEGORY["Cc"], *BY_CATEGORY["Zl"], *BY_CATEGORY["Zp"], *BIDI, *UNSEEN} - {"\t"}
MARKS = sorted(BY_CATEGORY["Mn"] + BY_CATEGORY["Me"])
TOGETHER = 256
"""So many characters are looked at in one text: a text for each takes four times as long."""
RISKY = [sorted(HARMFUL), MARKS, SELECTORS, ["\t", "a", "\u200d", "\u200b", "😀"]]
RISKY_TEXT = st.text(st.one_of(*map(st.sampled_from, RISKY), st.characters()), max_size=40)
ENGLAND, SCOTLAND, WALES = naive_text.FLAGS
# What one step of `sanitize` could take from another: signs that stand for something meanwhile, and all of one chain.
TANGLED = (
    *"\0\1\2\3\r\n\x85\u2028\u202e\u200e\u2069\ufffda あ😀\xad\u200d\U000110bd\U0001bca1",
    *"\u0301\u0302\u20dd\ufe00\ufe0f\U000e0100\U000e0101\U00011000\U00011001\U0001d167\U0001e130",
    *"\U0001f3f4\U000e0067\U000e007f",
    *naive_text.FLAGS,
    "\u0301\u0302\u0303",
)
TANGLED_TEXT = st.lists(st.sampled_from(TANGLED), max_size=25).map("".join)


def highest_pile(text: str) -> int:
    """Return how many marks stand on one character at most."""
    height = highest = 0
    for category in map(unicodedata.category, text):
        height = height + 1 if category in {"Mn", "Me"} else height if category == "Cf" else 0
        highest = max(highest, height)
    return highest


@pytest.mark.slow
@pytest.mark.no_cover  # a million calls, which others cover
def test_every_harmful_character_is_replaced_and_no_other() -> None:
    for first in range(0, sys.maxunicode + 1, TOGETHER):
        characters = list(map(chr, range(first, first + TOGETHER)))
        safe = sanitize("ab".join(characters)).split("ab")
        wrong = [ascii(one) for one, other in zip(characters, safe, strict=True) if (one != other) != (one in HARMFUL)]
        assert not wrong


@given(RISKY_TEXT)
def test_sanitized_text_is_harmless_and_stays_as_it_is(text: str) -> None:
    safe = sanitize(text)
    assert not HARMFUL & set(re.sub(f"{ENGLAND}|{SCOTLAND}|{WALES}", "", safe))
    assert highest_pile(safe) <= MAX_MARKS
    assert not any({one, other} <= set(SELECTORS) for one, other in pairwise(safe))
    assert sanitize(safe) == safe


@given(st.one_of(TANGLED_TEXT, RISKY_TEXT, st.text()))
@example("\u0301\u0302\ufe00\ufe0f\u0301\u0302")  # a selector left out right before the marks that are
@example("a\ufe00\ufe0f\ufffd")  # a sign that was there isn't taken for the one of what is left out
@example("\u0301\u200d\u0302\xad\u0301\u0302\u200d\u0303\u200d\u0301😀")
@example("\1\0" + ENGLAND + 5 * "\U00011001" + "\3")
@example(ENGLAND[:-1] + 6 * "\u0301" + WALES + "\U000e0101\U000e0102")
def test_text_comes_out_as_if_each_character_was_looked_at(text: str) -> None:
    assert sanitize(text) == naive_text.sanitize(text)


HOSTILE = [
    *["\0", "\x9b", "\r\n", "\u2028", "\u202e", "\U000e0041", "\U0001f3f4\U000e0067", ENGLAND],
    *["\u0301", "\u200d\u0301", "a" + 5 * "\u0301", "\ufe0f", "a\ufe0f\ufe0f", "\U000e0101", "\U00011001…", "\0\u0301"],
]


@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
@pytest.mark.requirement("UDP-11")
def test_a_text_full_of_harm_takes_as_many_steps_as_one_with_little(unit: str) -> None:
    sanitize(6 * unit)  # what a kind of text needs is built when the first one comes
    assert count_steps(lambda: sanitize(100 * unit)) == count_steps(lambda: sanitize(6 * unit))


@pytest.mark.slow
@pytest.mark.no_cover  # a million calls, which others cover
def test_every_character_is_a_mark_a_joiner_or_neither_as_unicode_says() -> None:
    for first in range(0, sys.maxunicode + 1, TOGETHER):
        characters = map(chr, range(first, first + TOGETHER))
        texts = [f"\u0301\u0302{character}\u0301\u0302{character}{character}." for character in characters]
        text = "".join(texts)
        assert sanitize(text) == naive_text.sanitize(text), hex(first)


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
        ("x\nserver: closed", f"x{NEWLINE_SIGN}server: closed"),
        ("\u202dabc\u202c", f"{REPLACEMENT}abc"),
        ("\u2066a\u2069", "a"),
        ("שלום\u200f!", "שלום!"),
        ("\u202bسلام\u202c \u200eok\u061c", "سلام ok"),
        ("\u202c\u2069 the end of a paste, or its beginning \u202a\u2067", " the end of a paste, or its beginning "),
        ("a\r\u200e\nb", f"a{NEWLINE_SIGN}b"),
        ("a" + 3 * "\u0301" + "\u200e" + 3 * "\u0301", "a" + 4 * "\u0301" + REPLACEMENT),
        ("\ufff9漢\ufffaかん\ufffb", f"{REPLACEMENT}漢{REPLACEMENT}かん{REPLACEMENT}"),
        ("hi" + "\U000e0068\U000e0069", "hi" + 2 * REPLACEMENT),
        ("\U0001f3f4\U000e0075\U000e0073\U000e007f", "\U0001f3f4" + 3 * REPLACEMENT),
        ("Z" + 50 * "\u0335" + "algo", "Z" + 4 * "\u0335" + f"{REPLACEMENT}algo"),
        ("ก" + 9 * "\u0e47", "ก" + 4 * "\u0e47" + REPLACEMENT),
        ("e" + 3 * "\u0301" + "\u200d" + 3 * "\u0301", "e" + 3 * "\u0301" + "\u200d\u0301" + REPLACEMENT),
        ("😀" + "\U000e0101\U000e0102\U000e0103", "😀\U000e0101" + REPLACEMENT),
    ],
)
@pytest.mark.requirement("UDP-11")
def test_a_message_is_made_harmless_in_one_line(text: str, safe: str) -> None:
    assert sanitize(text) == safe


LANGUAGES = ["می\u200cخواهم", "ශ\u0dca\u200dරී", "葛\U000e0100城", "Vie\u0302\u0323t", "שָׁ֥מַיִם", "ที่", "！？！？！？"]
EMOJI = [
    "👨\u200d👩\u200d👧\u200d👦",
    "👩🏽\u200d🚀",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "🇯🇵",
    ENGLAND,
    SCOTLAND,
    WALES,
    "😀😀😀😀😀😀",
]
BREAKS = ["soft\u00adhyphen", "zero\u200bwidth", "no\u2060break", "\ufeffmark"]


@pytest.mark.parametrize("text", LANGUAGES + EMOJI + BREAKS, ids=ascii)
@pytest.mark.requirement("UDP-11")
def test_what_languages_and_emoji_need_stays(text: str) -> None:
    assert sanitize(text) == text


@pytest.mark.parametrize(
    ("character", "words"),
    [
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\n", "U+000A a control character"),
        ("\ue000", "U+E000 for private use"),
        ("\u0378", "U+0378 unassigned"),
        ("\ud800", "U+D800 without a name"),
    ],
)
def test_a_character_is_told_in_words(character: str, words: str) -> None:
    assert name_character(character) == words


GOOD_NAMES = [
    "نمی\u200cکنم".encode(),
    "ශ්\u200dරී".encode(),
    b"a",
    b"a" * 255,
    ("é" * 127 + "e").encode(),
    ("漢" * 85).encode(),
    ("😀" * 63 + "abc").encode(),
    b"ann smith",
    "田中\u3000太郎".encode(),
    "ann\xa0smith".encode(),
    b"{ann}",
    "❤\ufe0f".encode(),
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
    "a\u200db".encode(),
    "\u200cعلی".encode(),
    "علی\u200c".encode(),
    "\ue000".encode(),
    "\u0378".encode(),
    ("a" + 5 * "\u0301").encode(),
    "❤\ufe0f\ufe0f".encode(),
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


def test_a_refusal_says_which_character() -> None:
    with pytest.raises(BadNameError, match=r"has a character that can't be shown \(U\+202E RIGHT-TO-LEFT OVERRIDE\)"):
        check_user_name("a\u202e\u3000b".encode())
    with pytest.raises(BadNameError, match="has marks piled up on one character: use at most 4 there"):
        check_room_name(("a" + 5 * "\u0301").encode())


@pytest.mark.parametrize("raw", [b":", b"a:b", b"server: x", b" ", b" a", b"a ", "\u3000a".encode(), "a\xa0".encode()])
def test_colons_and_outer_spaces_are_for_rooms_only(raw: bytes) -> None:
    assert check_room_name(raw) == raw.decode()
    with pytest.raises(BadNameError):
        check_user_name(raw)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", RefusalCode.USER_NAME_EMPTY),
        (b"a" * 256, RefusalCode.USER_NAME_TOO_LONG),
        (b"\xff", RefusalCode.USER_NAME_NOT_UTF8),
        (b"a\x1b", RefusalCode.USER_NAME_UNPRINTABLE),
        (("a" + 5 * "\u0301").encode(), RefusalCode.USER_NAME_MARKS),
        (b"a:b", RefusalCode.USER_NAME_COLON),
        (b" a", RefusalCode.USER_NAME_SPACES),
    ],
)
def test_a_refusal_says_what_is_wrong_to_programs_too(raw: bytes, code: RefusalCode) -> None:
    with pytest.raises(BadNameError) as caught:
        check_user_name(raw)
    refusal = caught.value.refusal
    assert refusal.code is code
    assert refusal.size == (256 if code is RefusalCode.USER_NAME_TOO_LONG else 0)
    assert refusal.character == ("U+001B a control character" if code is RefusalCode.USER_NAME_UNPRINTABLE else "")
    if code not in {RefusalCode.USER_NAME_COLON, RefusalCode.USER_NAME_SPACES}:
        with pytest.raises(BadNameError) as caught:
            check_room_name(raw)
        assert caught.value.refusal == replace(refusal, code=RefusalCode(code.replace("user", "room")))


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
        ("\U0001d160" * 257, "The password has 1028 bytes: use at most 1024."),  # too long as it is, so never compared
        ("\u00e9" * 513, "The password has 1026 bytes: use at most 1024."),
        ("pass\udc80word", "The password isn't text: it has half a character, and so no UTF-8."),
    ],
)
@pytest.mark.requirement("PWD-01")
def test_a_password_that_cant_be_used_is_named_but_not_shown(password: str, problem: str) -> None:
    with pytest.raises(BadPasswordError) as raised:
        check_password(password)
    assert str(raised.value) == problem
    too_long = "bytes" in problem
    code = RefusalCode.PASSWORD_TOO_LONG if too_long else RefusalCode.PASSWORD_NOT_UTF8
    assert raised.value.refusal.code is code
    assert len(check_password("x" * 1024)) == 1024
