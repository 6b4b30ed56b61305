"""The form that a person fills in: what is taken, what is refused and at which field."""

from unicodedata import normalize
from urllib.parse import quote

import pytest

from chatbrain import BadServerError, ServerAddress, Tls
from chatproto import BadNameError, BadPasswordError
from messenger.core.completion import complete
from messenger.core.entry import Entry, Field, FormError
from messenger.core.invite import Invite, parse_invite
from messenger.presentation.wording import flaw


def test_a_form_is_read_with_defaults_and_without_spaces_around() -> None:
    entry = Entry.read(" relay.example ", " demo ", " ann ", create=True, password=" p ")
    assert entry == Entry(ServerAddress("relay.example", 9000), "demo", "ann", create=True, password=" p ")
    assert Entry.read("relay:77", None, "ann") == Entry(ServerAddress("relay", 77), None, "ann")


def test_the_lobby_knows_no_creating_no_password_and_no_tls() -> None:
    entry = Entry.read("relay", None, "ann", create=True, password="p", tls=Tls())
    assert entry == Entry(ServerAddress("relay", 9002), None, "ann")


def test_an_empty_password_is_none_and_a_password_is_never_shown() -> None:
    assert Entry.read("relay", "demo", "ann", password="").password is None
    assert "geheim" not in repr(Entry.read("relay", "demo", "ann", password="geheim"))


def test_each_wrong_field_is_told_of_at_once() -> None:
    with pytest.raises(FormError) as caught:
        Entry.read("a b", "", "x:y")
    assert {field: type(error) for field, error in caught.value.problems.items()} == {
        Field.SERVER: BadServerError,
        Field.ROOM: BadNameError,
        Field.NAME: BadNameError,
    }
    with pytest.raises(FormError) as caught:
        Entry.read("relay", "demo", "ann", password="x" * 1025)
    assert [type(error) for error in caught.value.problems.values()] == [BadPasswordError]


def test_lone_surrogates_are_no_names() -> None:
    with pytest.raises(FormError) as caught:
        Entry.read("relay", "demo", "\udcff" * 300)
    assert list(caught.value.problems) == [Field.NAME]


def test_one_is_in_a_place_once_however_the_host_is_written() -> None:
    assert Entry.read("Relay", "demo", "ann").destination == Entry.read("relay:9000", "demo", "bob").destination
    assert Entry.read("relay", "demo", "ann").destination != Entry.read("relay", "Demo", "ann").destination


def test_it_can_be_said_anew_with_another_name_password_or_wish() -> None:
    entry = Entry.read("relay", "demo", "ann")
    assert entry.creating(create=True).create
    assert not Entry.read("relay", None, "ann").creating(create=True).create
    assert entry.called(" bob ").name == "bob"
    assert entry.knowing("secret").password == "secret"
    assert entry.knowing("secret").knowing("").password is None


@pytest.mark.parametrize(
    "room",
    ["chat://relay/tea#k=AAEC", " <chats://relay", "https://web.example/#room=tea&k=AAEC", "http://x/#k=AAEC&room=%FF"],
)
def test_an_invitation_or_a_part_of_one_is_no_rooms_name(room: str) -> None:
    """It may have a key, and the relay is told a room's name."""
    with pytest.raises(FormError) as caught:
        Entry.read("relay", room, "ann")
    assert "copy all of it" in flaw(caught.value.problems[Field.ROOM])
    assert "AAEC" not in str(caught.value)
    for name in ("chat: tea", "tea at https://web.example/"):
        assert Entry.read("relay", name, "ann").room == name


def test_another_name_or_password_is_checked_too() -> None:
    entry = Entry.read("relay", "demo", "ann")
    with pytest.raises(FormError) as caught:
        entry.called("x:y")
    assert list(caught.value.problems) == [Field.NAME]
    with pytest.raises(FormError) as caught:
        entry.knowing("x" * 1025)
    assert list(caught.value.problems) == [Field.PASSWORD]


@pytest.mark.parametrize(
    "name", ["ti\u1ebfng-vi\u1ec7t", "\u30ac\u30fc\u30c7\u30f3", "caf\u00e9", "\uff54\uff45\uff41"]
)
def test_names_are_sent_composed_and_keep_their_width(name: str) -> None:
    typed = normalize("NFD", name)
    entry = Entry.read("relay", typed, typed)
    assert (entry.room, entry.name) == (name, name)
    assert entry.called(typed).name == name
    assert parse_invite(f"chat://relay/{quote(typed)}") == parse_invite(str(Invite.to(entry)))
    assert complete(f"hi {normalize('NFD', name[:-1])}", [name], lambda _: False) == [f"hi {name} "]
