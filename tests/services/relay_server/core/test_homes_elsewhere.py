"""A node finds rooms elsewhere, adopts them when their home is gone, and gives its own away (CLU-01 to CLU-05)."""

from dataclasses import replace

from relay_server.core.counters import AdoptionOutcome, Move
from relay_server.core.home_actions import (
    AskOverBus,
    BusFailure,
    CallFailure,
    CloseRoom,
    Create,
    Delete,
    Found,
    Get,
    OpenRoom,
    Outcome,
    ProbeDirectly,
    Put,
)
from relay_server.core.homes import SWEEP_SECONDS
from relay_server.core.homing import MAX_CALLS, MAX_FAILURES
from relay_server.core.nodes import SILENT_SECONDS
from services.relay_server.core.homes_case import ME, OTHER, RESUME_SECONDS, THIRD, HomesCase, node, record

# rooms elsewhere


def test_a_room_is_found_at_the_node_that_lives() -> None:
    case = HomesCase()
    assert case.homes.find(b"demo", case.now) is None
    case.show(record(), 1)
    assert case.homes.find(b"demo", case.now) is None
    case.homes.on_beat(OTHER, case.now)
    assert case.homes.find(b"demo", case.now) == OTHER
    assert case.homes.living(case.now) == (OTHER,)
    assert case.homes.find(b"demo", case.now, doubted=True) is None


def test_a_room_that_nobody_knows_is_asked_for_once() -> None:
    case = HomesCase()
    case.homes.look(b"demo", "ann", case.now)
    case.homes.look(b"demo", "bob", case.now)
    case.answer(Get, None)
    assert case.told == {"ann": "NOBODY", "bob": "NOBODY"}
    assert case.is_idle()


def test_a_node_that_answers_keeps_its_rooms() -> None:
    case = HomesCase()
    case.show(record(), 1)
    case.homes.look(b"demo", "bob", case.now)
    case.homes.look(b"demo", "eve", case.now)
    case.answer_ask(OTHER)
    assert case.is_idle()
    assert case.told == {"bob": "READY", "eve": "READY"}
    assert case.homes.find(b"demo", case.now, doubted=True) == OTHER


def test_a_room_is_adopted_when_its_home_is_gone() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    told = record(topic="all about it", kicked=(12,), ring=("e", 4))
    case.show(told, 7)
    case.homes.look(b"demo", "bob", case.now)
    case.find_gone()
    put = case.answer(Put, 8)
    adopted = replace(told, home="me", home_since=5.0, term=2, changes=3, ring=None)
    assert (put.revision, put.record) == (7, adopted)
    assert case.next(OpenRoom).record == adopted
    assert case.told == {"bob": "READY"}
    assert case.counters.adoptions[AdoptionOutcome.ADOPTED] == 1


def test_nobody_is_refused_who_comes_before_the_silence_of_a_hung_home_counts() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.now += SILENT_SECONDS - 1.1  # so soon its first members may notice
    case.homes.look(b"demo", "bob", case.now)
    ask, probe = case.next(AskOverBus), case.next(ProbeDirectly)
    case.homes.answer_ask(ask, BusFailure.SILENT, case.now + 0.5)
    case.homes.look(b"demo", "eve", case.now + 0.6)
    case.now += probe.seconds
    case.homes.answer_probe(probe, alive=False, now=case.now)
    case.answer(Put, 2)
    case.next(OpenRoom)
    assert case.told == {"bob": "READY", "eve": "READY"}


def test_a_verdict_is_good_for_all_rooms_of_a_node() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    for name in (b"one", b"two", b"three"):
        case.homes.on_change(name.decode(), 1, record(room=name), case.now)
    case.homes.look(b"one", "ann", case.now)
    case.homes.look(b"two", "bob", case.now)
    case.find_gone()
    case.homes.look(b"three", "eve", case.now)
    assert [case.next(Put).key for _ in range(3)] == ["one", "two", "three"]


def test_another_node_may_be_faster() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.homes.look(b"demo", "bob", case.now)
    case.find_gone()
    case.answer(Put, CallFailure.STALE)
    case.answer(Get, Found(2, record(THIRD, term=2)))
    case.answer_ask(THIRD)
    assert case.is_idle()
    assert case.told == {"bob": "READY"}
    assert case.counters.adoptions[AdoptionOutcome.LOST] == 1


def test_who_is_too_late_again_and_again_is_told_to_wait() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.homes.look(b"demo", "bob", case.now)
    case.find_gone()
    for revision in range(2, MAX_FAILURES + 1):
        case.answer(Put, CallFailure.STALE)
        case.answer(Get, Found(revision, record()))
    case.answer(Put, CallFailure.STALE)
    assert case.told == {"bob": "BUSY"}
    case.homes.tick(case.now)
    case.answer(Get, Found(9, record()))
    assert case.is_idle()


def test_an_adoption_whose_answer_is_lost_is_completed_later() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.homes.look(b"demo", "bob", case.now)
    case.find_gone()
    put = case.answer(Put, CallFailure.AWAY)
    assert case.told == {"bob": "AWAY"}
    assert case.counters.adoptions[AdoptionOutcome.AWAY] == 1
    case.homes.tick(case.now)
    case.answer(Get, Found(2, put.record))
    case.answer(Put, 3)
    assert case.next(OpenRoom).record == replace(put.record, changes=4)
    assert case.homes.homed == 1


def test_a_node_that_is_late_itself_adopts_nothing() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.homes.look(b"demo", "bob", case.now)
    case.answer_ask(BusFailure.GONE)
    for _ in range(2):
        case.settle()
        case.now += 1.0
        case.answer_probe(alive=False)
    assert case.is_idle()
    assert case.told == {"bob": "BUSY"}
    assert case.counters.adoptions[AdoptionOutcome.LATE] == 1


def test_a_home_that_left_the_bus_alone_is_found_by_its_link() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.homes.look(b"demo", "bob", case.now)
    case.answer_ask(BusFailure.GONE)
    case.answer_probe(alive=True)
    assert case.is_idle()
    assert case.told == {"bob": "READY"}
    assert case.homes.find(b"demo", case.now) == OTHER
    assert case.counters.adoptions[AdoptionOutcome.ALIVE] == 1


def test_a_verdict_about_the_home_before_says_nothing_of_the_new_one() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.homes.look(b"demo", "bob", case.now)
    case.answer_ask(BusFailure.GONE)
    case.show(record(THIRD, term=2), 2)
    case.answer_probe(alive=False)
    case.answer_ask(THIRD)
    case.answer_probe(alive=False)
    assert case.is_idle()
    assert case.told == {"bob": "READY"}


def test_an_earlier_run_of_this_node_is_gone_for_sure() -> None:
    case = HomesCase()
    case.show(record(node("me", 2.0), term=3), 1)
    assert case.homes.check_new(b"demo", case.now) is Outcome.TAKEN
    case.homes.look(b"demo", "bob", case.now)
    assert case.answer(Put, 2).record.term == 4
    case.next(OpenRoom)
    assert case.told == {"bob": "READY"}


# rooms that are given


def test_a_room_is_given_to_another_node() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.hand_over(b"demo", OTHER, ("e", 4), case.now)
    case.homes.change(replace(held, topic="new"), case.now)
    given = replace(held, home="other", home_since=1.0, term=2, changes=2, ring=("e", 4))
    assert case.answer(Put, 2).record == given
    assert case.next(CloseRoom).reason is Move.DRAINED
    assert case.is_idle()
    assert case.counters.moves[Move.DRAINED] == 1


def test_what_changes_while_a_room_is_given_goes_with_it() -> None:
    case = HomesCase()
    held = case.hold()
    case.homes.change(replace(held, topic="one"), case.now)
    case.homes.hand_over(b"demo", OTHER, None, case.now)
    case.homes.change(replace(held, topic="two"), case.now)
    case.answer(Put, 2)
    put = case.answer(Put, 3)
    assert (put.record.home, put.record.topic, put.record.term) == ("other", "two", 2)


def test_a_room_that_is_given_to_this_node_is_opened() -> None:
    case = HomesCase()
    given = record(ME, term=2, changes=5, ring=("e", 4))
    case.show(given, 3)
    case.homes.look(b"demo", "bob", case.now)
    assert case.answer(Put, 4).record == replace(given, changes=6)
    assert case.next(OpenRoom).record == replace(given, changes=6)
    assert case.told == {"bob": "READY"}
    assert case.next(Put).record.ring is None  # it is true of that moment alone
    assert case.counters.adoptions[AdoptionOutcome.ADOPTED] == 0


def test_a_room_that_was_given_and_taken_since_isnt_opened() -> None:
    case = HomesCase()
    case.show(record(ME, term=2, changes=5), 3)
    case.answer(Put, CallFailure.STALE)
    case.answer(Get, Found(4, record(term=3)))
    assert case.is_idle()
    assert case.homes.homed == 0


def test_giving_needs_the_directory() -> None:
    case = HomesCase()
    case.homes.hand_over(b"demo", OTHER, None, case.now)
    held = case.hold()
    case.homes.change(replace(held, topic="new"), case.now)
    case.homes.hand_over(b"demo", OTHER, None, case.now)
    case.homes.on_away(case.now)
    case.homes.hand_over(b"demo", OTHER, None, case.now)
    case.answer(Put, CallFailure.AWAY)
    case.homes.on_listing(case.now)
    case.show(held, 1)
    case.homes.on_caught_up(case.now)
    assert case.next(Get).key == "demo"
    assert case.homes.held(b"demo") is not None


# many rooms, and rooms of nobody


def test_few_calls_for_which_nobody_waits_are_made_at_a_time() -> None:
    case = HomesCase()
    names = [b"%d" % number for number in range(MAX_CALLS + 2)]
    for name in names:
        case.homes.claim(record(room=name), name.decode(), case.now)
        case.answer(Create, 1)
    for name in names:
        case.homes.change(record(ME, room=name, topic="new"), case.now)
    case.homes.look(b"demo", "bob", case.now)
    case.settle()
    assert len(case.done) == MAX_CALLS + 1
    assert isinstance(case.done.pop(), Get)  # somebody waits for it
    case.answer(Put, 2)
    assert len(case.done) == MAX_CALLS - 1
    case.answer(Put, 2)
    case.answer(Put, 2)
    assert len(case.done) == MAX_CALLS - 1


def test_records_of_dead_homes_are_deleted() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.homes.on_change("mine", 2, record(node("me", 2.0), room=b"mine"), case.now)
    case.now += SWEEP_SECONDS
    case.homes.tick(case.now)
    assert case.is_idle()
    case.now += RESUME_SECONDS
    case.homes.tick(case.now)
    case.answer(Delete, None)
    case.find_gone()
    assert case.answer(Delete, None).revision == 1
    assert case.homes.known == 0
    case.now += SWEEP_SECONDS
    case.homes.tick(case.now)
    assert case.homes.living(case.now) == ()


def test_records_of_a_home_that_is_only_silent_are_kept() -> None:
    case = HomesCase()
    case.homes.on_beat(OTHER, case.now)
    case.show(record(), 1)
    case.now += RESUME_SECONDS + SWEEP_SECONDS
    case.homes.tick(case.now)
    case.answer_ask(BusFailure.SILENT)
    case.answer_probe(alive=True)
    assert case.is_idle()
    assert case.homes.known == 1
