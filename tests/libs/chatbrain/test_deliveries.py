"""One's own messages on their way, told by a clock of plain floats (RCP-01, RCP-02)."""

from math import inf

import pytest

from chatbrain import Delivery, DeliveryState
from chatbrain.deliveries import GIVE_UP_SECONDS, MAX_WAITING, Deliveries
from chatproto.receipts import MAX_UNANSWERED, WINDOW, encode_numbered


class Case:
    def __init__(self) -> None:
        self.told: list[Delivery] = []
        self.deliveries = Deliveries(self.told.append)

    def send(self, text: bytes, now: float = 0.0) -> list[bytes]:
        self.deliveries.add(text)
        return list(self.deliveries.take_new(now))

    def states(self) -> list[tuple[int, DeliveryState, str | None]]:
        told, self.told[:] = list(self.told), []
        return [(each.id, each.state, each.reason) for each in told]

    def times(self, until: float = 100.0) -> list[float]:
        """Return when something was sent again."""
        found = []
        while (now := self.deliveries.next_deadline()) <= until:
            found += [now for _ in self.deliveries.take_repeats(now)]
        return found


SENDING, TAKEN, NOT_DELIVERED = DeliveryState.SENDING, DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED


@pytest.mark.requirement("RCP-01")
def test_a_message_is_taken_once_the_relay_says_so() -> None:
    case = Case()
    assert case.send(b"hi") == [b"/say 1 hi"]
    assert case.told == [Delivery(1, SENDING, "hi")]
    case.told.clear()
    case.deliveries.answer(1, 0.1)
    case.deliveries.answer(1, 0.2)
    assert case.told == [Delivery(1, TAKEN, "hi")]
    assert (SENDING.final, TAKEN.final) == (False, True)
    assert case.deliveries.next_deadline() == inf


def test_a_refused_message_is_not_delivered_and_its_reason_told() -> None:
    case = Case()
    case.send(b"hi")
    case.deliveries.answer(1, 0.1, "message_rate")
    assert case.states() == [(1, SENDING, None), (1, NOT_DELIVERED, "message_rate")]
    case.send(b"hi")
    case.deliveries.answer(2, 0.1, "")
    assert case.states()[-1] == (2, NOT_DELIVERED, "")


def test_without_an_answer_it_is_repeated_five_times_and_given_up() -> None:
    case = Case()
    case.send(b"hi")
    assert case.times() == pytest.approx([0.25, 0.625, 1.1875, 2.03125, 3.296875])
    assert case.states() == [(1, SENDING, None), (1, NOT_DELIVERED, None)]


def test_who_is_far_away_has_more_time() -> None:
    case = Case()
    case.send(b"hi")
    case.deliveries.answer(1, 0.4)
    case.send(b"hi", 10.0)
    assert case.times()[0] == pytest.approx(10.8)
    case.send(b"hi", 30.0)
    case.deliveries.answer(3, 31.2)  # smoothed: 0.4 + 0.8 / 8
    case.send(b"hi", 40.0)
    assert case.times()[0] == pytest.approx(41.0)
    assert [state for state in case.states() if state[1] is NOT_DELIVERED] == [
        (2, NOT_DELIVERED, None),
        (4, NOT_DELIVERED, None),
    ]


@pytest.mark.requirement("RCP-02")
def test_so_many_are_unanswered_at_once_and_the_others_wait() -> None:
    case = Case()
    for _ in range(MAX_UNANSWERED + 2):
        case.deliveries.add(b"x")
    assert len(list(case.deliveries.take_new(0.0))) == MAX_UNANSWERED
    assert list(case.deliveries.take_new(0.0)) == []
    case.deliveries.answer(7, 0.1)
    assert list(case.deliveries.take_new(0.1)) == [encode_numbered(MAX_UNANSWERED + 1, b"x")]


@pytest.mark.requirement("RCP-02")
def test_no_number_is_so_high_that_the_relay_forgets_an_unanswered_one() -> None:
    case = Case()
    sent = 0
    for _ in range(2 * WINDOW):
        sent += len(case.send(b"x"))
        if sent > 1:
            case.deliveries.answer(sent, 0.1)  # but not the first
    assert sent == WINDOW
    case.deliveries.answer(1, 0.2)
    assert len(list(case.deliveries.take_new(0.2))) == MAX_UNANSWERED


@pytest.mark.requirement("RCP-03")
def test_a_question_is_repeated_and_nobody_is_told_of_it() -> None:
    case = Case()
    assert case.deliveries.ask(0.0) == b"/say 1 "
    assert case.deliveries.ask(0.1) == b"/say 2 "  # the one before is forgotten
    assert len(case.times(3.5)) == 5
    case.deliveries.ask_no_more()
    assert case.deliveries.next_deadline() == inf
    case.deliveries.ask(10.0)
    assert case.times()
    assert case.told == []


def test_what_a_lost_membership_left_unanswered_is_given_up_and_the_rest_waits() -> None:
    case = Case()
    case.send(b"first")
    case.deliveries.add(b"second")
    case.deliveries.add(b"/kick bob", command=True)
    case.deliveries.lose()
    assert case.states() == [(1, SENDING, None), (1, NOT_DELIVERED, None), (3, NOT_DELIVERED, None)]
    assert list(case.deliveries.take_new(9.0)) == [b"/say 2 second"]
    case.deliveries.add(b"third")
    case.deliveries.end()
    assert case.states() == [(2, SENDING, None), (2, NOT_DELIVERED, None), (4, NOT_DELIVERED, None)]


def test_a_relay_that_answers_nothing_is_just_told() -> None:
    case = Case()
    case.deliveries.add(b"hi")
    assert list(case.deliveries.take_unnumbered()) == [b"hi"]
    assert case.told == [Delivery(1, DeliveryState.SENT, "hi")]
    assert case.deliveries.next_deadline() == inf


def test_not_more_wait_than_a_person_types() -> None:
    case = Case()
    for _ in range(MAX_WAITING):
        assert not case.deliveries.full
        case.deliveries.add(b"x")
    assert case.deliveries.full


def test_it_is_given_up_in_eight_seconds_whoever_looks_late() -> None:
    case = Case()
    case.send(b"hi")
    assert list(case.deliveries.take_repeats(GIVE_UP_SECONDS)) == []
    assert case.states()[-1] == (1, NOT_DELIVERED, None)


@pytest.mark.parametrize("moved_at", [None, 0.1, 5.0])
def test_neither_repeats_nor_another_address_postpone_the_giving_up(moved_at: float | None) -> None:
    case = Case()
    case.send(b"hi", 100.0)
    if moved_at is not None:
        assert list(case.deliveries.take_again(100.0 + moved_at)) == [b"/say 1 hi"]
    while (now := case.deliveries.next_deadline()) < 100.0 + GIVE_UP_SECONDS:
        assert list(case.deliveries.take_repeats(now)) == [b"/say 1 hi"]
    assert now == 100.0 + GIVE_UP_SECONDS
    assert case.states() == [(1, SENDING, None)]
    assert list(case.deliveries.take_repeats(now)) == []
    assert case.states() == [(1, NOT_DELIVERED, None)]
