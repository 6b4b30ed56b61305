"""What a relay grants, and what of it can be used."""

from math import inf, nan

import pytest

from chatbrain.join_request import PASSWORD_SECONDS, TRANSACTION_SECONDS, Grant, JoinRequest
from chatproto import Completion, Feature, MalformedError, Operation, Request, ServerTransaction
from libs.chatbrain.membership_case import NOTICES


def granted(completion: Completion) -> Grant:
    attempt = JoinRequest(Operation.JOIN, "demo", Request("ann", None, json_reply=True, plain=False), 10.0)
    assert attempt.deadline == 10.0 + TRANSACTION_SECONDS
    relay = ServerTransaction()
    assert relay.feed(attempt.connect("10.0.0.1"))
    assert attempt.feed(relay.accept()) is None
    grant = attempt.feed(relay.complete(completion))
    assert grant
    return grant


def test_a_grant_has_all_that_a_membership_needs() -> None:
    grant = granted(Completion(b"token", True, 9001, 6.0, 50, moderation=True, features=NOTICES))
    assert grant == Grant(b"\x04\x05demotoken", True, 9001, 50, 6.0, True, True, False, "", "10.0.0.1")
    assert grant.keep_alive_seconds == 2.0


@pytest.mark.requirement("RCP-02")
def test_with_receipts_a_message_leaves_room_for_its_number() -> None:
    features = frozenset({Feature.NOTICES, Feature.RECEIPTS})
    grant = granted(Completion(b"token", False, 9001, 6.0, 5000, features=features))
    assert (grant.receipts, grant.max_message_bytes) == (True, 4096 - 11 - 16)
    # Answers are facts: without those, it is as if there were none.
    assert not granted(Completion(b"token", False, 9001, 6.0, 50, features=frozenset({Feature.RECEIPTS}))).receipts


@pytest.mark.parametrize(("granted_bytes", "used"), [(1, 1), (4096, 4096 - 11)])
def test_a_limit_may_be_as_low_as_1_and_not_higher_than_what_fits(granted_bytes: int, used: int) -> None:
    assert granted(Completion(b"token", False, 9001, 300.0, granted_bytes)).max_message_bytes == used


@pytest.mark.parametrize(("silence", "limit"), [(-1.0, 50), (inf, 50), (nan, 50), (300.0, 0), (300.0, -1)])
def test_numbers_out_of_range_are_no_relays(silence: float, limit: int) -> None:
    with pytest.raises(MalformedError):
        granted(Completion(b"token", False, 9001, silence, limit))


@pytest.mark.requirement("PWD-04")
@pytest.mark.parametrize(
    ("operation", "password", "seconds", "patience"),
    [
        (Operation.JOIN, "secret", TRANSACTION_SECONDS, PASSWORD_SECONDS),
        (Operation.JOIN, None, TRANSACTION_SECONDS, TRANSACTION_SECONDS),
        (Operation.CREATE, "secret", TRANSACTION_SECONDS, TRANSACTION_SECONDS),
        (Operation.JOIN, "secret", 0.5, 0.5),  # of a server that was silent before
    ],
)
def test_a_relay_that_is_connected_may_let_a_password_wait(
    operation: Operation, password: str | None, seconds: float, patience: float
) -> None:
    attempt = JoinRequest(operation, "demo", Request("ann", password, json_reply=True, plain=False), 10.0, seconds)
    assert attempt.deadline == 10.0 + seconds
    attempt.connect("10.0.0.1")
    assert (attempt.deadline, attempt.seconds) == (10.0 + patience, patience)


@pytest.mark.requirement("WEB-05")
def test_a_relay_may_tell_of_its_page() -> None:
    web = "https://chat.example.org/"
    assert granted(Completion(b"token", False, 9001, 6.0, 50, web=web)).web == web
    assert granted(Completion(b"token", False, 9001, 6.0, 50)).web == ""
