"""What looks alike: all of Unicode's table, UTS 39."""

import unicodedata
from itertools import chain

import pytest
from confusable_homoglyphs.confusables import confusables_data

from chatproto import BadNameError, check_user_name
from relay_server.core.errors import NameTakenError
from relay_server.core.name_rules import OF_USERS, check_shown
from relay_server.core.names import name_keys
from relay_server.core.registry import Registry
from relay_server.core.skeleton import skeleton
from relay_server.net.address import locate
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces

MARK = "\u200e"  # the table puts letters of right-to-left scripts between two of them
PAIRS = {
    frozenset((text.replace(MARK, ""), entry["c"].replace(MARK, "")))
    for text, entries in confusables_data.items()
    for entry in entries
}
WITH_ASCII = {
    (ascii_text, other)
    for ascii_text, other in chain.from_iterable(((a, b), (b, a)) for a, b in map(sorted, PAIRS))
    if ascii_text.isascii()
}
# Canonically equivalent to what the table takes for another look-alike: no text can tell them apart.
APART = {"\u1f7d", "\ufb2e", "\ufb1d", "\ufb49", "\uab74"}


def test_the_table_is_the_whole_one() -> None:
    assert len(PAIRS) > 6300
    assert len(WITH_ASCII) > 1700


def test_the_skeletons_of_all_pairs_are_equal() -> None:
    apart = [pair for pair in PAIRS if len(set(map(skeleton, pair))) > 1]
    assert all(pair & APART for pair in apart), apart
    assert len(apart) <= 6


def test_ascii_takes_no_other_way() -> None:
    for code in range(128):
        assert skeleton(chr(code) + "é")[:-2] == skeleton(chr(code)), code


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_the_spelling_doesnt_matter(form: str) -> None:
    for text in ("Ünïcödé", "한글", "ｱﾆｷ", "Việt"):
        spelled = unicodedata.normalize(form, text)  # type: ignore[arg-type]
        assert set(name_keys(spelled)) & set(name_keys(text)), (form, text)


@pytest.mark.slow
@pytest.mark.requirement("ROOM-03")
def test_no_look_alike_of_an_ascii_name_comes_in_beside_it() -> None:
    """All pairs of the table whose prototype is ASCII, each as a whole name and within one."""
    registry = Registry(unlimited(), lambda _: None, new_nonces(), locate)
    taken = bad = 0
    for number, (original, other) in enumerate(sorted(WITH_ASCII)):
        for frame in ("x{}x", "{}"):
            name, alike = frame.format(original), frame.format(other)
            if name.strip() != name or ":" in name:
                continue  # no name itself, so nobody's to imitate
            room = f"{number}{frame}".encode()
            registry.create_room(room, name, f"{number}{frame}a".encode(), bytes(16), 0.0)
            with pytest.raises((NameTakenError, BadNameError)) as refused:
                registry.join_room(room, alike, f"{number}{frame}b".encode(), bytes(16), 0.0)
            taken += isinstance(refused.value, NameTakenError)
            bad += isinstance(refused.value, BadNameError)
    assert taken > 3200
    assert bad < 100


def test_who_doesnt_look_alike_comes_in() -> None:
    registry = Registry(unlimited(), lambda _: None, new_nonces(), locate)
    registry.create_room(b"demo", "Alice", b"0", bytes(16), 0.0)
    for number, name in enumerate(
        ("Alice 2", "Bob", "日本語", "José", "Jose", "😀", "❤\ufe0f", "Алиса", "علي"), start=1
    ):
        registry.join_room(b"demo", name, b"%d" % number, bytes(16), 0.0)
        check_shown(check_user_name(name.encode()), OF_USERS)
