"""A request that is made again gets the same answer, and its place waits for it (RES-02)."""

from dataclasses import replace

import pytest

from chatproto import Frame, Operation, Status
from chatproto.payloads import decode_status
from relay_server.answers import Granted, Waiting
from relay_server.core import attempts
from relay_server.core.counters import Resumption
from services.relay_server.test_control import ANN, BOB, finish
from services.relay_server.test_resume import EVE, ResumeCase

NONCE = "0123456789abcdef"


@pytest.mark.requirement("RES-02")
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.JOIN])
def test_the_same_attempt_gets_the_same_answer(operation: Operation) -> None:
    case = ResumeCase()
    room = b"memo" if operation is Operation.CREATE else b"demo"
    request = case.request("eve", attempt=NONCE)
    first, again = (case.grant(operation, request, EVE, room=room) for _ in range(2))
    assert first is again
    assert case.outcomes() == {"repeated": 1}
    assert case.counted[-2:] == [(operation, Status.OK)] * 2
    case.now = attempts.REMEMBERED_SECONDS
    late = case.ask(operation, request, EVE, room=room)
    assert isinstance(late, Frame)
    assert decode_status(late.payload)[0] in {Status.ROOM_EXISTS, Status.NAME_TAKEN}


@pytest.mark.requirement("RES-02")
def test_an_attempt_is_good_for_who_made_it_alone() -> None:
    case = ResumeCase()
    request = case.request("eve", attempt=NONCE)
    case.grant(Operation.JOIN, request, EVE)
    for peer in (BOB, replace(EVE, encrypted=True)):
        assert isinstance(case.ask(Operation.JOIN, request, peer), Frame)
    assert isinstance(case.ask(Operation.JOIN, case.request("eve", attempt=NONCE[::-1]), EVE), Frame)
    assert case.control.remembered(case.now) == 1


@pytest.mark.requirement("RES-02", "RES-01")
def test_a_resume_whose_answer_is_lost_is_answered_again_and_a_refusal_isnt_remembered() -> None:
    case = ResumeCase()
    first, again = (case.take(case.bob, attempt=NONCE) for _ in range(2))
    assert first is again
    case.say(again, BOB)
    assert case.take(case.bob, attempt=NONCE) is first  # its seat is there still
    case.registry.leave(case.bob.member, 0.0)
    assert case.resume(case.bob, attempt=NONCE) is Status.NO_SEAT
    case.grant(Operation.JOIN, case.request("bob", attempt=NONCE), BOB)


@pytest.mark.requirement("RES-02", "RES-03")
def test_a_claim_that_is_made_again_goes_on_where_it_was() -> None:
    case = ResumeCase()
    lost = case.resume(case.bob, EVE, attempt=NONCE)
    case.now = 0.7
    again = case.resume(case.bob, EVE, attempt=NONCE)
    assert isinstance(again, Waiting)
    assert again.until == 1.0
    waiting = case.go_on(again)
    moved = case.go_on(waiting)
    assert isinstance(moved, Granted)
    assert lost.finish(2.5) is moved


@pytest.mark.requirement("RES-02", "RES-03")
def test_a_claim_that_was_refused_may_be_made_anew_by_the_same_attempt() -> None:
    case = ResumeCase()
    assert isinstance(case.resume(case.bob, EVE, attempt=NONCE), Waiting)
    case.now = 0.3
    case.say(case.bob, BOB)
    case.now = 0.5
    assert case.resume(case.bob, EVE, attempt=NONCE) is Status.NO_SEAT
    assert isinstance(case.resume(case.bob, EVE, attempt=NONCE), Waiting)


@pytest.mark.requirement("RES-02", "PWD-03", "PWD-04")
def test_the_same_attempt_joins_the_work_under_way() -> None:
    case = ResumeCase()
    case.grant(Operation.CREATE, {"username": "ann", "password": "secret"}, ANN, room=b"vault")
    request = case.request("bob", attempt=NONCE) | {"password": "secret"}
    first, second = (case.begin(Operation.JOIN, request, BOB, room=b"vault") for _ in range(2))
    before = sum(case.passwords.outcomes.values())
    granted = finish(first)
    assert isinstance(granted, Granted)
    assert finish(second) is granted
    assert sum(case.passwords.outcomes.values()) == before + 1


@pytest.mark.requirement("RES-02", "PWD-04")
def test_a_wrong_password_made_twice_by_one_attempt_is_one_guess() -> None:
    case = ResumeCase()
    case.grant(Operation.CREATE, {"username": "ann", "password": "secret"}, ANN, room=b"vault")
    request = case.request("bob", attempt=NONCE) | {"password": "wrong"}
    pending = [case.begin(Operation.JOIN, request, BOB, room=b"vault") for _ in range(3)]
    before = sum(case.passwords.outcomes.values())
    assert [case.status_of(finish(one)) for one in pending] == [Status.WRONG_PASSWORD] * 3
    assert sum(case.passwords.outcomes.values()) == before + 1
    right = request | {"password": "secret"}
    granted = finish(case.begin(Operation.JOIN, right, BOB, room=b"vault"))
    assert isinstance(granted, Granted)


@pytest.mark.requirement("RES-02", "TCP-09")
def test_a_place_that_was_granted_to_an_attempt_waits_for_who_asks_again() -> None:
    case = ResumeCase()
    request = case.request("eve", attempt=NONCE)
    lost = case.grant(Operation.JOIN, request, EVE)
    case.control.undo(lost, 1.0)
    assert case.registry.next_deadline() == 31.0
    assert case.grant(Operation.JOIN, request, EVE) is lost
    case.registry.expire(31.0)  # who asked again has it
    assert lost.member in lost.member.room.members
    case.control.undo(lost, 31.0)
    case.registry.expire(61.0)
    assert lost.member not in lost.member.room.members
    case.control.undo(lost, 62.0)  # nothing is there to wait


@pytest.mark.requirement("RES-02", "TCP-09")
def test_a_place_that_is_used_waits_no_longer() -> None:
    case = ResumeCase()
    eve = case.grant(Operation.JOIN, case.request("eve", attempt=NONCE), EVE)
    case.control.undo(eve, 1.0)
    case.say(eve, EVE)
    case.control.undo(eve, 1.0)
    case.registry.expire(100.0)
    assert case.say(eve, EVE, "hi")[0] == b"eve: hi"


def test_a_resume_that_is_undone_leaves_the_seat_as_it_was() -> None:
    case = ResumeCase()
    case.control.undo(case.take(case.bob), 0.0)
    assert case.say(case.bob, BOB, "hi")[0] == b"bob: hi"
    assert isinstance(case.resume(case.bob), Granted)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_REMEMBERED", 3)
    case = ResumeCase()
    for number in range(5):
        case.grant(Operation.JOIN, case.request(f"eve {number}", attempt=f"{number:016}"), EVE)
    assert case.control.remembered(case.now) == 3
    assert isinstance(case.ask(Operation.JOIN, case.request("eve 0", attempt=f"{0:016}"), EVE), Frame)
    assert isinstance(case.ask(Operation.JOIN, case.request("eve 4", attempt=f"{4:016}"), EVE), Granted)
    assert case.control.remembered(case.now + attempts.REMEMBERED_SECONDS) == 0
    assert set(case.registry.counters.resumptions) == set(Resumption)
