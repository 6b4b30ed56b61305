"""Every copy owed is delivered, lost or forgiven, exactly once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_client.ledger import MAX_LATENCIES, REMEMBERED_SECONDS, Arrival, Ledger


def make(*members: str, timeout: float = 5.0) -> tuple[Ledger, list[float]]:
    latencies: list[float] = []
    ledger = Ledger(timeout, latencies.append)
    for member in members:
        ledger.enter("room", member)
    return ledger, latencies


def test_a_copy_is_owed_to_everybody_else_in_the_same_place() -> None:
    ledger, latencies = make("a", "b", "c")
    ledger.enter("elsewhere", "d")
    ledger.enter(None, "e")
    assert (ledger.tally.members, ledger.rooms) == (5, 2)
    assert ledger.say("room", "a", "hi", 1.0)
    assert ledger.tally.outstanding == 2
    assert ledger.receive("room", "b", "a", "hi", 1.25) is Arrival.FIRST
    assert ledger.receive("room", "c", "a", "hi", 1.5) is Arrival.FURTHER
    assert (ledger.tally.sent, ledger.tally.delivered, ledger.tally.outstanding) == (1, 2, 0)
    assert latencies == [0.25, 0.5]


def test_nothing_is_owed_where_nobody_listens() -> None:
    ledger, _ = make("a")
    assert not ledger.say("room", "a", "hi", 0)
    ledger.close()
    assert ledger.tally.lost == 0


def test_what_does_not_come_in_time_is_lost_and_late_if_it_comes_after_all() -> None:
    ledger, latencies = make("a", "b", "c")
    ledger.say("room", "a", "hi", 0)
    ledger.expire(5.0)
    assert ledger.tally.lost == 0
    ledger.expire(5.1)
    assert (ledger.tally.lost, ledger.tally.outstanding) == (2, 0)
    assert ledger.receive("room", "b", "a", "hi", 6) is Arrival.LATE
    assert (ledger.tally.lost, ledger.tally.late, ledger.tally.delivered) == (2, 1, 0)
    assert ledger.receive("room", "b", "a", "hi", 6) is Arrival.DUPLICATE
    assert latencies == []


def test_a_second_copy_is_a_duplicate() -> None:
    ledger, latencies = make("a", "b")
    ledger.say("room", "a", "hi", 0)
    ledger.receive("room", "b", "a", "hi", 1)
    assert ledger.receive("room", "b", "a", "hi", 2) is Arrival.DUPLICATE
    assert (ledger.tally.received, ledger.tally.delivered, ledger.tally.duplicated) == (2, 1, 1)
    assert latencies == [1]


def test_equal_texts_are_matched_in_the_order_they_were_said() -> None:
    ledger, latencies = make("a", "b")
    ledger.say("room", "a", "hi", 0)
    ledger.say("room", "a", "hi", 10)
    assert ledger.tally.outstanding == 2
    ledger.receive("room", "b", "a", "hi", 11)
    assert (ledger.tally.lost, ledger.tally.delivered) == (1, 1)
    assert latencies == [1]


def test_senders_of_equal_texts_are_told_apart_where_the_relay_names_them() -> None:
    ledger, latencies = make("a", "b", "c")
    ledger.say("room", "a", "hi", 0)
    ledger.say("room", "b", "hi", 1)
    ledger.receive("room", "c", "b", "hi", 2)
    assert latencies == [1]
    ledger.receive("room", "c", None, "hi", 3)
    assert latencies == [1, 3]


@pytest.mark.parametrize(("place", "sender", "text"), [("room", "x", "hi"), ("room", "a", "ho"), (None, "a", "hi")])
def test_what_no_bot_said_is_foreign(place: str | None, sender: str, text: str) -> None:
    ledger, _ = make("a", "b")
    ledger.say("room", "a", "hi", 0)
    assert ledger.receive(place, "b", sender, text, 1) is Arrival.FOREIGN
    assert (ledger.tally.received, ledger.tally.delivered) == (1, 0)


def test_who_left_is_owed_nothing_any_more() -> None:
    ledger, _ = make("a", "b", "c")
    ledger.say("room", "a", "hi", 0)
    ledger.leave("room", "b")
    ledger.leave("room", "b")
    assert (ledger.tally.outstanding, ledger.tally.members) == (1, 2)
    ledger.say("room", "a", "ho", 0)
    ledger.close()
    assert ledger.tally.lost == 2


def test_old_messages_are_forgotten() -> None:
    ledger, _ = make("a", "b")
    ledger.say("room", "a", "hi", 0)
    ledger.receive("room", "b", "a", "hi", 1)
    ledger.expire(5 + REMEMBERED_SECONDS + 0.1)
    assert not ledger._said
    assert ledger.receive("room", "b", "a", "hi", 40) is Arrival.FOREIGN


def test_percentiles_speak_of_the_newest_deliveries() -> None:
    ledger, _ = make("a", "b")
    assert ledger.percentiles() is None
    for index in range(101):
        ledger.say("room", "a", f"{index}", 0)
        ledger.receive("room", "b", "a", f"{index}", index / 100)
        if not index:
            assert ledger.percentiles() == (0, 0)
    assert ledger.percentiles() == pytest.approx((0.5, 0.99))
    assert MAX_LATENCIES > 101


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["say", "receive", "enter", "leave", "expire"]),
            st.sampled_from("abc"),
            st.sampled_from("abc"),
            st.sampled_from(["x", "y"]),
            st.floats(0, 4),
        )
    )
)
def test_the_books_always_balance(entries: list[tuple[str, str, str, str, float]]) -> None:
    ledger, latencies = make(timeout=5)
    owed = forgiven = 0
    now = 0.0
    for action, one, other, text, passed in entries:
        now += passed
        before = ledger.tally.outstanding
        if action == "say":
            ledger.say("room", one, text, now)
            owed += ledger.tally.outstanding - before
        elif action == "receive":
            ledger.receive("room", one, other, text, now)
        elif action == "enter":
            ledger.enter("room", one)
        elif action == "leave":
            ledger.leave("room", one)
            forgiven += before - ledger.tally.outstanding
        else:
            ledger.expire(now)
    ledger.close()
    tally = ledger.tally
    assert owed == tally.delivered + tally.lost + forgiven
    assert tally.outstanding == 0
    assert tally.late <= tally.lost
    assert tally.delivered + tally.late + tally.duplicated <= tally.received
    assert len(latencies) == tally.delivered
