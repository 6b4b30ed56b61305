"""A node creates rooms, keeps their records, yields to newer homes, and tells who asks (CLU-01, CLU-03)."""

from dataclasses import replace

import pytest

from relay_server.core.counters import Move
from relay_server.core.home_actions import (
    BusFailure,
    CallFailure,
    CloseRoom,
    Create,
    Delete,
    Found,
    Get,
    OpenRoom,
    Outcome,
    Put,
)
from relay_server.core.homes import UNREADABLE
from relay_server.core.nodes import SILENT_SECONDS
from services.relay_server.core.homes_case import ME, OTHER, RESUME_SECONDS, THIRD, HomesCase, record

# new rooms


def test_a_new_room_is_this_nodes_when_the_directory_has_its_record() -> None:
    case = HomesCase()
    assert case.homes.check_new(b"demo", case.now) is None
    case.homes.claim(record(term=7, changes=7), "ann", case.now)
    created = case.answer(Create, 1)
    assert created.record == record(ME, term=1, changes=1)
    assert case.told == {"ann": "READY"}
    assert case.homes.held(b"demo") == created.record
    assert (case.homes.known, case.homes.homed) == (1, 1)
    case.homes.change(record(ME), case.now)
    assert case.is_idle()  # the record says all that is new


def test_one_of_many_gets_a_name() -> None:
    case = HomesCase()
    case.homes.claim(record(), "ann", case.now)
    case.homes.claim(record(), "bob", case.now)
    case.homes.look(b"demo", "eve", case.now)
    case.answer(Create, 1)
    assert case.told == {"ann": "READY", "bob": "TAKEN", "eve": "READY"}
    assert case.homes.check_new(b"demo", case.now) is Outcome.TAKEN


def test_a_name_that_another_node_has_is_taken() -> None:
    case = HomesCase()
    case.homes.claim(record(), "ann", case.now)
    case.answer(Create, CallFailure.TAKEN)
    case.answer(Get, Found(3, record()))
    assert case.told == {"ann": "TAKEN"}
    assert case.homes.check_new(b"demo", case.now) is Outcome.TAKEN


def test_without_the_directory_nothing_is_created_or_found() -> None:
    case = HomesCase(connected=False)
    assert case.homes.check_new(b"demo", case.now) is Outcome.AWAY
    case.homes.claim(record(), "ann", case.now)
    case.homes.look(b"demo", "bob", case.now)
    assert case.is_idle()
    assert case.told == {"ann": "AWAY", "bob": "AWAY"}


def test_a_claim_whose_answer_is_lost_leaves_no_room() -> None:
    case = HomesCase()
    case.homes.claim(record(), "ann", case.now)
    created = case.answer(Create, CallFailure.AWAY)
    assert case.told == {"ann": "AWAY"}
    case.show(created.record, 1)
    case.answer(Get, Found(1, created.record))
    assert case.next(Delete).revision == 1
    assert case.homes.held(b"demo") is None


def test_a_claim_that_is_repeated_takes_what_the_first_one_left() -> None:
    case = HomesCase()
    case.homes.claim(record(), "ann", case.now)
    created = case.answer(Create, CallFailure.AWAY)
    case.homes.claim(record(first_seat=20), "ann again", case.now)
    case.answer(Get, Found(1, created.record))
    again = case.answer(Put, 2)
    assert (again.revision, again.record) == (1, record(ME, first_seat=20, term=2, changes=1))
    assert case.told["ann again"] == "READY"


def test_a_name_is_free_that_is_left_from_a_claim() -> None:
    case = HomesCase()
    leftover = record(ME, changes=1)
    case.show(leftover, 1)
    assert case.homes.check_new(b"demo", case.now) is None
    case.homes.look(b"demo", "bob", case.now)
    case.answer(Delete, None)
    assert case.told == {"bob": "NOBODY"}


def test_the_name_of_a_room_is_free_when_nobody_can_come_back_to_it() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(term=4), 1)
    case.now += RESUME_SECONDS - 1
    assert case.homes.check_new(b"demo", case.now) is Outcome.TAKEN
    case.now += 1
    assert case.homes.check_new(b"demo", case.now) is None
    case.homes.claim(record(first_seat=20), "ann", case.now)
    case.find_gone()
    assert case.answer(Put, 2).record == record(ME, first_seat=20, term=5, changes=1)
    assert case.told == {"ann": "READY"}


@pytest.mark.parametrize(("alive", "outcome"), [(True, "TAKEN"), (False, "BUSY")])
def test_a_silent_home_that_is_there_after_all_keeps_its_rooms(alive: bool, outcome: str) -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.now += RESUME_SECONDS
    case.homes.claim(record(), "ann", case.now)
    case.answer_ask(BusFailure.SILENT)
    case.homes.on_late(case.now)
    case.answer_probe(alive=False)
    case.homes.on_late(case.now)
    case.answer_probe(alive=alive)
    assert case.is_idle()
    assert case.told == {"ann": outcome}


def test_what_cant_be_read_is_there_all_the_same() -> None:
    case = HomesCase()
    case.homes.on_change("demo", 1, UNREADABLE, case.now)
    assert case.homes.known == 1
    assert case.homes.check_new(b"demo", case.now) is Outcome.TAKEN
    assert case.homes.find(b"demo", case.now) is None
    case.homes.claim(record(), "ann", case.now)
    case.homes.look(b"demo", "bob", case.now)
    case.answer(Get, Found(1, None))
    assert case.told == {"ann": "TAKEN", "bob": "BUSY"}


# rooms that are here


def test_changes_are_written_one_after_the_other_and_only_the_newest() -> None:
    case = HomesCase()
    held = case.hold()
    for topic in ("one", "two", "three"):
        case.homes.change(replace(held, topic=topic), case.now)
    assert case.answer(Put, 2).record.topic == "one"
    last = case.answer(Put, 3)
    assert (last.revision, last.record.topic, last.record.changes) == (2, "three", 3)
    assert case.is_idle()


def test_a_write_that_came_to_nothing_is_made_again() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.change(replace(held, topic="new"), case.now)
    written = case.answer(Put, CallFailure.AWAY)
    assert case.is_idle()
    case.homes.tick(case.now)
    case.answer(Get, Found(1, held))
    assert case.next(Put).record.topic == written.record.topic


def test_a_write_that_was_made_though_no_answer_came_isnt_made_again() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.change(replace(held, topic="new"), case.now)
    written = case.answer(Put, CallFailure.AWAY)
    case.show(written.record, 2)
    case.answer(Get, Found(2, written.record))
    assert case.is_idle()


def test_a_change_while_the_directory_is_away_is_written_when_it_is_back() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.on_away(case.now)
    case.homes.change(replace(held, topic="new"), case.now)
    assert case.is_idle()
    case.homes.on_listing(case.now)
    case.show(held, 1)
    case.homes.on_caught_up(case.now)
    assert case.next(Put).record.topic == "new"


def test_a_record_that_the_directory_lost_is_written_again() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.on_away(case.now)
    case.homes.on_listing(case.now)
    case.homes.on_caught_up(case.now)
    assert case.next(Create).record == replace(held, changes=2)


@pytest.mark.parametrize("revision", [1, 9])
def test_a_record_that_the_directory_has_in_an_older_form_is_written_again(revision: int) -> None:
    """Even if the directory gives its revisions again."""
    case = HomesCase()
    held = case.hold()
    case.homes.change(replace(held, topic="new"), case.now)
    case.answer(Put, 8)
    case.homes.on_listing(case.now)
    case.show(held, revision)
    put = case.next(Put)
    assert (put.revision, put.record.topic, put.record.changes) == (revision, "new", 3)


def test_old_news_changes_nothing() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.change(replace(held, topic="new"), case.now)
    case.answer(Put, 2)
    case.show(held, 1)
    case.show(None, 1)
    assert case.is_idle()


def test_the_answer_to_a_question_may_be_older_than_what_came_meanwhile() -> None:
    for news, answer in ((record(THIRD, term=2), record()), (record(THIRD, term=2), None), (None, record())):
        case = HomesCase()
        case.homes.on_beat(THIRD, case.now)
        case.homes.look(b"demo", "bob", case.now)
        case.show(news, 5)
        case.answer(Get, Found(4, answer) if answer else None)
        assert case.homes.find(b"demo", case.now) == (THIRD if news else None)


def test_a_record_that_was_damaged_is_written_again() -> None:
    case = HomesCase()
    case.hold()
    case.homes.on_change("demo", 2, UNREADABLE, case.now)
    assert case.next(Put).revision == 2


def test_a_home_yields_to_a_newer_one() -> None:
    case = HomesCase()
    held = case.hold()
    case.show(record(term=2), 2)
    closed = case.next(CloseRoom)
    assert (closed.room, closed.to, closed.reason) == (b"demo", "other", Move.YIELDED)
    assert case.homes.held(b"demo") is None
    case.homes.change(held, case.now)
    case.homes.close(b"demo", held.term, case.now)
    assert case.is_idle()
    assert case.counters.moves[Move.YIELDED] == 1


def test_a_home_whose_write_was_overwritten_at_once_yields() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.change(replace(held, topic="new"), case.now)
    case.show(record(term=2), 3)
    case.answer(Put, 2)
    assert case.next(CloseRoom).to == "other"


def test_of_two_new_homes_the_one_that_the_directory_has_is_it() -> None:
    case = HomesCase()
    case.hold()
    case.show(record(), 2)
    case.next(CloseRoom)


def test_a_room_that_was_made_later_counts_whatever_its_term() -> None:
    case = HomesCase()
    held = case.hold()
    case.show(replace(held, term=3, changes=4), 2)  # by a hand-over that this node has not heard of till now
    case.next(CloseRoom)
    case.answer(Put, 3)
    assert case.next(OpenRoom).record.term == 3
    case.show(record(first_seat=11), 4)
    case.next(CloseRoom)


def test_an_older_home_is_overwritten() -> None:
    case = HomesCase()
    case.show(record(term=4), 1)
    case.homes.look(b"demo", "bob", case.now)
    case.now += SILENT_SECONDS
    case.answer_ask(BusFailure.GONE)
    case.answer(Put, 2)
    case.next(OpenRoom)
    case.show(record(term=4), 3)
    assert (case.next(Put).record.term, case.homes.homed) == (5, 1)


# rooms that end


def test_the_record_of_a_room_that_ends_is_deleted() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.close(b"demo", held.term + 1, case.now)  # another copy
    case.homes.close(b"other", held.term, case.now)
    assert case.is_idle()
    case.homes.close(b"demo", held.term, case.now)
    assert case.homes.check_new(b"demo", case.now) is None
    case.answer(Delete, CallFailure.STALE)
    case.answer(Get, Found(4, held))
    assert case.answer(Delete, None).revision == 4
    case.show(held, 4)  # late
    assert case.homes.known == 0
    case.show(None, 5)
    assert case.is_idle()


def test_a_room_that_ends_while_it_is_written_is_deleted() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.change(replace(held, topic="new"), case.now)
    case.homes.close(b"demo", held.term, case.now)
    case.answer(Put, 2)
    assert case.next(Delete).revision == 2


def test_a_room_may_be_created_anew_at_once() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.close(b"demo", held.term, case.now)
    case.homes.claim(record(first_seat=20), "bob", case.now)
    case.answer(Delete, None)
    case.answer(Create, 3)
    assert case.told == {"bob": "READY"}


def test_a_room_that_ended_while_another_node_took_it_is_left_alone() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.close(b"demo", held.term, case.now)
    case.answer(Delete, CallFailure.STALE)
    case.answer(Get, Found(4, record(term=2)))
    assert case.is_idle()


def test_rooms_are_counted_by_home() -> None:
    case = HomesCase()
    case.hold()
    for key, told in (("other room", record()), ("third room", record()), ("unreadable room", UNREADABLE)):
        case.homes.on_change(key, 5, told, case.now)  # type: ignore[arg-type]
    assert case.homes.rooms_by_node() == {"me": 1, "other": 2}
    case.homes.on_change("other room", 6, None, case.now)
    assert case.homes.rooms_by_node() == {"me": 1, "other": 1}


def test_how_long_a_node_is_silent_is_known() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    assert case.homes.silent_seconds("other", case.now + 2.5) == 2.5
