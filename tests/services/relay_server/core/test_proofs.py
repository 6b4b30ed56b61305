"""Sessions that last: whoever hears may stay, whoever doesn't answer must join again (EVI-07)."""

import gc

import pytest

from relay_server.core.model import Member, Session
from services.relay_server.core.rooms_case import Case, home

DAY = 86_400.0
HALF_A_DAY = DAY / 2
MINUTE = 60.0


def case_of(seconds: float = HALF_A_DAY) -> tuple[Case, Member, Member]:
    case = Case(max_session_seconds=seconds, silence_timeout_seconds=100 * DAY)
    ann, bob, _ = case.trio()
    return case, ann, bob


def challenges(case: Case, member: Member) -> list[str]:
    """Take out what the relay says; returns the answers to what it asked a member."""
    return [text.partition("? ")[2] for text, targets in case.said() if targets == [home(member)] and "hear me" in text]


@pytest.mark.requirement("EVI-07")
def test_who_does_not_answer_is_asked_four_times_in_the_last_minute_and_must_join_again() -> None:
    case, ann, bob = case_of()
    assert case.registry.next_deadline() == HALF_A_DAY - MINUTE
    for number in range(4):
        now = HALF_A_DAY - MINUTE + 15.0 * number
        case.registry.expire(now - 0.1)
        assert case.said() == []
        case.registry.expire(now)
        said = case.said()
        assert [targets for text, targets in said if "hear me" in text].count([home(bob)]) == 1
        for answer in [text.partition("? ")[2] for text, targets in said if targets == [home(ann)]]:
            case.say(ann, answer, now)
    case.registry.expire(HALF_A_DAY - 0.1)
    assert case.knows(bob)
    asked = case.registry.counters.challenges
    case.registry.expire(HALF_A_DAY)
    assert not case.knows(bob)
    assert case.registry.counters.challenges == asked  # who is given up is asked nothing more
    assert ("server: disconnected: expired", [home(bob)]) in case.said()
    assert case.knows(ann)
    case.assert_all_is_counted()


@pytest.mark.requirement("EVI-07", "UDP-12")
def test_who_answers_stays_for_as_long_again() -> None:
    case, ann, _ = case_of()
    for day in range(1, 6):
        now = day * (HALF_A_DAY - MINUTE)
        case.registry.expire(now)
        (answer,) = challenges(case, ann)
        case.say(ann, answer, now)
        case.registry.expire(now + 2 * MINUTE)
        assert challenges(case, ann) == []
        assert case.knows(ann)
    assert list(ann.room.members) == [ann]


@pytest.mark.requirement("EVI-07")
def test_a_late_answer_and_one_to_an_earlier_question_count() -> None:
    case, ann, _ = case_of()
    asked: list[str] = []
    for now in (HALF_A_DAY - MINUTE, HALF_A_DAY - 30.0):
        case.registry.expire(now)
        asked += challenges(case, ann)
    case.say(ann, asked[0], HALF_A_DAY - 1.0)
    case.registry.expire(HALF_A_DAY + 1.0)
    assert case.knows(ann)


@pytest.mark.requirement("EVI-07")
def test_neither_a_guess_nor_speech_nor_anothers_answer_is_a_proof() -> None:
    case, ann, bob = case_of()
    case.registry.expire(HALF_A_DAY - MINUTE)
    said = case.said()
    answer_of = {targets[0]: text.partition("? ")[2] for text, targets in said}
    for message in ("/here 00000000000000ff", "", "I am here", answer_of[home(bob)]):
        case.say(ann, message, HALF_A_DAY - 10.0)
    assert answer_of[home(ann)] != answer_of[home(bob)]
    case.registry.expire(HALF_A_DAY)
    case.registry.expire(HALF_A_DAY)
    assert not case.knows(ann)


@pytest.mark.requirement("EVI-07")
def test_a_short_session_is_asked_about_in_its_second_half() -> None:
    case, ann, _ = case_of(8.0)
    assert case.registry.next_deadline() == 4.0
    case.registry.expire(4.0)
    assert len(challenges(case, ann)) == 1
    assert case.registry.next_deadline() == 5.0


@pytest.mark.requirement("EVI-07")
def test_who_goes_while_it_is_asked_is_forgotten() -> None:
    def count_sessions() -> int:
        gc.collect()
        return sum(isinstance(each, Session) for each in gc.get_objects())

    before = count_sessions()
    case, ann, _ = case_of()
    case.registry.expire(HALF_A_DAY - MINUTE)
    assert len(challenges(case, ann)) == 1
    case.registry.leave(ann, HALF_A_DAY - MINUTE)  # and with the host all others go
    case.registry.expire(99 * DAY)
    case.said()
    assert count_sessions() == before


@pytest.mark.requirement("EVI-07")
def test_the_limit_can_be_lifted() -> None:
    case, ann, _ = case_of(0.0)
    case.registry.expire(99 * DAY)
    assert case.said() == []
    assert case.knows(ann)
