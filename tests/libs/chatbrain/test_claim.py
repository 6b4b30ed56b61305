"""What is asked for again after each of the relay's answers."""

import pytest

from chatbrain.claim import Claim
from chatproto import Operation, PasswordState, ServerTransaction, Status


def asked(claim: Claim) -> tuple[Operation, str, str | None]:
    """Return the operation, the room and the password that the claim asks with now."""
    request = ServerTransaction().feed(claim.attempt(0.0).connect(""))
    assert request
    operation, room, form = request
    return operation, room, form.password


def test_who_created_a_room_joins_it_from_then_on() -> None:
    claim = Claim(Operation.CREATE, "demo", "ann", "secret")
    assert asked(claim) == (Operation.CREATE, "demo", "secret")
    claim.grant()
    assert asked(claim) == (Operation.JOIN, "demo", "secret")


@pytest.mark.parametrize("host", [True, False])
def test_a_room_that_is_gone_is_created_by_its_host_alone(*, host: bool) -> None:
    claim = Claim(Operation.JOIN, "demo", "ann", None)
    claim.was_host = host
    assert claim.refuse(Status.NO_SUCH_ROOM) is host
    assert not claim.refuse(Status.NO_SUCH_ROOM)  # which would be a relay that says so without an end
    assert asked(claim)[0] is (Operation.CREATE if host else Operation.JOIN)
    claim.refuse(Status.ROOM_EXISTS)
    assert asked(claim)[0] is Operation.JOIN
    claim.refuse(Status.BUSY)
    assert asked(claim)[0] is Operation.JOIN


@pytest.mark.requirement("PWD-05")
def test_a_wrong_password_may_pass_once_and_for_a_host_alone() -> None:
    claim = Claim(Operation.JOIN, "demo", "ann", "secret")
    assert not claim.may_pass(Status.WRONG_PASSWORD)
    claim.grant()
    claim.was_host = True
    assert [claim.may_pass(Status.WRONG_PASSWORD) for _ in range(2)] == [True, False]
    claim.grant()
    assert claim.may_pass(Status.WRONG_PASSWORD)


@pytest.mark.parametrize(("status", "passes"), [(Status.ROOM_FULL, True), (Status.BAD_NAME, False)])
def test_other_refusals_pass_or_do_not(status: Status, *, passes: bool) -> None:
    assert Claim(Operation.JOIN, "demo", "ann", None).may_pass(status) is passes


def test_a_password_that_was_not_chosen_by_a_command_stays() -> None:
    claim = Claim(Operation.CREATE, "demo", "ann", "secret")
    claim.note(PasswordState(set=True, changed=True))
    assert asked(claim)[2] == "secret"


def test_a_password_counts_when_the_relay_has_taken_it() -> None:
    claim = Claim(Operation.CREATE, "demo", "ann", None)
    for text in ("/password tea", "/password", "/password -", "/who", "hello"):
        claim.note_command(text)
    assert asked(claim)[2] is None
    claim.note(PasswordState(set=True, changed=True))
    assert asked(claim)[2] == "tea"
    claim.note(PasswordState(set=False, changed=True))
    assert asked(claim)[2] is None
