"""Sealed rooms as a person has them: what is shown, what is sent, and where the key never is (SEAL-01 to SEAL-04)."""

from pathlib import Path
from typing import Final

import pytest

from chatproto import Status, Topic
from chatproto.sealing import Kind, Opener, RoomKey, Sealer, text_bytes_within
from messenger.core.commands import Submitted
from messenger.core.entry import Entry, new_key
from messenger.core.invite import Invite, parse_invite
from messenger.presentation import wording
from messenger.presentation.state import seal_of
from messenger.store.export import export
from messenger.store.logbook import Logbook
from messenger.store.recents import Recents
from services.messenger.core.fake_relay import Case, entry

KEY: Final = RoomKey(bytes(range(16)))
LIMIT: Final = 400


@pytest.fixture
def case() -> Case:
    case = Case()
    case.relay.limit = LIMIT
    return case


def bob_says(text: str, key: RoomKey = KEY) -> str:
    return f"bob: {Sealer(key, 'demo', 'bob', text.encode().ljust(8)[:8]).seal(text).text}"


def said(case: Case) -> list[object]:
    """Return what the relay was sent, opened where it is sealed."""
    opener = Opener(KEY, "demo")
    return [opener.open(word, "ann") if word.startswith("e2e1.") else word for word in case.relay.words]


def test_every_new_key_is_another() -> None:
    assert len({new_key() for _ in range(100)}) == 100


def test_a_key_is_for_rooms_and_never_shown() -> None:
    with_key = entry(key=KEY)
    assert with_key.key == KEY
    assert KEY.text not in repr(with_key)
    assert entry(None, key=KEY).key is None
    assert with_key.destination == entry().destination
    assert with_key.creating(create=True).called("bob").knowing("pw").key == KEY


def test_a_key_that_is_new_opens_no_room_that_exists() -> None:
    new = entry(create=True, key=KEY)
    assert new.creating(create=True).called("bob").key == KEY
    assert new.creating(create=False).key is None
    invited = entry(key=KEY).creating(create=True)  # the room was gone, and then somebody was quicker
    assert invited.creating(create=False).key == KEY
    pasted = parse_invite(f"chat://relay.example/demo#k={KEY.text}").unlock(entry(create=True, key=new_key()))
    assert pasted.creating(create=False).key == KEY


def test_who_wants_to_seal_a_room_that_exists_joins_without_a_key(case: Case) -> None:
    case.relay.verdict = Status.ROOM_EXISTS
    room = case.messenger.enter(entry(create=True, key=KEY))
    case.relay.verdict = Status.OK
    case.messenger.again(room, room.entry.creating(create=False))
    assert room.entry.key is None


def test_who_was_in_with_its_key_joins_with_it_where_others_made_the_room_again(case: Case) -> None:
    room = case.messenger.enter(entry(create=True, key=KEY))
    room.leave()
    case.relay.verdict = Status.ROOM_EXISTS
    case.messenger.again(room)
    case.relay.verdict = Status.OK
    case.messenger.again(room, room.entry.creating(create=False))
    assert room.entry.key == KEY


@pytest.mark.requirement("SEAL-02", "SEAL-03")
def test_what_is_said_goes_sealed_and_what_is_heard_is_shown(case: Case) -> None:
    room = case.messenger.enter(entry(create=True, key=KEY))
    assert case.messenger.submit(room, "hello\x1b") is Submitted.DONE
    case.relay.says(bob_says("hi \x1b[2J"))
    assert said(case) == ["/who", "hello\x1b"]
    assert [line.said for line in room.history.since(1)] == ["ann: hello\ufffd", "bob: hi \ufffd[2J"]


@pytest.mark.requirement("SEAL-04")
def test_the_limit_is_what_may_be_typed(case: Case) -> None:
    room = case.messenger.enter(entry(key=KEY))
    longest = text_bytes_within(LIMIT)
    assert room.max_message_bytes == longest
    assert case.messenger.submit(room, "x" * longest) is Submitted.DONE
    assert case.messenger.submit(room, "x" * (longest + 1)) is Submitted.KEPT
    assert room.history[room.history.end - 1].text == (f"The message has {longest + 1} bytes: use at most {longest}.")


@pytest.mark.requirement("SEAL-04")
def test_with_the_wrong_key_nothing_is_shown_and_nothing_sent(case: Case) -> None:
    room = case.messenger.enter(entry(key=KEY))
    case.relay.says(bob_says("secret", RoomKey(bytes(16))))
    assert "bob can't be opened: your key is probably not" in room.history[room.history.end - 1].text
    assert case.messenger.submit(room, "hello?") is Submitted.KEPT
    assert "Your key opens nothing" in room.history[room.history.end - 1].text
    assert said(case) == ["/who"]
    assert not [line for line in room.history.since(0) if "secret" in line.text or "e2e1" in line.text]


def test_of_whom_one_ignores_nothing_is_said_that_cant_be_opened_either(case: Case) -> None:
    room = case.messenger.enter(entry(create=True, key=KEY))
    case.messenger.ignore(room, "bob")
    end = room.history.end
    case.relay.says(bob_says("secret", RoomKey(bytes(16))))
    assert room.history.end == end
    case.messenger.ignore(room, "bob", ignored=False)
    end = room.history.end
    case.relay.says(bob_says("secret", RoomKey(bytes(16))))
    assert room.history.end == end + 1


@pytest.mark.requirement("SEAL-04")
def test_with_the_wrong_key_nothing_is_sent_again(case: Case) -> None:
    case.relay.refusal = "message_rate"
    room = case.messenger.enter(entry(key=KEY))
    case.messenger.submit(room, "hello")
    assert list(room.posted.failed)
    case.relay.says(bob_says("secret", RoomKey(bytes(16))))
    end = room.history.end
    case.messenger.send_again(room)
    assert said(case) == ["/who", "hello"]
    assert "Your key opens nothing" in room.history[end].text
    assert list(room.posted.failed)


@pytest.mark.requirement("SEAL-03")
def test_a_room_that_isnt_sealed_is_left_at_once(case: Case) -> None:
    case.relay.seals = False
    room = case.messenger.enter(entry(key=KEY))
    case.messenger.submit(room, "hello")
    assert case.relay.words == ["/leave"]
    assert room.ended
    assert wording.ending(room.ended).what.startswith("The room isn't sealed on the relay at relay.example:9000")


@pytest.mark.requirement("SEAL-03", "MOD-07")
def test_a_topic_is_opened(case: Case) -> None:
    room = case.messenger.enter(entry(create=True, key=KEY))
    case.relay.notices(Topic(Sealer(KEY, "demo", "ann", bytes(8)).seal("tea\x1b", Kind.TOPIC).text))
    assert room.topic == "tea\ufffd"


def test_a_sealed_room_is_shown_by_its_fingerprint(case: Case) -> None:
    assert seal_of(case.messenger.enter(entry(key=KEY))) == f"Sealed, key {KEY.fingerprint}"
    assert seal_of(case.messenger.enter(entry("open"))) == ""


def test_an_invitation_leads_others_into_the_room(case: Case) -> None:
    room = case.messenger.enter(entry(key=KEY))
    link = Invite.to(room.entry).link
    assert parse_invite(link) == Invite.to(room.entry)
    again = case.messenger.enter(Entry.read(str(parse_invite(link).server), "demo", "eve", key=parse_invite(link).key))
    assert again is room


@pytest.mark.requirement("SEAL-01")
def test_a_key_is_in_no_log_history_bookmark_or_recent(case: Case, tmp_path: Path) -> None:
    log = Logbook(tmp_path / "chat.log")
    log.follow(case.messenger)
    recents = Recents(tmp_path / "recents.json")
    room = case.messenger.enter(entry(create=True, key=KEY))
    case.messenger.submit(room, "hello")
    case.relay.says(bob_says("hi"))
    case.relay.says(bob_says("secret", RoomKey(bytes(16))))
    room.note(wording.invitation(Invite.to(room.entry), ["192.0.2.7"]))
    recents.remember(room.entry)
    recents.bookmark(room.entry, "tea")
    recents.keep_open(case.messenger.wanted)
    case.messenger.leave_all()
    log.close()
    export(room, str(tmp_path / "export.txt"), overwrite=False)
    files = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert files.keys() >= {"chat.log", "recents.json", "export.txt"}
    assert "hello" in files["chat.log"] + files["export.txt"]
    shown = "".join(files.values()) + repr(room.history.since(0)) + repr(room.entry) + repr(recents.read())
    for form in (KEY.text, KEY.secret.hex(), repr(KEY.secret)):
        assert form not in shown
