"""The closed sets: their numbers and words never change, because clients know them."""

import pytest

from chatproto import EvictionReason, Operation, State, Status


@pytest.mark.requirement("TCP-10")
def test_the_statuses_are_those_of_the_text_and_below_0x80() -> None:
    assert [(status.value, status.reason) for status in Status] == [
        (0, "ok"),
        (1, "room_exists"),
        (2, "no_such_room"),
        (3, "wrong_password"),
        (4, "name_taken"),
        (5, "bad_name"),
        (6, "room_full"),
        (7, "too_many"),
        (8, "malformed"),
        (9, "payload_too_large"),
        (10, "not_supported"),
        (11, "busy"),
        (12, "shutting_down"),
        (13, "sealed"),
        (14, "elsewhere"),
        (15, "no_seat"),
    ]
    assert max(Status) < 0x80


@pytest.mark.requirement("EVI-05")
def test_the_eviction_reasons_are_those_of_the_text() -> None:
    assert [str(reason) for reason in EvictionReason] == [
        "silence",
        "unreachable",
        "abuse",
        "never_connected",
        "expired",
        "kicked",
        "host_left",
        "shutdown",
        "resumed_elsewhere",
        "moved",
    ]


def test_operations_and_states_are_those_of_the_text() -> None:
    assert (Operation.CREATE, Operation.JOIN) == (1, 2)
    assert (State.REQUEST, State.REPLY, State.COMPLETION) == (0, 1, 2)


@pytest.mark.parametrize("code", [*Status, *EvictionReason])
def test_every_code_explains_itself_in_a_sentence(code: Status | EvictionReason) -> None:
    assert code.message[0].isupper()
    assert code.message.endswith(".")


def test_no_two_codes_say_the_same() -> None:
    assert len({status.message for status in Status}) == len(Status)
    assert len({reason.message for reason in EvictionReason}) == len(EvictionReason)
