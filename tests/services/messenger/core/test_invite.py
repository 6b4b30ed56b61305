"""Links into a room: there and back, and what is none."""

from dataclasses import replace
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbrain import ServerAddress, Tls
from chatproto import BadNameError, check_room_name
from messenger.core.entry import Entry
from messenger.core.invite import Invite, is_invite, parse_invite
from messenger.presentation import wording


@pytest.mark.parametrize(
    ("text", "invite"),
    [
        ("chat://relay.example/demo", Invite(ServerAddress("relay.example", 9000), "demo")),
        (" CHAT://relay:77/a%20b%2Fc ", Invite(ServerAddress("relay", 77), "a b/c")),
        ("chats://[::1]:77/%E9%9B%91%E8%AB%87", Invite(ServerAddress("::1", 77), "雑談", tls=True)),
        ("chat://relay/", Invite(ServerAddress("relay", 9002), None)),
        ("chat://relay", Invite(ServerAddress("relay", 9002), None)),
    ],
)
def test_an_invitation_is_read(text: str, invite: Invite) -> None:
    assert is_invite(text)
    assert parse_invite(text) == invite


@pytest.mark.parametrize("around", ["<{}>", "{}.", "<{}>.", "{},", '"{}"', " {}! "])
def test_what_stands_around_an_invitation_in_a_sentence_is_no_part_of_it(around: str) -> None:
    for room in ("demo", "demo.", "Really?", "<b>"):
        invite = Invite(ServerAddress("relay", 77), room)
        text = around.format(invite)
        assert is_invite(text)
        assert parse_invite(text) == invite


def test_a_zone_is_written_as_addresses_have_it_and_read_either_way() -> None:
    invite = Invite(ServerAddress("fe80::1%eth0", 9000), "demo")
    assert str(invite) == "chat://[fe80::1%25eth0]:9000/demo"
    assert parse_invite(str(invite)) == parse_invite("chat://[fe80::1%eth0]:9000/demo") == invite


@pytest.mark.parametrize(
    ("host", "others"),
    [("127.0.0.1", False), ("127.9.9.9", False), ("::1", False), ("localhost", False), ("Localhost.", False),
     ("192.0.2.1", True), ("fe80::1%eth0", True), ("relay.example", True)],
)  # fmt: skip
def test_who_uses_an_invitation_to_ones_own_machine_is_told_where_others_find_it(host: str, others: bool) -> None:
    invite = Invite(ServerAddress(host, 9000), "demo")
    assert invite.is_for_others is others
    said = wording.invitation(invite, ["192.0.2.7", "2001:db8::7"])
    assert str(invite) in said
    assert ("chat://192.0.2.7:9000/demo" in said) is ("chat://[2001:db8::7]:9000/demo" in said) is not others


@pytest.mark.parametrize(
    "text",
    [
        "relay/demo", "http://relay/demo", "chat:relay", "chat:///demo", "chat://relay/demo?x", "chat://relay/demo#x",
        "chat://relay:0/demo", "chat://ann@relay/demo", "chat://re lay/demo", "chat://relay/%FF", "chat://[::1/demo",
        "chats://relay/",
    ],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"[.:]"):
        parse_invite(text)


def test_a_room_that_cannot_be_is_none() -> None:
    with pytest.raises(BadNameError):
        parse_invite("chat://relay/%0A")


def test_nothing_of_a_person_is_in_it() -> None:
    entry = Entry.read("relay", "demo", "ann", password="secret", tls=Tls())
    assert str(Invite.to(entry)) == "chats://relay:9000/demo"
    assert str(Invite.to(Entry.read("::1", None, "ann"))) == "chat://[::1]:9002/"


PRINTABLE = st.characters(exclude_categories=("C", "M", "Z"), include_characters=" \u3000\xa0")


@given(room=st.text(PRINTABLE, min_size=1, max_size=60), tls=st.booleans())
def test_every_room_comes_back(room: str, tls: bool) -> None:
    assert check_room_name(room.encode()) == room
    invite = Invite(ServerAddress("relay", 9000), room, tls)
    assert parse_invite(str(invite)) == replace(invite, room=normalize("NFC", room))


@pytest.mark.parametrize("text", ["demo", "relay:9000", "chatroom", ""])
def test_a_name_means_no_invitation(text: str) -> None:
    assert not is_invite(text)
