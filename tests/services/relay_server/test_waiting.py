"""A right password waits where others' wrong ones left no check, and is not refused for them (PWD-04)."""

import pytest

from chatproto import Operation, Status
from chatproto.payloads import decode_status
from relay_server.answers import Answer, Granted, Pending, Waiting
from relay_server.core.guesses import AGAIN_SECONDS, WAITING_OF_NETWORK
from relay_server.core.policy import CHECK_WAIT_SECONDS
from services.relay_server.spent_checks import BETWEEN_SECONDS, spent
from services.relay_server.test_control import BOB, ControlCase, finish, frame_of, knock

REFUSED = (Status.BUSY, "Too many wrong passwords: try again in two minutes.")

pytestmark = pytest.mark.requirement("PWD-04")


class Line:
    """A room with a password, and people from an address where somebody spent all checks."""

    def __init__(self) -> None:
        self.case = ControlCase(guesses=spent(0.0, ip="10.0.0.2"))
        self.case.grant(Operation.CREATE, knock("ann", "café"))

    def ask(self, name: str, password: str = "café", now: float = 0.0) -> Answer:  # noqa: S107 - a room's, in a test
        return finish(self.case.wait(Operation.JOIN, knock(name, password), BOB, now=now), now)

    def refusal(self, answer: Answer) -> tuple[Status, str]:
        assert isinstance(answer, bytes)
        return decode_status(frame_of(answer).payload)


def wait(answer: Answer, until: float) -> tuple[Answer, float]:
    """Let a request wait until its answer or so long; returns what comes of it, and when."""
    now = 0.0
    while isinstance(answer, Waiting) and answer.until <= until:
        now = answer.until
        pending = answer.finish(now)
        assert isinstance(pending, Pending)
        answer = finish(pending, now)
    return answer, now


def test_a_right_password_waits_for_the_next_check() -> None:
    answer = Line().ask("bob")
    assert isinstance(answer, Waiting)
    assert (answer.until, answer.for_check) == (AGAIN_SECONDS, True)
    answer, now = wait(answer, CHECK_WAIT_SECONDS)
    assert isinstance(answer, Granted)
    assert BETWEEN_SECONDS <= now < BETWEEN_SECONDS + AGAIN_SECONDS


@pytest.mark.slow
def test_forty_right_passwords_need_one_check() -> None:
    line = Line()
    for number in range(40):
        answer = line.ask(f"pupil {number}", now=BETWEEN_SECONDS)
        assert isinstance(answer, Granted)


def test_who_waited_in_vain_is_refused() -> None:
    line = Line()
    answer = line.ask("bob")
    assert line.refusal(line.ask("eve", "a guess", BETWEEN_SECONDS))[0] is Status.WRONG_PASSWORD
    answer, now = wait(answer, CHECK_WAIT_SECONDS + AGAIN_SECONDS)
    assert line.refusal(answer) == REFUSED
    assert now == CHECK_WAIT_SECONDS


def test_so_many_wait_at_once_and_who_goes_leaves_the_place() -> None:
    line = Line()
    waiting = [line.ask(f"bob {number}") for number in range(WAITING_OF_NETWORK)]
    assert all(isinstance(answer, Waiting) for answer in waiting)
    assert line.refusal(line.ask("ben")) == REFUSED
    gone = waiting[0]
    assert isinstance(gone, Waiting)
    gone.undo()
    assert isinstance(line.ask("ben"), Waiting)
    assert isinstance(waiting[1], Waiting)
    assert isinstance(waiting[1].finish(AGAIN_SECONDS), Pending)  # whose turn it is waits no more
    assert isinstance(line.ask("cem"), Waiting)
