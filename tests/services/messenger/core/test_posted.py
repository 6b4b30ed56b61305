"""What a person sees of whether the relay has one's words, and of a relay that isn't heard."""

from datetime import UTC, datetime

import pytest

from chatbrain import Delivery, DeliveryState
from chatproto import Disconnected, EvictionReason, Status, Topic
from messenger.core.conversation import Conversation
from messenger.core.facts import Presence
from messenger.core.history import History, Kind, Line
from messenger.core.posted import Posted
from messenger.presentation.state import Act, delivery_of, do, notice_of, sign, state_of, tone_of
from messenger.store.logbook import Logbook
from services.messenger.core.fake_relay import Case, at, entry, texts

SENDING, TAKEN, LOST = DeliveryState.SENDING, DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED


def enter(case: Case, room: str = "demo", *, create: bool = False) -> Conversation:
    conversation = case.messenger.enter(entry(room, create=create))
    case.links.pass_time(0.1)
    return conversation


def own(room: Conversation) -> list[tuple[str, DeliveryState | None]]:
    return [(line.text, line.state) for line in room.history.since(0) if line.kind is Kind.OWN]


def problems(room: Conversation) -> list[str]:
    return [line.text for line in room.history.since(0) if line.kind is Kind.PROBLEM]


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_message_is_being_sent_until_the_relay_has_it(case: Case) -> None:
    room = enter(case)
    case.relay.answers = False
    case.messenger.submit(room, "hello")
    assert own(room) == [("hello", SENDING)]
    changes = room.history.changes
    case.relay.answers = True
    case.links.pass_time(0.5)
    assert own(room) == [("hello", TAKEN)]
    assert room.history.changes > changes
    assert notice_of(room, 0) is None


def test_a_relay_that_answers_nothing_promises_nothing(case: Case) -> None:
    case.relay.facts = False
    room = enter(case)
    case.messenger.submit(room, "hello")
    assert own(room) == [("hello", DeliveryState.SENT)]
    assert sign(DeliveryState.SENT) == delivery_of(DeliveryState.SENT) == sign(None) == delivery_of(None) == ""


def test_the_lobby_marks_nothing(case: Case) -> None:
    lobby = case.messenger.enter(entry(None))
    case.links.pass_time(1.0)
    case.messenger.submit(lobby, "hello")
    assert own(lobby) == [("hello", None)]


def test_what_is_refused_says_why_and_is_sent_again_in_its_place(case: Case) -> None:
    room = enter(case)
    case.relay.refusal = "message_rate"
    for word in ("one", "two"):
        case.messenger.submit(room, word)
    assert own(room) == [("one", LOST), ("two", LOST)]
    notice = notice_of(room, 0)
    assert notice
    assert notice.what == "2 messages were not delivered (too much at once)."
    assert notice.buttons == (Act.SEND_AGAIN, Act.GIVE_UP)
    case.relay.refusal = ""
    do(Act.SEND_AGAIN, case.messenger, room)
    assert own(room) == [("one", TAKEN), ("two", TAKEN)]
    assert case.relay.words[-2:] == ["one", "two"]
    assert notice_of(room, 0) is None


def test_what_is_not_sent_again_stays_marked(case: Case) -> None:
    room = enter(case)
    case.relay.refusal = "odd\x1b"
    case.messenger.submit(room, "one")
    notice = notice_of(room, 0)
    assert notice
    assert notice.what == "1 message was not delivered (odd\N{REPLACEMENT CHARACTER})."
    do(Act.GIVE_UP, case.messenger, room)
    assert notice_of(room, 0) is None
    assert own(room) == [("one", LOST)]


def test_what_was_not_delivered_can_be_sent_after_one_has_joined_anew(case: Case) -> None:
    room = enter(case)
    case.relay.answers = False
    case.messenger.submit(room, "one")
    case.relay.notices(Disconnected(EvictionReason.KICKED))
    assert own(room) == [("one", LOST)]
    do(Act.SEND_AGAIN, case.messenger, room)
    assert own(room) == [("one", LOST)]
    case.relay.answers = True
    case.messenger.again(room)
    case.links.pass_time(0.1)
    do(Act.SEND_AGAIN, case.messenger, room)
    assert own(room) == [("one", TAKEN)]


@pytest.mark.parametrize(("command", "shown"), [("/kick bob", "/kick bob"), ("/password sesame", "/password")])
def test_a_command_that_is_lost_is_told_without_a_password(case: Case, command: str, shown: str) -> None:
    room = enter(case, create=True)
    case.relay.answers = False
    case.messenger.submit(room, command)
    case.relay.notices(Disconnected(EvictionReason.KICKED))
    assert problems(room)[0] == f"Not delivered (no answer came): {shown}"


def test_a_command_that_is_lost_is_not_offered_to_be_sent_again(case: Case) -> None:
    room = enter(case, create=True)
    case.relay.refusal = "message_rate"
    case.messenger.submit(room, "/kick bob")
    assert notice_of(room, 0) is None
    case.messenger.submit(room, "one")
    notice = notice_of(room, 0)
    assert notice
    assert notice.what == "1 message was not delivered (too much at once)."
    case.relay.refusal = ""
    said = len(case.relay.words)
    do(Act.SEND_AGAIN, case.messenger, room)
    assert case.relay.words[said:] == ["one"]


def three_lines() -> History:
    history = History()
    for text in ("one", "two", "three"):
        history.add(Line(Kind.OWN, datetime.now(UTC), text, state=SENDING))
    return history


def test_what_is_sent_again_keeps_the_order_of_its_lines() -> None:
    posted = Posted(three_lines(), lambda _delivery, _line: None)
    for known, line, text in ((2, 2, "three"), (3, 0, "one"), (1, 1, "two")):
        posted.follow(known, line)
        posted.take(Delivery(known, LOST, text))
    said: list[str] = []
    posted.send_again(lambda text: said.append(text) or len(said))  # type: ignore[func-returns-value]
    assert said == ["one", "two", "three"]


def test_what_another_brain_says_of_its_ids_is_not_about_the_lines_of_the_one_before() -> None:
    history = three_lines()
    lost: list[int | None] = []
    posted = Posted(history, lambda _delivery, line: lost.append(line))
    posted.follow(1, 0)
    posted.begin()
    posted.take(Delivery(1, LOST, "/who"))  # the program's own question, which nobody follows
    assert (history[0].state, lost, posted.failed) == (SENDING, [], {})
    posted.follow(1, 2)
    posted.take(Delivery(1, TAKEN, "three"))
    assert [line.state for line in history.since(0)] == [SENDING, SENDING, TAKEN]


def test_a_lost_answer_to_the_programs_own_question_is_nobodys_business(case: Case) -> None:
    case.relay.answers = False
    room = enter(case)
    case.relay.notices(Disconnected(EvictionReason.KICKED))
    assert len(problems(room)) == 1


def test_a_message_whose_line_has_gone_is_forgotten(case: Case) -> None:
    room = enter(case)
    room.history._max_lines = 1
    case.relay.answers = False
    case.messenger.submit(room, "one")
    case.relay.says("bob: two")
    case.relay.notices(Disconnected(EvictionReason.KICKED))
    assert not room.posted.failed


def test_the_log_says_what_was_not_delivered(case: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    log = Logbook(path)
    log.follow(case.messenger)
    room = enter(case)
    case.relay.refusal = "muted"
    case.messenger.submit(room, "hello")
    log.close()
    assert [line.partition("] ")[2] for line in path.read_text().splitlines()][-2:] == [
        "ann: hello",
        "Not delivered: ann: hello",
    ]


def test_a_relay_that_is_not_heard_is_not_called_connected(case: Case) -> None:
    room = enter(case)
    case.relay.answers = False
    case.relay.verdict = None
    case.messenger.submit(room, "anybody?")
    case.links.pass_time(4.4)
    assert at(room, Presence.HERE)
    case.relay.called = lambda wire: None  # type: ignore[method-assign]  # noqa: ARG005 - it takes its time
    case.links.pass_time(0.2)
    assert at(room, Presence.UNHEARD)
    assert state_of(room, 0) == "Not heard since 12:00:04"
    assert tone_of(room)
    notice = notice_of(room, 0)
    assert notice
    assert notice.todo == "What you write is sent once the relay is heard again."
    case.relay.answers = True
    case.links.pass_time(1.0)
    assert at(room, Presence.HERE)
    assert "The relay answers again." in texts(room.history.since(0))
    case.links.pass_time(4.0)
    assert own(room) == [("anybody?", LOST)]  # nobody knows what became of it


def test_a_relay_that_is_heard_over_tcp_alone_is_told_with_what_helps(case: Case) -> None:
    room = enter(case)
    case.relay.answers = False
    case.relay.verdict = Status.NAME_TAKEN  # one's own
    case.messenger.submit(room, "anybody?")
    case.links.pass_time(4.6)
    assert at(room, Presence.WAITING)
    [problem] = problems(room)
    assert problem.startswith("The relay at relay.example:9000 can't be heard over UDP, though it answers over TCP.")
    notice = notice_of(room, 1)
    assert notice
    assert "try another network" in notice.todo
    assert own(room) == [("anybody?", SENDING)]


def test_when_one_room_is_back_all_rooms_of_its_server_try_at_once(case: Case) -> None:
    rooms = [enter(case, name) for name in ("one", "two", "three")]
    case.relay.verdict = None
    for link in range(3):
        case.relay.notices(Disconnected(EvictionReason.SHUTDOWN), link)
    case.links.pass_time(300.0)
    assert {room.presence for room in rooms} == {Presence.WAITING}
    case.relay.verdict = Status.OK
    do(Act.NOW, case.messenger, rooms[1])
    case.links.pass_time(0.0)
    assert {room.presence for room in rooms} == {Presence.HERE}


def test_a_restarted_relay_is_told_in_one_calm_sentence_and_the_old_topic_goes(case: Case) -> None:
    room = enter(case)
    case.relay.notices(Topic("tea"))
    assert room.topic == "tea"
    case.relay.verdict = Status.NO_SUCH_ROOM
    case.relay.notices(Disconnected(EvictionReason.SHUTDOWN))
    case.links.pass_time(5.0)
    case.relay.verdict = Status.OK
    case.links.pass_time(10.0)
    assert room.topic == ""
    assert problems(room) == ["The relay is shutting down."]
    restarted = "The relay seems to have been restarted: the room isn't there again yet."
    assert texts(room.history.since(0))[-2:] == [restarted, "You are back; you may have missed something."]
    assert texts(room.history.since(0)).count(restarted) == 1
