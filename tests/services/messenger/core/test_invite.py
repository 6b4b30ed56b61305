"""Links into a room: there and back, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbrain import ServerAddress, Tls
from chatproto import BadNameError, check_room_name
from messenger.core.entry import Entry
from messenger.core.invite import Invite, is_invite, parse_invite


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
    assert parse_invite(str(invite)) == invite


@pytest.mark.parametrize("text", ["demo", "relay:9000", "chatroom", ""])
def test_a_name_means_no_invitation(text: str) -> None:
    assert not is_invite(text)
