"""A relay with a certificate, on both event loops: what is counted, a new certificate while it serves, its terminal."""

import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatproto.fingerprint import fingerprint_of
from conformance import wire
from conformance.people import call
from conformance.relays import STOP_SECONDS, CommonRelays, OwnRelay
from conformance.tls import Authority, HandMade, ask_secure, call_secure
from e2e import here
from e2e.relay_metrics import await_metrics, scrape
from e2e.test_relay_command_line import run
from ports import free_ports

REQUEST = wire.frame(wire.JOIN, wire.REQUEST, b"nowhere", b"ann")
RELOADS = 5
LOOPS = ("uvloop", "asyncio")
NOTHING = '"event": "nothing_to_reload"'
FAILURES = "relay_tls_handshake_failures_total"

pytestmark = pytest.mark.requirement("TCP-12")


one_loop = pytest.mark.parametrize("loop", ["uvloop"], indirect=True)
"""For what no loop has to do with."""


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return who vouches for the relays that a test starts."""
    return Authority(tmp_path)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Authority]:
    """Return who vouches for the relays that run for all tests, by event loop."""
    return {loop: Authority(tmp_path_factory.mktemp(loop)) for loop in LOOPS}


@pytest.fixture
def renewed(authorities: dict[str, Authority], loop: str) -> Authority:
    return authorities[loop]


@pytest.fixture
def relay(common_relays: CommonRelays, renewed: Authority, loop: str) -> Iterator[OwnRelay]:
    """Return the relay of all tests that bring it new certificates."""
    relay = common_relays.get(event_loop=loop, **renewed.settings)
    yield relay
    assert "Traceback" not in relay.said()


@pytest.fixture
def start(loop: str, authority: Authority, tmp_path: Path) -> Iterator[Callable[..., OwnRelay]]:
    relays: list[OwnRelay] = []

    def begin(**settings: str) -> OwnRelay:
        named = {f"RELAY_{name.upper()}": value for name, value in (authority.settings | settings).items()}
        relays.append(OwnRelay(tmp_path / "log", {"RELAY_EVENT_LOOP": loop, **named}))
        return relays[-1]

    yield begin
    for relay in relays:
        assert relay.stop() == 0, relay.said()
        assert "Traceback" not in relay.said()


def presented(relay: OwnRelay, context: ssl.SSLContext) -> str:
    """Return the fingerprint of the certificate that a new connection gets."""
    with call_secure(relay.relay, context) as connection:
        return fingerprint_of(connection.getpeercert(binary_form=True) or b"")


def reload(relay: OwnRelay, result: str) -> None:
    before = scrape(relay).value("relay_tls_reloads_total", result=result)
    relay.process.send_signal(signal.SIGHUP)
    await_metrics(relay, lambda now: now.value("relay_tls_reloads_total", result=result) == before + 1)


def test_sighup_brings_a_new_certificate_and_old_connections_go_on(relay: OwnRelay, renewed: Authority) -> None:
    context = renewed.context()
    first = presented(relay, context)
    hand_made = HandMade(context)
    with call_secure(relay.relay, context) as shaken, call(relay.relay) as shaking:
        shaking.sendall(hand_made.hello())
        finished = hand_made.shake_hands(shaking)
        renewed.issue()
        reload(relay, "ok")
        assert presented(relay, context) != first
        shaken.sendall(REQUEST)
        shaking.sendall(finished + hand_made.encrypt(REQUEST))
        for (reply,) in (wire.read_frames(shaken), hand_made.read_frames(shaking)):
            assert reply.payload == bytes([wire.NO_SUCH_ROOM])
    assert '"event": "certificate_reloaded"' in relay.said()


def test_nobody_notices_a_reload_under_load(relay: OwnRelay, renewed: Authority) -> None:
    context, answers, done = renewed.context(), [], threading.Event()
    enough = threading.Semaphore(0)

    def join_again_and_again() -> None:
        while not done.is_set():
            try:
                answers.append([frame.payload for frame in ask_secure(relay.relay, context, REQUEST)])
            except OSError as error:
                answers.append([repr(error).encode()])
            enough.release()

    crowd = [threading.Thread(target=join_again_and_again) for _ in range(4)]
    for each in crowd:
        each.start()
    for _ in range(RELOADS):
        renewed.issue()
        reload(relay, "ok")
        for _ in crowd:
            assert enough.acquire(timeout=wire.WAIT_SECONDS)
    done.set()
    for each in crowd:
        each.join(wire.WAIT_SECONDS)
    assert set(map(tuple, answers)) == {(bytes([wire.NO_SUCH_ROOM]),)}


@pytest.mark.parametrize("what", ["certificate", "key"])
def test_a_broken_file_leaves_the_old_certificate_in_use(relay: OwnRelay, renewed: Authority, what: str) -> None:
    context = renewed.context()
    first, said_before = presented(relay, context), len(relay.said())
    path: Path = getattr(renewed, what)
    path.write_text("junk")
    reload(relay, "failed")
    assert presented(relay, context) == first
    said = relay.said()[said_before:]
    assert '"event": "certificate_kept"' in said
    assert str(path) in said
    renewed.issue()
    reload(relay, "ok")
    assert presented(relay, context) != first


@one_loop
def test_a_key_for_all_to_read_gets_a_warning(authority: Authority, start: Callable[..., OwnRelay]) -> None:
    authority.key.chmod(0o644)
    assert '"event": "key_exposed"' in start().said()


def test_handshakes_are_counted_by_how_they_end(start: Callable[..., OwnRelay], authority: Authority) -> None:
    relay, context = start(transaction_timeout_seconds="1"), authority.context()
    ask_secure(relay.relay, context, REQUEST)
    old = authority.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for stranger in (old, ssl.create_default_context()):
        with pytest.raises(ssl.SSLError):
            ask_secure(relay.relay, stranger, REQUEST)
    with call(relay.relay) as connection:
        connection.sendall(b"\x16\x03" + bytes(100))
        assert connection.recv(1)  # an alert
    with call(relay.relay) as connection:
        connection.sendall(HandMade(context).hello()[:100])
    with call(relay.relay) as connection:
        connection.sendall(HandMade(context).hello()[:100])
        assert connection.recv(1) == b""
    reasons = ("version", "client_refused", "malformed", "aborted", "timeout")
    metrics = await_metrics(relay, lambda now: all(now.value(FAILURES, reason=reason) == 1 for reason in reasons))
    assert metrics.value("relay_tls_handshakes_total") == 1
    assert metrics.total(FAILURES) == len(reasons)
    assert metrics.value("relay_tls_certificate_expiry_timestamp_seconds") > 0


def test_handshakes_from_one_address_have_a_rate(start: Callable[..., OwnRelay], authority: Authority) -> None:
    relay, context = start(join_rate="0.1"), authority.context()
    cut = 0
    while not cut:
        try:
            ask_secure(relay.relay, context, REQUEST)
        except OSError:  # by a reset or an end, as it happens
            cut += 1
    await_metrics(relay, lambda now: now.value(FAILURES, reason="rate") == 1)
    assert 1 <= scrape(relay).value("relay_tls_handshakes_total") < 10


def test_sighup_without_a_certificate_changes_nothing(loop: str, common_relays: CommonRelays) -> None:
    relay = common_relays.get(event_loop=loop)
    told = relay.said().count(NOTHING)
    relay.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + wire.WAIT_SECONDS
    while relay.said().count(NOTHING) == told:
        assert time.monotonic() < deadline, relay.said()
        time.sleep(0.02)
    with call(relay.relay) as connection:
        connection.sendall(REQUEST)
        assert wire.read_frames(connection)


def test_a_relay_whose_terminal_is_closed_stops(loop: str) -> None:
    tcp, udp, lobby, ops = free_ports(4)
    numbers = {"TCP": tcp, "UDP": udp, "LOBBY": lobby, "OPS": ops}
    environment = {**os.environ, "RELAY_HOST": "127.0.0.1", "RELAY_EVENT_LOOP": loop, "RELAY_WEB_PORT": "0"}
    environment |= {f"RELAY_{name}_PORT": str(number) for name, number in numbers.items()}
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "relay_server", "run"],
        env=environment, stdin=its, stdout=its, stderr=its, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    said = b""
    while b"listening" not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    process.send_signal(signal.SIGHUP)  # as a shell does
    assert process.wait(STOP_SECONDS) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", tcp)) != 0


@one_loop
def test_the_health_check_and_the_doctor_are_at_home_with_tls_alone(
    start: Callable[..., OwnRelay], authority: Authority
) -> None:
    relay = start(tls_required="true")
    places = relay.relay
    numbers = {"TCP": places.tcp_port, "UDP": places.udp_port, "LOBBY": places.lobby_port, "OPS": relay.ops_port}
    settings = {"RELAY_HOST": "127.0.0.1", "RELAY_TLS_REQUIRED": "true"}
    settings |= {f"RELAY_{name}_PORT": str(number) for name, number in numbers.items()}
    settings |= {f"RELAY_{name.upper()}": value for name, value in authority.settings.items()}

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return here.relay_server(*words, **settings)

    healthy = run("healthcheck", "--timeout", "30", **settings)
    assert (healthy.returncode, healthy.stderr) == (0, "")
    authority.issue()  # renewed, but not read yet
    assert command("healthcheck", "--timeout", "30").returncode == 0
    plain = command("healthcheck", "--no-tls", "--timeout", "30")
    assert (plain.returncode, plain.stderr.count("TLS")) == (1, 1)
    findings = {each["check"]: each for each in json.loads(command("doctor", "--json").stdout)["findings"]}
    assert findings["relay"]["mark"] == "ok"
    assert findings["tls"]["says"].startswith("required, for ")
    shown = command("tls", "fingerprint").stdout
    assert fingerprint_of(ssl.PEM_cert_to_DER_cert(_first(authority.certificate.read_text()))) in shown


def _first(pem: str) -> str:
    end = "-----END CERTIFICATE-----\n"
    return pem.partition(end)[0] + end
