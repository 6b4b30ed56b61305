"""Who may be called what: names that look alike are the same, and nobody is the relay."""

# ruff: noqa: RUF001 - look-alikes are what this is about

import unicodedata

import pytest
from confusable_homoglyphs.confusables import confusables_data
from hypothesis import given

from chatproto import BadNameError, check_user_name
from libs.chatproto.strategies import USER_NAMES
from relay_server.core.names import RESERVED_KEYS, check_not_reserved, name_keys

ASCII = [chr(code) for code in range(128) if chr(code).isalnum()]
LEFT_TO_RIGHT_MARK = "\u200e"  # the table puts letters of right-to-left scripts between two of them


def are_alike(one: str, other: str) -> bool:
    return not set(name_keys(one)).isdisjoint(name_keys(other))


def look_alikes(letter: str) -> set[str]:
    """Return all single characters that the library's table takes for the letter."""
    found = {entry["c"].strip(LEFT_TO_RIGHT_MARK) for entry in confusables_data.get(letter, ())}
    return {character for character in found if len(character) == 1}


# NFKC makes another letter of these before anybody compares them.
ELSEWHERE = {("c", "\u03f2"), ("C", "\u03f9"), ("f", "ſ"), ("i", "˛"), ("i", "\u037a"), ("l", "\uffe8")}


@pytest.mark.requirement("ROOM-03")
def test_every_look_alike_of_an_ascii_letter_or_digit_shares_a_key_with_it() -> None:
    pairs = {(letter, alike) for letter in ASCII for alike in look_alikes(letter)}
    assert len(pairs) > 1300
    apart = {(letter, alike) for letter, alike in pairs if not are_alike(letter, alike)}
    assert apart == ELSEWHERE
    for letter, alike in apart:
        assert unicodedata.normalize("NFKC", alike) != alike, (letter, alike)


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "Ann"),
        ("ann", "ANN"),
        ("ann", "аnn"),
        ("ann", "ａｎｎ"),
        ("Iris", "lris"),
        ("Iris", "1ris"),
        ("bob", "b0b"),
        ("bob", "bסb"),
        ("strasse", "straße"),
        ("ﬁn", "fin"),
        ("é", "e\u0301"),
        ("カ", "ｶ"),
    ],
)
def test_names_that_look_alike_are_the_same(one: str, other: str) -> None:
    assert are_alike(one, other)


@pytest.mark.parametrize(("one", "other"), [("ann", "anna"), ("bob", "rob"), ("田中", "中田"), ("a", "á")])
def test_different_names_are_different(one: str, other: str) -> None:
    assert not are_alike(one, other)


@given(USER_NAMES)
def test_keys_ignore_case_and_are_always_the_same(name: str) -> None:
    assert name_keys(name) == name_keys(name)
    assert are_alike(name, name.casefold())
    assert all(name_keys(name))


IMPERSONATIONS = [
    "server", "SERVER", "Server", "ｓｅｒｖｅｒ", "ѕerver", "sеrvеr", "server\u200b", "alice\nserver", " server",
    "server:", "system", "ѕystem", "host", "hоst", "hסst", "h0st", "admin", "Admin", "аdmin", "ADMINISTRATOR",
    "moderator", "operator", "サーバー", "ｻｰﾊﾞｰ", "サーバ", "システム", "ホスト", "管理者",
]  # fmt: skip


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize("name", IMPERSONATIONS)
def test_nobody_can_pass_for_the_relay(name: str) -> None:
    def admit() -> None:
        check_not_reserved(name_keys(check_user_name(name.encode())))

    with pytest.raises(BadNameError):
        admit()


@pytest.mark.parametrize("name", ["ann", "servers", "my server", "hostess", "ad min", "田中"])
def test_other_names_are_free(name: str) -> None:
    check_not_reserved(name_keys(name))


def test_every_reserved_word_is_known_by_its_keys() -> None:
    assert {"server", "サーバー"} <= RESERVED_KEYS
