"""What a careful relay does with requests that the exercise's text doesn't foresee, whatever it calls its refusals."""

import time
from contextlib import ExitStack, suppress
from typing import Final

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.plain import Clients, NoAnswerError, ask, call, new_word
from conformance.relays import Relay
from conformance.target import target_of

pytestmark = pytest.mark.level("robust")

DEADLINE_SECONDS: Final = 15.0
"""A careful relay doesn't wait longer for the rest of a request."""


def check_refused(clients: Clients, request: bytes) -> None:
    """Check that a request gets no token, by whatever words or silence, and that the relay goes on."""
    with suppress(NoAnswerError):
        answer = ask(clients.relay, request)
        assert not answer.token, f"expected a refusal, saw {answer.seen()}"
    check_goes_on(clients)


def check_goes_on(clients: Clients) -> None:
    """Check that somebody else can create a room."""
    answer = clients.ask(wire.CREATE, new_word("room"), b"ann")
    assert answer.token, f"expected that others get a token still, saw {answer.seen()}"


@pytest.mark.requirement("TCP-03")
def test_a_request_may_arrive_byte_by_byte(relay: Relay, clients: Clients, room: bytes) -> None:
    request = clients.request(wire.CREATE, room, b"ann")
    answer = ask(relay, *(bytes([byte]) for byte in request))
    assert answer.token, f"expected a token in state 2, saw {answer.seen()}"


@pytest.mark.requirement("TCP-03")
def test_slow_requests_delay_no_others(relay: Relay, clients: Clients) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(call(relay)).sendall(bytes(16))
        check_goes_on(clients)


@pytest.mark.requirement("TCP-03")
@pytest.mark.parametrize("sent", [0, 1, 31, 33])
def test_a_client_that_leaves_in_mid_request_disturbs_no_other(
    relay: Relay, clients: Clients, room: bytes, sent: int
) -> None:
    with call(relay) as connection:
        connection.sendall(clients.request(wire.CREATE, room, b"ann")[:sent])
    check_goes_on(clients)


@pytest.mark.requirement("TCP-03")
def test_an_incomplete_request_is_closed_eventually(pytestconfig: pytest.Config, start_relay: StartRelay) -> None:
    relay = target_of(pytestconfig) or start_relay(transaction_timeout_seconds=0.5).relay
    with call(relay) as connection:
        connection.sendall(bytes(16))
        deadline = time.monotonic() + DEADLINE_SECONDS
        connection.settimeout(DEADLINE_SECONDS)
        try:
            while connection.recv(4096) and time.monotonic() < deadline:
                pass
        except ConnectionResetError:
            pass  # an end too
        except TimeoutError:
            pytest.fail(f"expected an end within {DEADLINE_SECONDS:g} s, saw the connection still open", pytrace=False)


@pytest.mark.requirement("TCP-02")
@pytest.mark.parametrize("size", [2**29 + 1, 2**64, 2**232 - 1])
def test_a_payload_beyond_all_limits_is_refused(clients: Clients, room: bytes, size: int) -> None:
    check_refused(clients, wire.header(len(room), wire.CREATE, wire.REQUEST, size.to_bytes(29, "big")) + room + b"ann")


@pytest.mark.requirement("TCP-02")
@pytest.mark.parametrize("name", [b"", b"\xff\xfe"])
def test_a_room_needs_a_name_of_utf8(clients: Clients, name: bytes) -> None:
    check_refused(clients, clients.request(wire.CREATE, name, b"ann"))


@pytest.mark.requirement("TCP-04")
@pytest.mark.parametrize("operation", [0, 3, 255])
def test_an_unknown_operation_is_refused(clients: Clients, room: bytes, operation: int) -> None:
    check_refused(clients, clients.request(operation, room, b"ann"))


@pytest.mark.requirement("ROOM-03")
def test_a_user_needs_a_name(clients: Clients, room: bytes) -> None:
    check_refused(clients, clients.request(wire.CREATE, room, b""))


@pytest.mark.requirement("ROOM-01")
def test_a_room_that_is_not_there_cannot_be_joined(clients: Clients, room: bytes) -> None:
    check_refused(clients, clients.request(wire.JOIN, room, b"ann"))


@pytest.mark.requirement("ROOM-01")
def test_a_room_that_is_there_cannot_be_created(clients: Clients, room: bytes) -> None:
    clients.create(room, b"ann")
    check_refused(clients, clients.request(wire.CREATE, room, b"bob"))


@pytest.mark.requirement("ROOM-03")
def test_names_are_unique_in_a_room(clients: Clients, room: bytes) -> None:
    clients.create(room, b"ann")
    clients.join(room, b"bob")
    check_refused(clients, clients.request(wire.JOIN, room, b"bob"))


@pytest.mark.requirement("ROOM-02")
def test_tokens_are_too_long_to_be_guessed(clients: Clients, room: bytes) -> None:
    token = clients.ask(wire.CREATE, room, b"ann").token
    assert len(token) >= 16, f"expected a token of at least 16 bytes, saw {len(token)}"
