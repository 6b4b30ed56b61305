"""Which characters names may have: what shows, on every screen."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from precis_i18n import get_profile

from chatproto import BadNameError, check_room_name, check_user_name
from relay_server.core.name_rules import OF_ROOMS, OF_USERS, check_shown
from relay_server.core.registry import Registry
from relay_server.net.address import locate
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import Case, new_nonces

FREEFORM = get_profile("FreeformClass")
MANY = ("CJK UNIFIED", "HANGUL SYLLABLE", "TANGUT IDEOGRAPH", "EGYPTIAN", "ANATOLIAN", "CUNEIFORM")
PRINTABLE_ASCII = [chr(code) for code in range(128) if chr(code).isprintable()]

FINE = [
    "Alice 2", "日本語", "José", "Jose\u0301", "ann smith", "田中\u3000太郎", "ann\xa0smith", "{ann}", "[bot]", "@ann",
    "#1",
    "😀", "❤\ufe0f", "❤\ufe0e", "1\ufe0f\u20e3", "‼\ufe0f", "🇯🇵", "👩🏽", "☃", "★Ann★", "葛\U000e0100城", "ﾊﾟﾝﾀﾞ",
    "\u1112\u1161\u11ab\u1100\u1173\u11af", "(・∀・)", "A·B", "ジョン・スミス", "ไทย", "हिन्दी", "שָׁלוֹם", "علي",
    "Ünïcödé", "½", "Ⅷ", "\u05e6\u05f3\u05e8\u05dc\u05d9", "علي ٣",
    "نمی\u200cکنم", "می\u200cشد", "ශ්\u200dරී", "क्\u200dष", "क्\u200cष", "شــــكر", "مُـحمد", "عـ",
]  # fmt: skip
REFUSED = {
    "zero width": "a\u200bb a\u200cb a\u200db a\u2060b a\ufeffb a\u00adb",
    "turning": "a\u202eb a\u2066b a\u200eb a\u061cb",
    "controls": "a\tb a\x1bb a\x9bb a\x7fb a\u2028b",
    "fillers": "\u3164 \u115f \u1160 \uffa0 a\u3164b a\u034fb a\u17b4b a\u180bb",
    "blanks": "\u2800 a\u2800b \U0001d159 \U00016fe4 \ufffc",
    "variants of nothing": "\ufe0f a\ufe0fb 1\ufe0f é\ufe0f a\U000e0100b ❤\ufe0f\ufe0f",
    "tags": "a\U000e0061b \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "annotations": "a\ufff9b\ufffac\ufffb",
    "piles": "Z\u0335\u0335\u0335\u0335\u0335 ก\u0e47\u0e47\u0e47\u0e47\u0e47 \u0301a",
    "unassigned and private": "\u0378 a\ue000b \U0010ffff \ufdd0",
    "joiners of no script": "é\u200db é\u200cb é\u200d\u200db 👩\u200d💻",
    "joiners where the script needs none": "ع\u200dل د\u200cر \u200cعلی علی\u200c ක්\u200d",
    "discouraged": "\u0640 \u0640ع a\u0640b \u302ea \u3031",
}


def check(name: str) -> str:
    shown = check_user_name(name.encode())
    check_shown(shown, OF_USERS)
    return shown


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize("name", FINE, ids=ascii)
def test_names_that_people_use_stay(name: str) -> None:
    assert check(name) == name


@pytest.mark.requirement("ROOM-03", "TCP-02")
@pytest.mark.parametrize(
    ("name"), [pytest.param(n, id=f"{k}-{n!a}") for k, ns in REFUSED.items() for n in ns.split(" ")]
)
def test_invisible_or_misleading_names_of_users_and_rooms_are_refused(name: str) -> None:
    with pytest.raises(BadNameError):
        check(name)
    with pytest.raises(BadNameError):
        check_shown(check_room_name(name.encode()), OF_ROOMS)


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize("name", ["\u2800", "a\u0640b"], ids=ascii)
def test_nobody_comes_in_by_such_a_name_or_into_such_a_room(name: str) -> None:
    case = Case()
    with pytest.raises(BadNameError, match="The user name has a character that names can't have"):
        case.create(name)
    with pytest.raises(BadNameError, match="The room name has a character that names can't have"):
        case.create("ann", room=name)


def test_printable_ascii_needs_no_second_look() -> None:
    """The class judges each of these characters by itself, so a name of them is always of it."""
    for character in PRINTABLE_ASCII:
        assert FREEFORM.enforce(character) == character
    FREEFORM.enforce("".join(PRINTABLE_ASCII))
    check_shown("".join(PRINTABLE_ASCII), OF_ROOMS)


def is_of_the_class(text: str) -> bool:
    try:
        FREEFORM.enforce(text)
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.no_cover  # a hundred thousand characters, which others cover
def test_beyond_the_class_only_dots_and_short_of_it_only_blanks() -> None:
    """All characters there are, but for thousands of their kind: what we allow is what PRECIS does, but for a few."""
    allowed, of_the_class = set(), set()
    for character in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(character) in {"Cn", "Co", "Cs"} or unicodedata.name(character, "").startswith(MANY):
            continue
        normal = unicodedata.normalize("NFC", character)
        if all(map(is_of_the_class, normal)):
            of_the_class.add(character)
        try:
            check_shown(character, OF_ROOMS)
        except BadNameError:
            continue
        allowed.add(character)
    controls = set(map(chr, [*range(32), 127]))  # ASCII isn't judged here: `chatproto` refuses these
    blanks = {c for c in "\u2800\ufffc\U00013441\U00013442\U0001d159\U00016fe4" if c in of_the_class}
    leading = {c for c in of_the_class if unicodedata.category(c) in {"Mn", "Me"}}
    assert allowed - of_the_class == set("·・\u0387") | controls
    assert of_the_class - allowed == blanks | leading


@given(st.text(st.sampled_from(PRINTABLE_ASCII), min_size=1, max_size=60))
def test_ascii_is_never_refused(name: str) -> None:
    check_shown(name, OF_USERS)
    assert FREEFORM.enforce(name) == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a\u3164b", "The user name has a character that names can't have (U+3164 HANGUL FILLER): leave it out."),
        (
            "\u2800é",
            "The user name has a character that names can't have (U+2800 BRAILLE PATTERN BLANK): leave it out.",
        ),
        ("\u0301a", "The user name begins with a mark (U+0301 COMBINING ACUTE ACCENT): put a letter before it."),
    ],
)
def test_a_refusal_says_which_character(name: str, sentence: str) -> None:
    with pytest.raises(BadNameError) as refused:
        check(name)
    assert str(refused.value) == sentence


@pytest.mark.requirement("TCP-02")
def test_a_room_of_such_a_name_can_neither_be_created_nor_joined() -> None:
    registry = Registry(unlimited(), lambda _: None, new_nonces(), locate)
    name = "a\u3164b".encode()
    with pytest.raises(BadNameError, match="The room name has a character that names can't have"):
        registry.create_room(name, "ann", b"1", bytes(16), 0.0)
    with pytest.raises(BadNameError, match="The room name has a character that names can't have"):
        registry.join_room(name, "ann", b"1", bytes(16), 0.0)
    assert not registry.rooms
