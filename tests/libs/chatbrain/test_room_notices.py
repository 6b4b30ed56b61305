"""The room's brain, told things by the relay: as facts where it grants them, else in prose."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbrain import (
    Stage,
)
from chatbrain.events import Message
from chatproto import (
    Advice,
    Challenge,
    Command,
    CommandDone,
    CommandFailed,
    Disconnected,
    EvictionReason,
    Failure,
    Feature,
    HostChanged,
    ListedMember,
    MemberJoined,
    MemberLeft,
    MemberList,
    MessageDropped,
    Muted,
    Notice,
    NotRelayed,
    Operation,
    PasswordState,
    Topic,
    encode_notice,
)
from libs.chatbrain.membership_case import GRANT, HOST_GRANT, NOTICES, Case, joined

PROSE = frozenset[Feature]()


def test_messages_and_notices_become_events() -> None:
    case = joined()
    case.brain.receive_datagram(b"bob: hi", 1.0)
    case.brain.receive_datagram(b"no colon", 2.0)
    case.brain.receive_datagram(encode_notice(MemberJoined("eve")), 3.0)
    assert case.brain.take_events() == [
        Message("bob", "hi", b"bob: hi", 1.0),
        Message(None, "no colon", b"no colon", 2.0),
        MemberJoined("eve"),
    ]


FACTS = (
    MemberJoined("x left"),
    MemberLeft("eve"),
    Topic("tea"),
    MemberList((ListedMember("Doe, John", host=True),), 1, 1, False),
    CommandDone(Command.KICK, "eve"),
    CommandFailed(Failure.NOBODY, Command.KICK, "eve"),
    MessageDropped(NotRelayed.TOO_LONG, 7),
    Muted(),
    PasswordState(set=True),
    Advice("Good night."),
)


@pytest.mark.requirement("FEAT-01", "FEAT-03")
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.KIND)
def test_a_relay_that_grants_facts_is_read_by_them(fact: Notice) -> None:
    case = Case()
    case.join(replace(GRANT, features=NOTICES))
    case.brain.receive_datagram(encode_notice(fact, json=True), 1.0)
    case.brain.receive_datagram(b'eve: {"notice": "muted"}', 2.0)
    said = Message("eve", '{"notice": "muted"}', b'eve: {"notice": "muted"}', 2.0)
    assert case.brain.take_events() == [fact, said]


@pytest.mark.requirement("FEAT-03")
@pytest.mark.parametrize("text", ["bob joined", '{"notice": "weather"}', '{"notice": "member_joined"}', "{"])
def test_what_is_no_known_fact_is_passed_over(text: str) -> None:
    case = Case()
    case.join(replace(GRANT, features=NOTICES))
    case.brain.receive_datagram(f"server: {text}".encode(), 1.0)
    assert case.flush() == []


@pytest.mark.requirement("FEAT-01")
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.KIND)
def test_a_relay_that_grants_no_facts_is_read_in_prose(fact: Notice) -> None:
    case = joined()
    case.brain.receive_datagram(encode_notice(fact), 1.0)
    (event,) = case.brain.take_events()
    assert str(event) == str(fact)
    case.brain.receive_datagram(encode_notice(fact, json=True), 2.0)
    (event,) = case.brain.take_events()
    assert isinstance(event, Advice)


@pytest.mark.requirement("FEAT-01")
def test_how_a_relay_is_read_goes_by_its_newest_grant() -> None:
    case = Case()
    case.join(replace(GRANT, features=NOTICES))
    for number, features in enumerate((PROSE, NOTICES), start=1):
        lost = Disconnected(EvictionReason.SHUTDOWN)
        case.brain.receive_datagram(encode_notice(lost, json=not features), 10.0 * number)
        case.until(Stage.JOINING)
        case.answer(10.0 * number + 5, replace(GRANT, features=features))
        case.flush()
        case.brain.receive_datagram(encode_notice(MemberJoined("eve"), json=bool(features)), 10.0 * number + 6)
        assert case.flush() == [MemberJoined("eve")]


@pytest.mark.requirement("EVI-03", "UDP-12")
@pytest.mark.parametrize("features", [PROSE, NOTICES], ids=["prose", "facts"])
def test_a_challenge_is_answered_and_shown_to_nobody(features: frozenset[Feature]) -> None:
    case = Case()
    case.join(replace(GRANT, features=features))
    challenge = encode_notice(Challenge("0123456789abcdef"), json=bool(features))
    case.brain.receive_datagram(challenge, 10.0)
    assert (case.sent_messages(), case.brain.take_events()) == ([b"/here 0123456789abcdef"], [])
    case.brain.fall_silent()
    case.brain.receive_datagram(challenge, 20.0)
    assert (case.sent_messages(), case.brain.take_events()) == ([], [])


@given(st.binary(), st.sampled_from([PROSE, NOTICES]))
def test_whatever_comes_is_harmless_to_show(data: bytes, features: frozenset[Feature]) -> None:
    case = Case()
    case.join(replace(GRANT, features=features))
    case.brain.receive_datagram(data, 1.0)
    shown = [getattr(event, field, "") for event in case.flush() for field in ("sender", "text", "name")]
    assert not [text for text in shown if text and any(char in text for char in "\x1b\n\r\x9b\u202e")]


@pytest.mark.requirement("MOD-06")
@pytest.mark.parametrize("features", [PROSE, NOTICES], ids=["prose", "facts"])
@pytest.mark.parametrize(("new_host", "operation"), [("ann", Operation.CREATE), ("bob", Operation.JOIN)])
def test_who_is_host_by_now_creates_the_room_anew(
    new_host: str, operation: Operation, features: frozenset[Feature]
) -> None:
    case = Case()
    case.join(replace(GRANT if new_host == "ann" else HOST_GRANT, features=features))
    case.brain.receive_datagram(encode_notice(HostChanged(new_host), json=bool(features)), 1.0)
    assert case.brain.take_events() == [HostChanged(new_host)]
    case.brain.receive_datagram(encode_notice(Disconnected(EvictionReason.SHUTDOWN), json=bool(features)), 2.0)
    case.until(Stage.JOINING)
    case.answer(100.0, GRANT)
    assert case.requests[-1][0] is operation


@pytest.mark.requirement("MOD-08")
@pytest.mark.parametrize("features", [PROSE, NOTICES], ids=["prose", "facts"])
def test_a_room_that_gets_a_password_is_created_anew_with_it(features: frozenset[Feature]) -> None:
    case = Case(Operation.CREATE)
    grant = replace(HOST_GRANT, moderation=True, features=features)
    case.join(grant)

    def told(notice: Notice, now: float) -> None:
        case.brain.receive_datagram(encode_notice(notice, json=bool(features)), now)

    def created_with() -> str | None:
        told(Disconnected(EvictionReason.SHUTDOWN), 2.0)
        case.until(Stage.JOINING)
        case.answer(100.0, grant)
        return case.requests[-1][2].password

    case.brain.command("/password open sesame", 1.0)
    assert created_with() is None  # the relay may not have taken it
    told(PasswordState(set=True, changed=True), 101.0)
    assert created_with() == "open sesame"
    case.brain.command("/password", 101.0)
    case.brain.command("/who", 101.0)
    told(PasswordState(set=True), 101.0)
    assert created_with() == "open sesame"
    case.brain.command("/password -", 101.0)
    told(PasswordState(set=False, changed=True), 102.0)
    assert created_with() is None
