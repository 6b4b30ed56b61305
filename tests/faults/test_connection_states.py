"""Whatever a connection does, in whichever order, it ends itself at most (TCP-03, TCP-09, TCP-12, threat T2)."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import People
from conformance.relays import OwnRelay
from conformance.tls import Authority, ask_secure
from e2e.relay_metrics import Metrics, await_metrics, scrape
from faults.conftest import Chance
from faults.records import Keys
from faults.relays import StartRelay, check_gone
from faults.schedules import BY_TLS_ONLY, WAITS, Step, plans
from faults.states import SETTINGS, Driver
from faults.tally import Tally
from faults.test_descriptors import open_descriptors
from faults.test_random_input import check_no_errors
from faults.weakened import write_after_the_end

Drive = Callable[..., Tally]

CONNECTIONS = 2000
SPOKEN = set(Step) - WAITS - {Step.HALF_CLOSE, Step.CLOSE, Step.RESET}
HANDSHAKES, FAILURES = "relay_tls_handshakes_total", "relay_tls_handshake_failures_total"

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def drive(authority: Authority, tmp_path: Path, chance: Chance) -> Drive:
    """Return what lets connections do what they like, and shows what they did."""
    keys = Keys(tmp_path / "keys")
    contexts = keys.contexts(authority)

    def run(relay: OwnRelay, *, tls: bool) -> Tally:
        descriptors = open_descriptors(relay)
        tally = Tally()
        try:
            Driver(relay, contexts, keys, tally).run(itertools.islice(plans(chance, tls=tls), CONNECTIONS))
        finally:
            print(tally)
        check_unhurt(relay, descriptors)
        return tally

    return run


def by_tls(authority: Authority, **others: str) -> dict[str, str]:
    settings = authority.settings | {"tls_min_version": "1.2"} | others
    return SETTINGS | {f"RELAY_{name.upper()}": value for name, value in settings.items()}


def test_plain_connections_in_any_state_dont_end_the_relay(start_relay: StartRelay, drive: Drive) -> None:
    relay = start_relay(**SETTINGS)
    tally = drive(relay, tls=False)
    check_served(relay)
    check_covered(tally, SPOKEN - BY_TLS_ONLY)


@pytest.mark.requirement("TCP-12")
@pytest.mark.parametrize("required", [False, True], ids=["tls", "tls-required"])
def test_tls_connections_in_any_state_dont_end_the_relay(
    start_relay: StartRelay, authority: Authority, drive: Drive, required: bool
) -> None:
    relay = start_relay(**by_tls(authority, tls_required=str(required)))
    tally = drive(relay, tls=True)
    if not required:
        check_served(relay)
    (_, completion) = ask_secure(relay.relay, authority.context(), create(b"honest by tls"))
    assert completion.payload
    check_covered(tally, SPOKEN)
    metrics = scrape(relay)
    assert metrics.value(HANDSHAKES) > 0
    assert metrics.value(FAILURES, reason="rate") > 0


def create(room: bytes) -> bytes:
    return wire.frame(wire.CREATE, wire.REQUEST, room, b"ann")


def check_unhurt(relay: OwnRelay, descriptors: int) -> None:
    """Check that nothing of the attack is left: no connection, no place, no descriptor beyond so many, no error."""

    def is_over(now: Metrics) -> bool:
        left = now.value("relay_tcp_connections") + now.value("relay_members")
        return left == 0 and open_descriptors(relay) <= descriptors

    metrics = await_metrics(relay, is_over)
    assert metrics.total("relay_unexpected_errors_total") == 0
    check_no_errors(relay)


def check_served(relay: OwnRelay) -> None:
    """Check that honest people come in and hear each other."""
    with People(relay.relay) as people:
        people.pair(b"honest")


def check_covered(tally: Tally, spoken: set[Step]) -> None:
    """Check that everything was done, to the relay and after its end, and that it gave each of the usual answers."""
    assert {step for step in spoken if not tally.steps[step]} == set()
    assert {step for step in spoken if not tally.after_end[step]} == set()
    for end in (wire.OK, wire.ROOM_EXISTS, wire.MALFORMED, wire.BUSY):
        assert tally.ends[f"status {end}"], tally
    assert tally.ends[f"status {wire.BUSY}, unasked"], tally  # a place was missing


def test_control_a_relay_that_writes_after_its_end_crashes(
    start_relay: StartRelay, authority: Authority, drive: Drive
) -> None:
    relay = start_relay.weakened(write_after_the_end, check_gone, **by_tls(authority))
    with pytest.raises(AssertionError, match="the relay ended with 1;"):
        drive(relay, tls=True)
    assert "after write_eof" in relay.said()
