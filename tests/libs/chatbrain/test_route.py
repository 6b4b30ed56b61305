"""In which order servers are asked (CLU-01, CLU-02)."""

import pytest

from chatbrain.address import ServerAddress
from chatbrain.findings import CIRCLES, NO_ANSWER, NO_CERTIFICATE, NO_SERVER
from chatbrain.join_request import TRANSACTION_SECONDS
from chatbrain.route import MAX_FOLLOWS, MUTE_ANSWER_SECONDS, MUTE_SECONDS, Route, Stop
from chatproto import Server

PRINT = ":".join(["AB"] * 32)
A, B, C = (Server(f"{name}:9000", PRINT) for name in "abc")


def settled(*, encrypted: bool = False, configured: str = "a:9000") -> Route:
    route = Route(configured, encrypted=encrypted)
    assert route.settle((A, B, C)) is (configured != "a:9000")
    return route


def order(route: Route, now: float = 0.0) -> list[str]:
    """Return who is asked until there is a pause."""
    asked = [route.where]
    while route.fail(now):
        asked.append(route.where)
    return asked


def test_a_relay_alone_is_all_there_is() -> None:
    route = Route("a:9000")
    assert (route.stop, route.where, route.has_others) == (None, "a:9000", False)
    route.leave_mute(0.0)
    assert route.answer_seconds(0.0) == TRANSACTION_SECONDS
    assert order(route) == ["a:9000"]
    assert not route.settle(())
    assert not route.has_others


@pytest.mark.requirement("CLU-02")
def test_all_are_asked_in_their_order_and_then_there_is_a_pause() -> None:
    route = settled()
    assert [order(route), order(route)] == [["a:9000", "b:9000", "c:9000"]] * 2


@pytest.mark.requirement("CLU-02")
def test_the_configured_server_is_asked_last_where_one_is_elsewhere() -> None:
    route = settled(configured="any:9000")
    assert order(route) == ["any:9000", "b:9000", "c:9000"]
    route.fail(0.0)
    assert route.settle((B, A, C))
    assert order(route) == ["b:9000", "a:9000", "c:9000", "any:9000"]


@pytest.mark.requirement("CLU-01")
def test_the_certificate_counts_only_by_tls_and_there_it_must_be_told() -> None:
    bare = Server("b:9000")
    assert settled().follow(bare, 10.0) is None
    encrypted = settled(encrypted=True)
    assert encrypted.follow(bare, 10.0) is NO_CERTIFICATE
    assert encrypted.follow(C, 10.0) is None
    assert encrypted.stop == Stop(ServerAddress("c", 9000), PRINT)
    plain = settled()
    plain.follow(C, 10.0)
    assert plain.stop == Stop(ServerAddress("c", 9000), "")
    encrypted.settle((A, bare, Server("no address", PRINT), C, C))
    assert not encrypted.has_others


@pytest.mark.parametrize("server", [None, Server("no address"), Server("b:99999")])
def test_a_server_that_is_none_is_not_followed(server: Server | None) -> None:
    route = settled()
    assert route.follow(server, 10.0) is NO_SERVER
    assert route.where == "a:9000"


@pytest.mark.requirement("CLU-01")
def test_one_is_sent_on_three_times_in_a_row() -> None:
    route = settled()
    assert [route.follow(server, 10.0) for server in (B, A, B, A)] == [None] * MAX_FOLLOWS + [CIRCLES]
    route.begin()
    assert route.follow(A, 10.0) is None
    assert route.fail(0.0)
    assert [route.follow(server, 10.0) for server in (B, A, B, A)] == [None] * MAX_FOLLOWS + [CIRCLES]


def test_where_one_was_sent_in_vain_is_forgotten() -> None:
    route = settled()
    route.follow(Server("gone:9000"), 10.0)
    assert order(route) == ["gone:9000", "b:9000", "c:9000"]
    assert order(route) == ["a:9000", "b:9000", "c:9000"]


@pytest.mark.requirement("CLU-02")
def test_a_server_that_does_not_answer_is_the_last_choice_for_a_while_and_gets_a_second() -> None:
    route = settled()
    route.leave_mute(10.0)
    assert [order(route, 10.0) for _ in range(3)] == [["b:9000", "c:9000"]] * 3
    assert route.answer_seconds(10.0) == TRANSACTION_SECONDS
    route.follow(A, 10.0)
    assert route.answer_seconds(10.0) == MUTE_ANSWER_SECONDS
    assert route.answer_seconds(10.0 + MUTE_SECONDS) == TRANSACTION_SECONDS
    route.follow(A, 10.0)
    assert route.fail(10.0)
    assert route.follow(A, 10.0) is NO_ANSWER
    assert route.follow(A, 10.0 + MUTE_SECONDS) is None
    assert not route.settle((A, B, C))
    assert order(route, 10.0) == ["a:9000", "b:9000", "c:9000"]


def test_where_none_answers_all_are_asked() -> None:
    route = settled()
    for _ in "abc":
        route.leave_mute(10.0)
    assert sorted(order(route, 10.0)) == ["a:9000", "b:9000", "c:9000"]
