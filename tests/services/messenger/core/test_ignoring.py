"""People whom one doesn't want to read."""

import pytest

from messenger.core.conversation import Conversation
from messenger.core.roster import Person
from services.messenger.core.fake_relay import Case, entry, listing, texts


@pytest.fixture
def room(case: Case) -> Conversation:
    return case.messenger.enter(entry(create=True))


@pytest.fixture
def case() -> Case:
    return Case()


def said(room: Conversation) -> list[str]:
    return [line.text for line in room.history.since(0) if line.sender]


def newest(room: Conversation) -> str:
    return texts(room.history.since(room.history.end - 1))[0]


def test_what_they_say_is_not_shown_counted_or_announced(case: Case, room: Conversation) -> None:
    case.messenger.submit(room, "/ignore Bob")
    assert newest(room).startswith("You no longer see what Bob says")
    case.relay.says("bob: ann, buy!")
    case.relay.says("eve: hello")
    assert said(room) == ["hello"]
    assert (room.unread, room.mentions, case.alerts) == (1, 0, ["demo: hello"])
    assert not case.relay.words[1:], "nobody else hears of it"


def test_it_can_be_taken_back_however_the_name_is_spelt(case: Case, room: Conversation) -> None:
    case.messenger.submit(room, "/ignore Bob the Builder")
    case.messenger.submit(room, "/unignore ＢＯＢ the  builder")  # noqa: RUF001 - wide letters
    case.relay.says("Bob the Builder: hello")
    assert said(room) == ["hello"]
    assert case.ignored.kept == {"relay.example": []}


def test_it_holds_for_every_room_of_the_server_and_the_next_time(case: Case, room: Conversation) -> None:
    other = case.messenger.enter(entry("other"))
    case.messenger.submit(room, "/ignore bob")
    lobby = case.messenger.enter(entry(None))
    assert room.ignored == other.ignored == lobby.ignored == {"bob"}
    assert case.ignored.kept == {"relay.example": ["bob"]}


def test_who_is_ignored_is_marked_among_the_people(case: Case, room: Conversation) -> None:
    case.relay.notices(listing("ann (host)", "bob", "eve"))
    assert list(room.people) == list(room.roster.people)
    case.messenger.ignore(room, "bob")
    assert list(room.people) == [Person("ann", host=True), Person("bob", ignored=True), Person("eve")]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/ignore Ann", "You can't ignore yourself."),
        ("/unignore bob", "You don't ignore bob."),
        ("/ignore", "You ignore on this relay: eve."),
        ("/unignore", "You ignore on this relay: eve."),
    ],
)
def test_what_changes_nothing_is_said(case: Case, room: Conversation, line: str, answer: str) -> None:
    case.messenger.submit(room, "/ignore eve")
    case.messenger.submit(room, line)
    assert newest(room) == answer
    assert case.ignored.kept == {"relay.example": ["eve"]}


def test_nobody_is_ignored_at_first(case: Case, room: Conversation) -> None:
    case.messenger.submit(room, "/ignore")
    assert newest(room) == "You ignore nobody here."


def test_names_that_cannot_be_read_are_said_and_stop_nobody(case: Case) -> None:
    case.ignored.broken = True
    room = case.messenger.enter(entry())
    assert "The names can't be read." in texts(room.history.since(0))
    case.relay.says("bob: hello")
    case.messenger.submit(room, "/ignore bob")
    assert (said(room), newest(room)) == (["hello"], "The names can't be read.")
