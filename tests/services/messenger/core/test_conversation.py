"""What a person sees of one room: what is said, who is there, and what a typed line does."""

from typing import TYPE_CHECKING, Any

import pytest

from chatbrain import DeliveryState
from chatproto import (
    Advice,
    Command,
    CommandDone,
    Disconnected,
    EvictionReason,
    HostChanged,
    ListedMember,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    MemberList,
    Status,
    Topic,
)
from messenger.core.commands import Submitted
from messenger.core.facts import Presence
from messenger.core.history import Kind
from messenger.core.listing import LIST_SECONDS
from messenger.core.roster import Person
from messenger.presentation.i18n import use_language
from services.messenger.core.fake_relay import NOON, Case, at, entry, listing, states, texts

if TYPE_CHECKING:
    from messenger.core.conversation import Conversation


class Room(Case):
    """A case that is in a room already."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.room: Conversation = self.messenger.enter(entry(**options))
        self.seen = self.room.history.end

    def new(self) -> list[tuple[Kind, str | None, str]]:
        """Return the lines that are new."""
        lines = self.room.history.since(self.seen)
        self.seen = self.room.history.end
        return [(line.kind, line.sender, line.text) for line in lines]

    def submits(self, text: str) -> Submitted:
        return self.messenger.submit(self.room, text)


@pytest.fixture
def case() -> Room:
    return Room()


def test_what_others_say_stands_there_with_name_and_time(case: Room) -> None:
    case.links.now = 5.0
    case.relay.says("bob: hi\x1b[2J")
    assert case.new() == [(Kind.MESSAGE, "bob", "hi\N{REPLACEMENT CHARACTER}[2J")]
    assert (case.room.history[case.seen - 1].at - NOON).total_seconds() == 5.0


def test_what_one_says_oneself_is_sent_and_shown_once(case: Room) -> None:
    assert case.submits("hello\u202e") is Submitted.DONE
    assert case.relay.words[-1] == "hello\u202e"
    assert case.new() == [(Kind.OWN, "ann", "hello\N{REPLACEMENT CHARACTER}")]


def test_a_slash_is_said_when_it_is_doubled(case: Room) -> None:
    case.submits("//kick")
    assert case.new() == [(Kind.OWN, "ann", "/kick")]


@pytest.mark.parametrize(
    ("text", "submitted"),
    [("", Submitted.DONE), ("   ", Submitted.DONE), ("/help", Submitted.HELP), ("/leave", Submitted.LEAVE)],
)  # fmt: skip
def test_what_a_front_end_has_to_do_is_told_it(case: Room, text: str, submitted: Submitted) -> None:
    heard = list(case.relay.words)
    assert case.submits(text) is submitted
    assert (case.new(), case.relay.words) == ([], heard)


@pytest.mark.parametrize(
    ("text", "submitted"),
    [
        ("/quack", Submitted.MISTYPED),
        ("/quack\x1b[2J", Submitted.MISTYPED),
        ("x" * 101, Submitted.KEPT),
        ("/password", Submitted.KEPT),
        ("/password geheim", Submitted.KEPT),
        ("/password -", Submitted.KEPT),
    ],
)
def test_what_cannot_be_sent_stays_typed_and_a_line_says_why(case: Room, text: str, submitted: Submitted) -> None:
    heard = list(case.relay.words)
    assert case.submits(text) is submitted
    [(kind, sender, why)] = case.new()
    assert (kind, sender) == (Kind.PROBLEM, None)
    assert why.isprintable()
    assert case.relay.words == heard


def test_a_room_closes_for_others_when_its_host_leaves_and_is_not_alone() -> None:
    case = Room(create=True)
    assert case.messenger.closing == []
    case.relay.notices(MemberJoined("bob"))
    assert case.messenger.closing == ["demo"]
    case.relay.notices(HostChanged("bob"))
    assert case.messenger.closing == []


def test_the_limit_counts_bytes(case: Room) -> None:
    assert case.room.max_message_bytes == 100
    assert case.submits("あ" * 33) is Submitted.DONE
    assert case.submits("あ" * 34) is Submitted.KEPT


def test_what_is_said_while_one_is_not_in_waits_but_commands_and_the_lobbys_words_do_not(case: Room) -> None:
    lobby = case.messenger.enter(entry(None))
    case.links.pass_time(1.0)
    case.relay.verdict = None
    case.relay.links[-1].lose()
    case.relay.notices(Disconnected(EvictionReason.SILENCE), link=0)
    assert at(case.room, Presence.WAITING)
    case.new()
    assert case.submits("hello") is Submitted.DONE
    assert states(case.room) == [DeliveryState.SENDING]
    assert case.submits("/topic tea") is Submitted.KEPT
    assert [kind for kind, _, _ in case.new()] == [Kind.OWN, Kind.PROBLEM]
    assert at(lobby, Presence.WAITING)
    assert case.messenger.submit(lobby, "hello") is Submitted.KEPT
    case.relay.verdict = Status.OK
    case.links.pass_time(30.0)
    assert states(case.room) == [DeliveryState.TAKEN]
    assert case.relay.words.count("hello") == 1


def test_people_come_and_go(case: Room) -> None:
    case.relay.notices(listing("bob (host)", "ann"))
    case.relay.notices(MemberJoined("eve"))
    case.relay.notices(MemberJoined("joe"))
    case.relay.notices(MemberLeft("joe"))
    case.relay.notices(MemberEvicted("bob", EvictionReason.SILENCE))
    assert list(case.room.roster.people) == [Person("ann"), Person("eve")]
    assert [kind for kind, _, _ in case.new()] == [Kind.NOTICE] * 4


def test_the_programs_own_question_who_is_here_is_answered_unseen(case: Room) -> None:
    assert case.relay.words == ["/who"]
    case.relay.notices(MemberList((ListedMember("bob", host=True), ListedMember("ann")), 3, 1, more=True))
    case.relay.notices(MemberList((ListedMember("eve"),), 3, 2, more=False))
    assert [person.name for person in case.room.roster.people] == ["bob", "ann", "eve"]
    assert case.new() == []


def test_a_persons_own_question_is_answered_for_the_eyes(case: Room) -> None:
    case.submits("/who")
    case.relay.notices(listing("ann"))
    assert case.new() == [(Kind.NOTICE, None, "1 here: ann.")]


def test_a_list_that_comes_long_after_the_programs_question_is_shown(case: Room) -> None:
    case.links.now = LIST_SECONDS
    case.relay.notices(listing("ann"))
    assert case.new() == [(Kind.NOTICE, None, "1 here: ann.")]


def test_a_list_that_the_program_never_asked_for_is_shown() -> None:
    case = Case()
    case.relay.moderation = False
    room = case.messenger.enter(entry())
    seen = room.history.end
    case.relay.notices(listing("ann"))
    assert texts(room.history.since(seen)) == ["1 here: ann."]


def test_after_a_mute_the_program_asks_anew(case: Room) -> None:
    case.submits("/mute bob")
    assert case.relay.words[-1] == "/mute bob"
    case.relay.notices(CommandDone(Command.MUTE, "bob"))
    assert case.relay.words[-1] == "/who"
    case.relay.notices(CommandDone(Command.KICK, "eve"))
    assert case.relay.words.count("/who") == 2


def test_whose_name_has_a_comma_is_one_person(case: Room) -> None:
    case.submits("/who")
    case.relay.notices(listing("Doe, John (muted)", "ann"))
    assert list(case.room.roster.people) == [Person("Doe, John", muted=True), Person("ann")]
    assert case.new() == [(Kind.NOTICE, None, "2 here: Doe, John (muted), ann.")]
    case.relay.notices(MemberLeft("Doe, John"))
    assert [person.name for person in case.room.roster.people] == ["ann"]


def test_a_name_that_reads_like_a_list_is_none(case: Room) -> None:
    case.relay.notices(listing("bob", "ann"))
    case.relay.notices(Advice("1 here: eve."))
    assert [person.name for person in case.room.roster.people] == ["bob", "ann"]
    assert case.new() == [(Kind.NOTICE, None, "1 here: eve.")]


def test_a_relay_that_knows_no_facts_is_read_in_prose() -> None:
    case = Case()
    case.relay.facts = False
    room = case.messenger.enter(entry())
    case.relay.says("server: 3 here: bob (host), ann,")
    case.relay.says("server: ... eve (muted).")
    assert list(room.roster.people) == [Person("bob", host=True), Person("ann"), Person("eve", muted=True)]
    seen = room.history.end
    case.relay.says("server: The relay rests at night.")
    assert texts(room.history.since(seen)) == ["The relay rests at night."]
    case.messenger.submit(room, "/mute bob")
    case.relay.says("server: bob is muted; /unmute takes it back.")
    assert case.relay.words[-1] == "/who"


def test_a_relay_that_obeys_nothing_is_not_asked_and_those_who_speak_are_noted() -> None:
    case = Case()
    case.relay.moderation = False
    room = case.messenger.enter(entry())
    assert (case.relay.words, room.obeys) == ([], False)
    case.relay.says("bob: hi")
    assert [person.name for person in room.roster.people] == ["ann", "bob"]
    assert case.messenger.submit(room, "/kick bob") is Submitted.KEPT
    assert case.relay.words == []


def test_where_the_list_is_known_a_speaker_is_not_added(case: Room) -> None:
    case.relay.notices(listing("ann"))
    case.relay.says("bob: hi")
    assert "bob" not in case.room.roster


def test_the_host_changes_hands(case: Room) -> None:
    case.relay.notices(listing("bob (host)", "ann"))
    hosts = []
    for name in ("ann", "bob"):
        case.relay.notices(HostChanged(name))
        hosts.append((case.room.host, case.room.roster.people[0]))
    assert hosts == [(True, Person("ann", host=True)), (False, Person("bob", host=True))]


def test_the_topic_is_kept(case: Room) -> None:
    case.relay.notices(Topic("tea\x07"))
    assert case.room.topic == "tea\N{REPLACEMENT CHARACTER}"
    case.relay.notices(Topic(""))
    assert case.room.topic == ""


def test_a_new_password_goes_to_the_relay_and_never_among_what_is_said() -> None:
    case = Room(create=True)
    assert case.submits("/password") is Submitted.CHOOSE_PASSWORD
    assert case.messenger.choose_password(case.room, "geheim") is Submitted.DONE
    assert case.relay.words[-1] == "/password geheim"
    assert case.new() == []


@pytest.mark.parametrize("password", ["", " ", "-", " - ", "x" * 1025])
def test_a_password_that_cannot_be_is_not_sent(case: Room, password: str) -> None:
    assert case.messenger.choose_password(case.room, password) is Submitted.KEPT
    assert case.relay.words == ["/who"]
    assert [kind for kind, _, _ in case.new()] == [Kind.PROBLEM]


def test_unread_messages_are_counted_and_marked_where_they_begin(case: Room) -> None:
    first = case.room.history.end
    case.relay.says("bob: one")
    case.relay.says("bob: two")
    case.relay.notices(MemberJoined("eve"))
    assert (case.room.unread, case.room.mark) == (2, first)
    case.messenger.attend(case.room)
    case.relay.says("bob: three")
    assert (case.room.unread, case.room.mark) == (0, first)
    case.messenger.attend(None)
    case.relay.says("bob: four")
    assert (case.room.unread, case.room.mark) == (1, case.room.history.end - 1)
    case.submits("I see")
    assert case.room.mark is None


def test_who_is_evicted_comes_back_by_itself_and_is_told_once_why(case: Room) -> None:
    case.relay.verdict = None
    case.relay.notices(Disconnected(EvictionReason.SILENCE))
    assert at(case.room, Presence.WAITING)
    assert case.messenger.retry_seconds(case.room) == 0.5
    case.links.pass_time(0.5)
    assert at(case.room, Presence.WAITING)
    assert [kind for kind, _, _ in case.new()] == [Kind.PROBLEM]
    case.relay.verdict = Status.OK
    case.links.pass_time(1.0)
    assert at(case.room, Presence.HERE)
    assert [kind for kind, _, _ in case.new()] == [Kind.NOTICE]
    assert case.relay.words.count("/who") == 2


def test_why_one_is_not_in_is_said_in_the_persons_language(case: Room) -> None:
    case.relay.verdict = None
    use_language("ja")
    try:
        case.relay.notices(Disconnected(EvictionReason.SILENCE))
        case.messenger.leave(case.room)
    finally:
        use_language("en")
    assert [text.isascii() for _, _, text in case.new()] == [False, False]


def test_a_kick_is_final_and_says_why(case: Room) -> None:
    case.relay.notices(Disconnected(EvictionReason.KICKED))
    assert at(case.room, Presence.OVER)
    assert case.room.ended
    assert case.room.ended.eviction is EvictionReason.KICKED
    assert (len(case.room.roster), case.room.host) == (0, False)
    assert [kind for kind, _, _ in case.new()] == [Kind.PROBLEM]
    assert case.relay.links[0].closed


def test_its_title_is_harmless() -> None:
    assert Room().room.title == "demo"
    lobby = Case().messenger.enter(entry(None))
    assert lobby.title == ""


def test_messages_with_ones_name_are_counted_until_one_looks(case: Room) -> None:
    case.relay.says("bob: Ann, are you there?")
    case.relay.says("bob: an announcement")
    assert (case.room.unread, case.room.mentions) == (2, 1)
    assert [line.mentions for line in case.room.history.since(case.seen)] == ["ann", ""]
    case.messenger.attend(case.room)
    case.relay.says("bob: ann!")
    assert (case.room.unread, case.room.mentions) == (0, 0)


def test_what_one_says_oneself_mentions_nobody(case: Room) -> None:
    case.submits("ann is my name")
    assert case.room.history[case.room.history.end - 1].mentions == ""
