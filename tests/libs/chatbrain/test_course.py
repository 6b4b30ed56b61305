"""Stages, and what is told of them."""

from chatbrain import Ended, EndReason, Message, Reconnecting, Recovered, RejoinPolicy, Stage, Unheard
from chatbrain.backoff import Backoff
from chatbrain.course import Course

CAUSE = Ended(EndReason.UNREACHABLE, "It is gone.")


def course(*, ever_joined: bool = True, max_attempts: int | None = None) -> Course:
    course = Course(Backoff(RejoinPolicy(max_attempts=max_attempts), lambda: 1.0))
    course.ever_joined = ever_joined
    course.enter(Stage.JOINING)
    return course


def test_who_was_never_in_does_not_wait() -> None:
    newcomer = course(ever_joined=False)
    assert not newcomer.wait(CAUSE, 1.0)
    assert newcomer.stage is Stage.JOINING
    newcomer.end(CAUSE)
    assert (newcomer.stage, newcomer.take()) == (Stage.ENDED, [CAUSE])


def test_who_gives_up_plans_no_attempt_any_more() -> None:
    tired = course(max_attempts=1)
    assert tired.wait(CAUSE, 1.0)
    tired.enter(Stage.JOINING)
    assert not tired.wait(CAUSE, 2.0)
    tired.end(CAUSE)
    assert not tired.backoff.take_due(1e9)


def test_a_membership_that_was_thought_lost_recovers_once() -> None:
    member = course()
    member.wait(CAUSE, 1.0)
    member.chat(2.0)
    member.chat(3.0)
    member.tell(Message(None, "hi", b"hi", 3.0))
    assert member.take() == [Reconnecting(CAUSE, 0.5, 1), Recovered(), Message(None, "hi", b"hi", 3.0)]
    assert member.take() == []


def test_that_nothing_is_heard_is_told_once_until_something_is() -> None:
    member = course()
    member.enter(Stage.CHATTING)
    member.miss()
    member.miss()
    assert member.take() == [Unheard()]
    member.chat(2.0)
    member.miss()
    assert member.take() == [Recovered(), Unheard()]


def test_a_new_membership_is_no_recovery_of_the_old_one() -> None:
    member = course()
    member.wait(CAUSE, 1.0)
    member.chat(2.0, anew=True)
    member.chat(3.0)
    assert member.take() == [Reconnecting(CAUSE, 0.5, 1)]
