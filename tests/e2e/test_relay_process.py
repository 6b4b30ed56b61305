"""The relay as a process, on both event loops: its start, its pages, and how it ends."""

import http.client
import signal
import socket
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import People, call
from conformance.relays import STOP_SECONDS, CommonRelays, OwnRelay
from e2e.relay_metrics import scrape
from waiting import wait_until

SIGNALS = (signal.SIGTERM, signal.SIGINT)
SHUTDOWN = b"disconnected: shutdown"


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def relay(loop: str, tmp_path: Path) -> Iterator[OwnRelay]:
    relay = OwnRelay(tmp_path / "log", {"RELAY_EVENT_LOOP": loop})
    yield relay
    relay.stop()


@pytest.fixture
def common_relay(common_relays: CommonRelays, loop: str) -> OwnRelay:
    """Return a relay that is there to be looked at, and runs on."""
    return common_relays.get(event_loop=loop)


@pytest.fixture
def people(relay: OwnRelay) -> Iterator[People]:
    with People(relay.relay) as people:
        yield people


def test_it_starts_and_says_what_runs(common_relay: OwnRelay, loop: str) -> None:
    wait_until(lambda: '"event": "listening"' in common_relay.said(), said=common_relay.said)
    assert f'loop="{loop}"' in common_relay.ops("/metrics")
    assert common_relay.ops("/healthz").strip() == "ok"
    assert common_relay.ops("/readyz").strip() == "ready"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        common_relay.ops("/elsewhere")


@pytest.mark.parametrize("number", SIGNALS)
def test_its_gauges_are_of_this_moment_and_a_signal_drains_it(
    relay: OwnRelay, people: People, number: signal.Signals
) -> None:
    empty = scrape(relay)
    assert (empty.value("relay_members"), empty.value("relay_member_addresses")) == (0, 0)
    ann, bob = people.pair(b"demo")
    metrics = scrape(relay)
    assert metrics.value("relay_rooms") == 1
    assert metrics.value("relay_members") == 2
    assert metrics.value("relay_member_addresses") == 1
    assert metrics.value("relay_receive_buffer_wanted_bytes") == 4 * 2**20
    assert metrics.value("relay_receive_buffer_bytes") > 0
    page = http.client.HTTPConnection("127.0.0.1", relay.ops_port, timeout=wire.WAIT_SECONDS)
    page.connect()
    with call(relay.relay) as late, call(relay.relay) as later, call(relay.relay) as half:
        half.sendall(b"\x04\x01")  # half a request holds up no end
        relay.process.send_signal(number)
        ann.await_notice(SHUTDOWN)
        # The relay answers for a moment only, so everything is connected already.
        for connection, operation in ((late, wire.JOIN), (later, wire.CREATE)):
            connection.sendall(wire.frame(operation, wire.REQUEST, b"demo", b"eve"))
            (answer,) = wire.read_frames(connection)
            assert answer.payload == bytes([wire.SHUTTING_DOWN])
        page.request("GET", "/readyz")
        assert page.getresponse().status == 503
        page.close()
        bob.await_notice(SHUTDOWN)
        assert relay.process.wait(STOP_SECONDS) == 0
    assert "Traceback" not in relay.said()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_ends_it_at_once(relay: OwnRelay, people: People, number: signal.Signals) -> None:
    ann = people.create(b"demo", b"ann")
    relay.process.send_signal(number)
    ann.await_notice(SHUTDOWN)
    relay.process.send_signal(number)
    assert relay.process.wait(STOP_SECONDS) == 128 + number  # a drain to its end would exit with 0


def test_a_bug_in_a_callback_ends_the_process(loop: str, tmp_path: Path) -> None:
    """A supervisor restarts a dead relay, but doesn't notice one that is half alive."""
    (tmp_path / "sitecustomize.py").write_text(
        "import relay_server.core.relay\n"
        "def fail(data):\n"
        "    raise ZeroDivisionError('a bug, planted')\n"
        "relay_server.core.relay.parse_datagram = fail\n"
    )
    relay = OwnRelay(tmp_path / "log", {"RELAY_EVENT_LOOP": loop, "PYTHONPATH": str(tmp_path)})
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.sendto(b"any", ("127.0.0.1", relay.relay.udp_port))
    assert relay.process.wait(STOP_SECONDS) == 1
    assert "a bug, planted" in relay.said()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    ("loop", "number"), [("uvloop", signal.SIGTERM), ("asyncio", signal.SIGINT)], indirect=["loop"]
)
def test_a_full_log_blocks_nothing(loop: str, number: signal.Signals) -> None:
    relay = OwnRelay(Path("/dev/full"), {"RELAY_EVENT_LOOP": loop})
    with People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        ann.say(b"hi")
        assert bob.hear() == b"ann: hi"
        assert scrape(relay).value("relay_log_records_dropped_total") > 0
        relay.process.send_signal(number)
        ann.await_notice(SHUTDOWN)
        assert relay.process.wait(STOP_SECONDS) == 0
