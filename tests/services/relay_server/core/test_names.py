"""Who may be called what: names that look alike are the same, and nobody is the relay."""

# ruff: noqa: RUF001 - look-alikes are what this is about

import pytest
from confusable_homoglyphs.confusables import confusables_data
from hypothesis import given

from chatproto import BadNameError, check_user_name
from libs.chatproto.strategies import USER_NAMES
from relay_server.core import names
from relay_server.core.name_rules import OF_ROOMS, OF_USERS, Flaws, check_shown
from relay_server.core.names import (
    MAX_NORMAL_CHARACTERS,
    check_not_marked,
    check_not_reserved,
    name_keys,
    passes_for_server,
)
from relay_server.core.skeleton import skeleton

ASCII = [chr(code) for code in range(128) if chr(code).isalnum()]
LEFT_TO_RIGHT_MARK = "\u200e"  # the table puts letters of right-to-left scripts between two of them


def are_alike(one: str, other: str) -> bool:
    return not set(name_keys(one)).isdisjoint(name_keys(other))


def look_alikes(letter: str) -> set[str]:
    """Return all single characters that the library's table takes for the letter."""
    found = {entry["c"].strip(LEFT_TO_RIGHT_MARK) for entry in confusables_data.get(letter, ())}
    return {character for character in found if len(character) == 1}


@pytest.mark.requirement("ROOM-03")
def test_every_look_alike_of_an_ascii_letter_or_digit_shares_a_key_with_it() -> None:
    pairs = {(letter, alike) for letter in ASCII for alike in look_alikes(letter)}
    assert len(pairs) > 1300
    assert {(letter, alike) for letter, alike in pairs if not are_alike(letter, alike)} == set()


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
        ("カ", "力"),
        ("fun", "ſun"),
        ("sun", "ſun"),
        ("mad", "rnad"),
        ("❤", "❤\ufe0f"),
        ("葛城", "葛\U000e0100城"),
        ("ann smith", "ann  smith"),
        ("ann smith", "ann\u3000smith"),
        ("ёлка", "ëлка"),
        ("100%", "100٪"),
        ("علی\u200cرضا", "علیرضا"),
        ("شــكر", "شكر"),
    ],
)
def test_names_that_look_alike_are_the_same(one: str, other: str) -> None:
    assert are_alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ann", "anna"), ("bob", "rob"), ("田中", "中田"), ("a", "á"), ("José", "Jose"), ("ann", "a n n")],
)
def test_different_names_are_different(one: str, other: str) -> None:
    assert not are_alike(one, other)


@given(USER_NAMES)
def test_keys_ignore_case_and_are_always_the_same(name: str) -> None:
    assert name_keys(name) == name_keys(name)
    assert are_alike(name, name.casefold())


@given(USER_NAMES)
def test_what_shows_has_keys(name: str) -> None:
    try:
        check_shown(name, OF_USERS)
    except BadNameError:
        return
    assert all(name_keys(name))


IMPERSONATIONS = [
    "server", "SERVER", "Server", "ｓｅｒｖｅｒ", "ѕerver", "sеrvеr", "server\u200b", "alice\nserver", " server",
    "server:", "system", "ѕystem", "host", "hоst", "hסst", "h0st", "admin", "Admin", "аdmin", "ADMINISTRATOR",
    "moderator", "operator", "サーバー", "ｻｰﾊﾞｰ", "サーバ", "システム", "ホスト", "管理者",
    # in parts of several scripts, or of letters that are drawings
    "sеrνer", "ＳеrVег", "ᏚᎬᏒᏙᎬᏒ", "𝓼𝓮𝓻𝓿𝓮𝓻", "Ⓢⓔⓡⓥⓔⓡ", "🅂🄴🅁🅅🄴🅁", "ⓐdmin", "adrnin", "サ一バ一", "サーバ―", "ホス卜",
    "さーばー", "運営", "管理人", "モデレーター",
    # with something around it, on it, or digits in it
    "[server]", "*server*", "@server", "#server", "server!", "-server-", "server 🔥", "(sеrver)",
    "《サーバー》", "【運営】",
    "sérvér", "s\u0332e\u0332r\u0332v\u0332e\u0332r\u0332",
    "a\u0323dmin", "\u0227dmin", "ho\u0332st", "ho\u0336st",
    "s3rver", "5erver", "5y5tem", "h05t", "adm1n", "@dmin", "@dm1n!", "$erver",
]  # fmt: skip


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize("name", IMPERSONATIONS, ids=ascii)
def test_nobody_can_pass_for_the_relay(name: str) -> None:
    def admit() -> None:
        check_not_reserved(name_keys(check_user_name(name.encode())))

    with pytest.raises(BadNameError):
        admit()


@pytest.mark.parametrize(
    "name",
    [
        "ann",
        "Høst",
        "Ádmin",
        "hôst",
        "servers",
        "my server",
        "hostess",
        "ad min",
        "田中",
        "[bot]",
        "*star*",
        "@ann",
        "#1",
        "!!!",
        "ポスト",
        "system 7",
    ],
)
def test_other_names_are_free(name: str) -> None:
    check_not_reserved(name_keys(name))


@pytest.mark.parametrize(
    "name",
    ["server", " SERVER ", "ser\x1bver", "server\u200b", "\u3164server", "ѕerver", "[server]", "server\U000e0061"],
    ids=ascii,
)
@pytest.mark.requirement("UDP-09", "LOB-05")
def test_who_passes_for_the_server(name: str) -> None:
    assert passes_for_server(name)


@pytest.mark.parametrize("name", ["", "ann", "the server", "admin", "x\nserver is up", "server" + 250 * "!"], ids=ascii)
def test_who_doesnt_pass_for_the_server(name: str) -> None:
    assert not passes_for_server(name)


LIGATURE = "\ufdfa"
"""Eighteen characters once it is taken apart: no other becomes more."""
MOST = MAX_NORMAL_CHARACTERS // 18


@pytest.mark.requirement("ROOM-03", "TCP-02")
@pytest.mark.parametrize(("kind", "flaws"), [("user", OF_USERS), ("room", OF_ROOMS)])
def test_a_name_may_grow_when_it_is_compared_but_not_twentyfold(kind: str, flaws: Flaws) -> None:
    check_shown(MOST * LIGATURE, flaws)
    check_shown(127 * "½", flaws)
    with pytest.raises(BadNameError) as refused:
        check_shown(85 * LIGATURE, flaws)
    sentence = f"The {kind} name has 1530 characters once its ligatures are taken apart: use at most 512."
    assert str(refused.value) == sentence


@pytest.mark.requirement("ROOM-03")
def test_a_name_that_nobody_may_have_is_compared_with_nothing() -> None:
    assert name_keys(85 * LIGATURE) == (85 * LIGATURE,)
    assert name_keys(MOST * LIGATURE) != (MOST * LIGATURE,)


@pytest.mark.requirement("UDP-09", "LOB-05")
def test_what_grows_beyond_all_bounds_could_hide_the_servers_name() -> None:
    assert passes_for_server(f"server{85 * chr(0x2057)}{85 * chr(0x2057)}")  # all of them signs around the word
    assert passes_for_server(85 * LIGATURE)
    assert not passes_for_server(LIGATURE)
    assert not passes_for_server("It is a long sentence … with a colon after it" + 70 * " …")


def test_whether_text_passes_for_the_server_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out: list[str] = []

    def look(text: str) -> str:
        worked_out.append(text)
        return skeleton(text)

    monkeypatch.setattr(names, "skeleton", look)
    for _ in range(3):
        assert not passes_for_server("somebody whom no other test knows")
    assert worked_out == ["somebody whom no other test knows"]


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize(
    "name",
    [
        "Eve (host)", "Zed (muted)", "Bob (away)", "Eve(host)", "EVE  (HOST)", "Eve ( host )", "Eve （ｈｏｓｔ）",
        "Eve (hоst)", "Eve (h0st)", "Eve (hóst)", "Eve ❨host❩", "Eve ⸨host⸩", "Eve ⁽host⁾", "Eve (ⓜⓤⓣⓔⓓ)",
        "Eve (rnuted)", "Eve (аwаy)", "Ann (x) (host)",
    ],
)  # fmt: skip
def test_no_name_ends_like_a_mark_in_a_list(name: str) -> None:
    with pytest.raises(BadNameError, match="mark"):
        check_not_marked(name_keys(name))


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize(
    "name",
    ["Doe, John", "K and 9 more", "Eve (ghost)", "Eve (host) Smith", "Eve host", "(away) Bob", "Ann (2)", "Ann ()"],
)
def test_other_names_with_brackets_and_commas_are_fine(name: str) -> None:
    check_not_marked(name_keys(name))
