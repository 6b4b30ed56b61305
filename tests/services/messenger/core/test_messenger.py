"""All conversations together: coming in, trust, attention, leaving."""

from collections.abc import Callable
from math import inf

import pytest

from chatbrain import Ended, EndReason, Fault, Finding, Presented, Tls, UnreachableError
from chatproto import Disconnected, EvictionReason, Operation, Status
from messenger.core.facts import Presence
from messenger.core.history import Kind
from messenger.core.messenger import ALERT_SECONDS
from messenger.core.trusting import Stranger
from services.messenger.core.fake_relay import SHOWN, Case, at, entry, texts

SELF_SIGNED = Finding(Fault.SELF_SIGNED, "self-signed certificate")
OTHER = ":".join(["BB"] * 32)


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_room_is_created_or_joined_as_the_form_says(case: Case) -> None:
    case.messenger.enter(entry("one", create=True, password="secret"))
    case.messenger.enter(entry("two"))
    assert case.relay.asked == [(Operation.CREATE, "one", "ann", "secret"), (Operation.JOIN, "two", "ann", None)]
    assert [(room.presence, room.host) for room in case.messenger.conversations] == [
        (Presence.HERE, True),
        (Presence.HERE, False),
    ]
    assert case.changes


def test_front_ends_hear_of_all_that_changes(case: Case) -> None:
    heard: dict[str, bool] = {}

    def note(what: str, act: Callable[[], object]) -> None:
        case.changes = 0
        act()
        heard[what] = bool(case.changes)

    case.relay.certificate = Presented(SHOWN, SELF_SIGNED)
    note("looking", lambda: case.messenger.enter(entry(tls=Tls())))
    note("certificate", case.links.show)
    (room,) = case.messenger.conversations
    note("trust", lambda: case.messenger.trust(room))
    note("line", lambda: case.messenger.submit(room, "/quack"))
    note("command", lambda: case.messenger.command(room, "/who"))
    note("password", lambda: case.messenger.choose_password(room, ""))
    note("attention", lambda: case.messenger.attend(room))
    note("the same attention", lambda: case.messenger.attend(room))
    note("message", lambda: case.relay.says("bob: hi"))
    note("leaving", lambda: case.messenger.leave(room))
    note("removing", lambda: case.messenger.remove(room))
    case.trust.known.clear()
    case.messenger.enter(entry(tls=Tls()))
    case.links.show()
    note("distrust", lambda: case.messenger.distrust(case.messenger.conversations[0]))
    assert [what for what, was_heard in heard.items() if not was_heard] == ["the same attention"]


def test_the_lobby_is_entered_without_asking(case: Case) -> None:
    lobby = case.messenger.enter(entry(None))
    assert at(lobby, Presence.ENTERING)
    case.links.pass_time(1.0)
    assert at(lobby, Presence.HERE)
    assert case.relay.asked == []


def test_one_is_in_a_place_once(case: Case) -> None:
    room = case.messenger.enter(entry())
    assert case.messenger.enter(entry(name="other")) is room
    assert len(case.relay.asked) == 1
    case.messenger.leave(room)
    assert case.messenger.enter(entry(name="other")) is room
    assert (room.presence, room.entry.name) == (Presence.HERE, "other")


def test_a_refusal_ends_it_and_trying_again_with_another_wish_goes_on_below(case: Case) -> None:
    case.relay.verdict = Status.NO_SUCH_ROOM
    room = case.messenger.enter(entry())
    assert at(room, Presence.OVER)
    assert room.ended
    assert room.ended.status is Status.NO_SUCH_ROOM
    said = room.history.end
    assert said == 1
    case.relay.verdict = Status.OK
    case.messenger.again(room, room.entry.creating(create=True))
    assert at(room, Presence.HERE)
    assert room.host
    assert room.history.end > said


def test_who_tries_again_enters_and_does_not_come_back_to_what_is_over(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = case.messenger.enter(entry(create=True))
    hosts = [room.host]
    case.messenger.leave(room)
    assert [*hosts, room.host] == [True, False]
    asked: list[Presence] = []
    monkeypatch.setattr(case.relay, "called", lambda _wire: asked.append(room.presence))
    case.messenger.again(room)
    assert (asked, room.presence) == ([Presence.ENTERING], Presence.ENTERING)


def test_trying_again_while_one_is_in_does_nothing(case: Case) -> None:
    room = case.messenger.enter(entry())
    case.messenger.again(room)
    assert len(case.relay.asked) == 1


def test_an_old_memberships_late_word_counts_no_more(case: Case) -> None:
    room = case.messenger.enter(entry())
    case.messenger.leave(room)
    case.messenger.again(room)
    old = case.relay.links[0]
    old._on_event(Ended(EndReason.EVICTED, "Long ago."))
    assert at(room, Presence.HERE)


def test_leaving_says_so_to_the_relay_and_closes_but_keeps_what_was_said(case: Case) -> None:
    room = case.messenger.enter(entry())
    case.relay.says("bob: hi")
    case.messenger.leave(room)
    case.messenger.leave(room)
    assert case.relay.words[-1] == "/leave"
    assert case.relay.links[0].closed
    assert "hi" in texts(room.history.since(0))
    assert room.history[room.history.end - 1].kind is Kind.NOTICE


def test_closing_forgets_the_room(case: Case) -> None:
    room = case.messenger.enter(entry())
    case.messenger.attend(room)
    case.messenger.remove(room)
    assert case.messenger.conversations == []
    assert case.relay.words[-1] == "/leave"


def test_at_the_end_every_room_is_left(case: Case) -> None:
    for name in ("one", "two", "three"):
        case.messenger.enter(entry(name))
    case.messenger.leave_all()
    assert case.relay.words.count("/leave") == 3
    assert all(link.closed for link in case.relay.links)


def test_messages_that_nobody_sees_are_counted_and_call_now_and_then(case: Case) -> None:
    one, two = case.messenger.enter(entry("one")), case.messenger.enter(entry("two"))
    case.messenger.attend(one)
    case.relay.says("bob: seen", link=0)
    for text in ("a", "b"):
        case.relay.says(f"bob: {text}", link=1)
    assert (case.messenger.unread, two.unread, case.alerts) == (2, 2, ["two: a"])
    case.links.now = ALERT_SECONDS
    case.relay.says("bob: c", link=1)
    assert case.alerts == ["two: a", "two: c"]
    case.messenger.attend(two)
    assert case.messenger.unread == 0


def test_a_muted_room_calls_for_nothing_but_counts_by_itself(case: Case) -> None:
    room = case.messenger.enter(entry())
    room.muted = True
    case.relay.says("bob: hi")
    assert (case.messenger.unread, room.unread, case.alerts) == (0, 1, [])


def test_every_line_goes_to_the_log(case: Case) -> None:
    case.messenger.enter(entry())
    case.relay.says("bob: hi")
    assert case.logged[-1] == "demo: hi"
    assert len(case.logged) == 2


def test_how_long_it_takes_until_the_next_attempt_is_known(case: Case) -> None:
    room = case.messenger.enter(entry())
    assert case.messenger.retry_seconds(room) == inf
    case.relay.verdict = None
    case.relay.notices(Disconnected(EvictionReason.SHUTDOWN))
    case.links.now = 0.25
    assert case.messenger.retry_seconds(room) == 0.25
    case.links.now = 9.0
    assert case.messenger.retry_seconds(room) == 0.0


def test_a_relay_whose_authority_is_known_is_trusted_without_asking(case: Case) -> None:
    room = case.messenger.enter(entry(tls=Tls()))
    assert (room.presence, case.relay.asked) == (Presence.LOOKING, [])
    case.links.show()
    assert at(room, Presence.HERE)
    assert case.relay.links[0].tls == Tls()


def test_a_stranger_is_asked_about_once_and_then_trusted_by_its_fingerprint(case: Case) -> None:
    case.relay.certificate = Presented(SHOWN, SELF_SIGNED)
    room = case.messenger.enter(entry(tls=Tls()))
    case.links.show()
    assert at(room, Presence.ASKING)
    assert room.question == Stranger("relay.example:9000", SHOWN, SELF_SIGNED)
    assert case.relay.asked == []
    case.messenger.trust(room)
    case.messenger.trust(room)
    assert at(room, Presence.HERE)
    assert case.relay.links[0].tls == Tls(fingerprint=SHOWN)
    case.messenger.enter(entry("other", tls=Tls()))
    case.links.show()
    assert at(case.messenger.conversations[1], Presence.HERE)


def test_who_does_not_trust_leaves_and_nothing_was_sent(case: Case) -> None:
    case.relay.certificate = Presented(SHOWN, SELF_SIGNED)
    room = case.messenger.enter(entry(tls=Tls()))
    case.links.show()
    case.messenger.leave(room)
    assert at(room, Presence.OVER)
    assert (case.relay.links, case.trust.known) == ([], {})


def test_who_says_that_a_relay_is_not_to_be_trusted_sees_why_it_is_over(case: Case) -> None:
    case.relay.certificate = Presented(SHOWN, SELF_SIGNED)
    room = case.messenger.enter(entry(tls=Tls()))
    case.messenger.distrust(room)
    assert at(room, Presence.LOOKING)
    case.links.show()
    case.messenger.distrust(room)
    assert at(room, Presence.OVER)
    assert room.ended
    assert room.ended.reason is EndReason.UNTRUSTED
    assert (case.relay.links, case.trust.known) == ([], {})


def test_a_changed_certificate_ends_it_loudly(case: Case) -> None:
    case.trust.known["relay.example:9000"] = OTHER
    case.relay.certificate = Presented(SHOWN, SELF_SIGNED)
    room = case.messenger.enter(entry(tls=Tls()))
    case.links.show()
    assert room.ended
    assert room.ended.reason is EndReason.UNTRUSTED
    assert SHOWN in room.history[0].text
    assert OTHER in room.history[0].text
    assert "delete the line of relay.example:9000 from known_servers" in room.history[0].text
    assert case.relay.links == []


def test_a_fingerprint_that_was_given_decides_alone(case: Case) -> None:
    case.messenger.enter(entry(tls=Tls(fingerprint=OTHER)))
    assert case.links.looks == []
    assert case.relay.links[0].tls == Tls(fingerprint=OTHER)


def test_a_relay_that_shows_nothing_is_not_there(case: Case) -> None:
    case.relay.certificate = UnreachableError(Ended.unreachable("relay.example:9000", Finding(Fault.NO_TLS, "no TLS")))
    room = case.messenger.enter(entry(tls=Tls()))
    case.links.show()
    assert room.ended
    assert room.ended.reason is EndReason.UNREACHABLE


def test_who_leaves_while_the_certificate_is_looked_at_hears_no_more(case: Case) -> None:
    room = case.messenger.enter(entry(tls=Tls()))
    case.messenger.leave(room)
    case.links.show()
    assert at(room, Presence.OVER)
    assert case.relay.links == []


def test_a_broken_file_of_known_servers_stops_what_was_not_decided(case: Case) -> None:
    case.trust.broken = True
    case.relay.certificate = Presented(SHOWN, SELF_SIGNED)
    room = case.messenger.enter(entry(tls=Tls()))
    case.links.show()
    assert room.ended
    assert room.ended.reason is EndReason.UNTRUSTED


def test_trust_that_cannot_be_kept_counts_for_now(case: Case) -> None:
    case.relay.certificate = Presented(SHOWN, SELF_SIGNED)
    room = case.messenger.enter(entry(tls=Tls()))
    case.links.show()
    case.trust.broken = True
    case.messenger.trust(room)
    assert at(room, Presence.HERE)
    assert room.history[0].kind is Kind.PROBLEM


def test_a_file_of_authorities_that_cannot_be_used_ends_it(case: Case) -> None:
    case.links.fault = ValueError("The file can't be used.")
    room = case.messenger.enter(entry(tls=Tls(ca_file="x")))
    assert room.ended
    assert room.ended.reason is EndReason.UNTRUSTED


def test_where_one_would_be_is_where_one_is_or_nobody_answers() -> None:
    case = Case()
    for room in ("here", "left"):
        case.messenger.enter(entry(room))
    case.messenger.leave(case.messenger.conversations[1])
    case.relay.verdict = None
    case.messenger.enter(entry("far"))
    assert [each.room for each in case.messenger.wanted] == ["here", "far"]
