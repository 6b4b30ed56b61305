"""Links into a room: there and back, and what is none."""

from dataclasses import replace
from typing import Final
from unicodedata import normalize
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbrain import ServerAddress, Tls
from chatproto import BadNameError, check_room_name
from chatproto.sealing import BadRoomKeyError, RoomKey
from messenger.core.entry import Entry
from messenger.core.invite import Invite, PageInvite, parse_invite
from messenger.core.schemes import is_invite
from messenger.presentation import wording

KEY: Final = RoomKey(bytes(range(16)))
K: Final = f"k={KEY.text}"


@pytest.mark.parametrize(
    ("text", "invite"),
    [
        ("chat://relay.example/demo", Invite(ServerAddress("relay.example", 9000), "demo")),
        (" CHAT://relay:77/a%20b%2Fc ", Invite(ServerAddress("relay", 77), "a b/c")),
        ("chats://[::1]:77/%E9%9B%91%E8%AB%87", Invite(ServerAddress("::1", 77), "雑談", tls=True)),
        ("chat://relay/", Invite(ServerAddress("relay", 9002), None)),
        ("chat://relay", Invite(ServerAddress("relay", 9002), None)),
        (f"chat://relay/demo#{K}", Invite(ServerAddress("relay", 9000), "demo", key=KEY)),
        ("chats://relay/demo#k=%41%41ECAwQFBgcICQoLDA0ODw", Invite(ServerAddress("relay", 9000), "demo", True, KEY)),
        (f"https://web.example/#room=demo&{K}", Invite(ServerAddress("web.example", 9000), "demo", True, KEY)),
        (
            f"https://web.example:8443#{K}&port=77&room=a%26b",
            Invite(ServerAddress("web.example", 77), "a&b", True, KEY),
        ),
        (
            "https://[2001:db8::7]/#room=%E9%9B%91%E8%AB%87",
            Invite(ServerAddress("2001:db8::7", 9000), "雑談", tls=True),
        ),
        ("http://localhost:9080/#room=tea", Invite(ServerAddress("localhost", 9000), "tea")),
        (f"HTTP://192.0.2.7:9080/#room=tea&port=77&{K}", Invite(ServerAddress("192.0.2.7", 77), "tea", key=KEY)),
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
        "chats://relay/", "chat://relay/demo#k", "chat://relay/demo#room=x", f"chat://relay/#{K}",
        f"chat://relay/demo#{K}&{K}", f"chat://relay/demo#{K}&more=1", f"chat://relay/demo?{K}", "chat://relay/demo#k=%FF",
        "https://web.example/", "https://web.example/demo", "https://web.example/demo#room=demo",
        "https://web.example/#room=", f"https://web.example/#{K}", "https://ann@web.example/#room=demo",
        "https://web.example/?a#room=demo", "https://web.example/#room=a&room=b", "https://web.example/#room=a&name=b",
        "https://web.example/#room=a&port=0", "https://web.example/#room=a&port=70000", "https://web.example:x/#room=a",
        "https:///#room=a", "http://web.example/demo#room=a", "ftp://web.example/#room=a",
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


@pytest.mark.parametrize(
    "text", ["demo", "relay:9000", "chatroom", "", "https://web.example/", "https://web.example/?room=a", "x#room=a"]
)
def test_a_name_means_no_invitation(text: str) -> None:
    assert not is_invite(text)


@pytest.mark.parametrize("key", ["", KEY.text[:-1], KEY.text + "A", KEY.text[:-1] + "x", "x" * 21 + "+", "é" * 22])
@pytest.mark.parametrize("form", ["chat://relay/demo#k={}", "https://relay/#room=demo&k={}"])
def test_a_key_that_is_not_whole_is_refused(form: str, key: str) -> None:
    with pytest.raises(BadRoomKeyError):
        parse_invite(form.format(key))


@given(room=st.text(PRINTABLE, min_size=1, max_size=60), tls=st.booleans(), secret=st.binary(min_size=16, max_size=16))
def test_every_sealed_room_comes_back_by_its_link(room: str, tls: bool, secret: bytes) -> None:
    invite = Invite(ServerAddress("relay", 77), normalize("NFC", room), tls, RoomKey(secret))
    assert is_invite(invite.link)
    assert parse_invite(f"({invite.link})".strip("()")) == parse_invite(f"<{invite.link}>.") == invite
    web = f"https://relay/#room={quote(room, safe='').replace('.', '%2E')}&k={RoomKey(secret).text}&port=77"
    assert parse_invite(web) == replace(invite, tls=True)


HOSTILE: Final = st.lists(
    st.sampled_from(
        ["chat", "s", "https", "://", "/", "#", "k=", "room=", "port=", "&", "=", "%", "[", "]", ":", "@", "?"]
    )
    | st.text(max_size=5)
    | st.just(KEY.text)
).map("".join)


@given(HOSTILE)
def test_any_text_is_an_invitation_or_is_refused_without_its_key(text: str) -> None:
    said = ""
    try:
        invite = parse_invite(text)
    except (BadNameError, ValueError) as error:
        said = f"{error} {wording.flaw(error)}"
    else:
        assert parse_invite(invite.link) == invite
    assert KEY.text not in said or KEY.text in text.partition("#")[0]


def test_a_key_is_in_nothing_that_is_shown_or_kept() -> None:
    invite = parse_invite(f"chats://relay:77/demo#{K}")
    assert invite.link == f"chats://relay:77/demo#{K}"
    shown = f"{invite} {invite!r} {invite.at('192.0.2.7')} {wording.invitation(invite, ['192.0.2.7'])}"
    for bad in (f"chat://relay/demo#{K}&x=1", f"http://relay/demo#{K}", f"chat://re[lay/demo#{K}"):
        with pytest.raises(ValueError, match=r".") as refused:
            parse_invite(bad)
        shown += f" {refused.value} {wording.flaw(refused.value)} {vars(refused.value)}"
    assert KEY.text not in shown
    assert invite.at("192.0.2.7").key == KEY


def test_its_key_is_for_who_goes_where_it_leads() -> None:
    invite = parse_invite(f"chats://relay:77/demo#{K}")
    assert invite.unlock(Entry.read("relay:77", "demo", "ann")).key == KEY
    for elsewhere in (Entry.read("relay:78", "demo", "ann"), Entry.read("relay:77", "other", "ann")):
        assert invite.unlock(elsewhere).key is None


def test_of_ones_own_machine_an_invitation_with_a_key_says_both() -> None:
    said = wording.invitation(parse_invite(f"chat://localhost/demo#{K}"), ["192.0.2.7"])
    assert "this machine's own address" in said
    assert "The copied link ends with the room's key, which isn't shown here" in said
    assert KEY.text not in said


@given(
    room=st.text(PRINTABLE, min_size=1, max_size=60), secret=st.none() | st.binary(min_size=16, max_size=16),
    tls=st.booleans(), port=st.none() | st.integers(1, 65535),
)  # fmt: skip
def test_an_invitation_for_browsers_leads_this_program_there_too(
    room: str, secret: bytes | None, tls: bool, port: int | None
) -> None:
    key = RoomKey(secret) if secret else None
    page = f"{'https' if tls else 'http'}://relay.example:8443/{f'#port={port}' if port else ''}"
    invite = PageInvite(page, normalize("NFC", room), key)
    assert is_invite(invite.link)
    leads = Invite(ServerAddress("relay.example", port or 9000), invite.room, tls, key)
    assert parse_invite(invite.link) == parse_invite(f"<{invite.link}>.") == leads
    assert parse_invite(str(invite)) == replace(leads, key=None)


def test_an_invitation_for_browsers_is_to_a_room_of_a_relay_that_names_its_page() -> None:
    page = "https://chat.example.org/#port=9001"
    entry = Entry.read("relay", "demo.", "ann", key=KEY)
    invite = PageInvite.to(entry, page)
    assert invite
    assert invite.link == f"https://chat.example.org/#room=demo%2E&{K}&port=9001"
    assert str(invite) == "https://chat.example.org/#room=demo%2E&port=9001"
    said = wording.page_invitation(invite)
    assert str(invite) in said
    assert "has the room's key" in said
    assert KEY.text not in f"{said} {invite!r} {invite}"
    assert "key" not in wording.page_invitation(PageInvite(page, "demo"))
    assert PageInvite.to(entry, "") is None
    assert PageInvite.to(Entry.read("relay", None, "ann"), page) is None
