"""An error that nobody expected, in each part of a relay: it ends, in order, and says why (threat R11)."""

import http.client
import json
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from conformance import wire
from conformance.people import Member, People, call, half_request
from conformance.relays import STOP_SECONDS
from e2e.relay_metrics import Metrics, scrape
from faults.planting import PLANTED, BuggyRelay, check_crashed, check_ended
from faults.relays import StartRelay, check_alive
from relay_server.operator.client import AdminError, ask

pytestmark = pytest.mark.timeout(180)

SHUTDOWN: Final = b"disconnected: shutdown"
Start = Callable[..., BuggyRelay]
Trigger = Callable[[BuggyRelay, Member], None]


@pytest.fixture
def start(start_relay: StartRelay, tmp_path: Path) -> Start:
    """Return what starts a relay with bugs that takes operators' commands, too."""
    return partial(start_relay.buggy, RELAY_ADMIN_SOCKET=str(tmp_path / "admin.sock"))


def speak(_: BuggyRelay, ann: Member) -> None:
    ann.say(b"hi")


def speak_in_the_lobby(relay: BuggyRelay, _: Member) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.sendto(wire.lobby(b"cem", b"hi"), ("127.0.0.1", relay.relay.lobby_port))


def connect(relay: BuggyRelay, _: Member) -> None:
    call(relay.relay).close()


def request(relay: BuggyRelay, _: Member, payload: bytes = b"eve") -> None:
    with call(relay.relay) as connection, suppress(OSError):
        connection.sendall(wire.frame(wire.CREATE, wire.REQUEST, b"other", payload))
        connection.recv(1)


def request_with_a_password(relay: BuggyRelay, ann: Member) -> None:
    request(relay, ann, b'{"username": "eve", "password": "open sesame"}')


def keep_waiting(relay: BuggyRelay, _: Member) -> None:
    with half_request(relay.relay) as connection, suppress(OSError):
        connection.recv(1)


def leave_half_way(relay: BuggyRelay, _: Member) -> None:
    with call(relay.relay) as connection:
        connection.sendall(wire.frame(wire.CREATE, wire.REQUEST, b"other", b"eve")[:36])


def end_sending(relay: BuggyRelay, _: Member) -> None:
    with call(relay.relay) as connection, suppress(OSError):
        connection.sendall(wire.frame(wire.CREATE, wire.REQUEST, b"other", b"eve")[:36])
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)


def close_the_room(relay: BuggyRelay, _: Member) -> None:
    with pytest.raises(AdminError, match="The relay has a fault: its log tells"):
        ask(relay.log.parent / "admin.sock", "close", {"room": "demo"})


def ask_for_a_page(relay: BuggyRelay, _: Member) -> None:
    with pytest.raises(OSError, match=r"closed connection|reset"):
        relay.ops("/healthz")


def ask_to_end(relay: BuggyRelay, _: Member) -> None:
    relay.process.send_signal(signal.SIGTERM)


def wait(_: BuggyRelay, __: Member) -> None:
    """Do nothing: time alone is enough."""


class Case(NamedTuple):
    """A place, what makes it fail, as what the failure is counted, and what of the books is checked at the end."""

    place: str
    trigger: Trigger
    component: str = "loop"
    check: Callable[[BuggyRelay], None] = check_crashed


# What is checked of the books at the end is nothing where the bug loses the very datagram that it strikes; they were
# checked just before, as of all of them.
CASES: Final = {
    "a datagram": Case("relay_server.net.udp:UdpPort._handle_batch", speak),
    "a datagram for the lobby": Case("relay_server.core.lobby:Lobby._judge", speak_in_the_lobby, check=check_ended),
    "sending": Case("relay_server.net.udp:UdpPort._flush_messages", speak, check=check_ended),
    "accepting": Case("relay_server.net.acceptor:Acceptor._accept", connect),
    "making a connection's protocol": Case("relay_server.net.tcp:Connection.__init__", connect),
    "a new connection": Case("relay_server.net.tcp:peer_of", connect),
    "bytes of a connection": Case("relay_server.control:Control.receive", request),
    "a connection's half end": Case("relay_server.net.tcp:Connection._forget_work", end_sending),
    "a connection's end": Case("relay_server.net.connection_slots:ConnectionSlots.leave", leave_half_way),
    "a connection's deadline": Case("relay_server.net.tcp:Connection._time_out", keep_waiting),
    "a request for a page": Case("relay_server.net.http:OpsServer.reply_to", ask_for_a_page),
    "a worker": Case("relay_server.passwords:Passwords.hash", request_with_a_password),
    "the clockwork": Case("relay_server.core.registry:Registry.expire", wait),
    "a signal": Case("relay_server.lifecycle:Lifecycle._on_signal", ask_to_end),
    "a server's task": Case("relay_server.operator.unix_socket:UnixSocket.remove", ask_to_end, "task"),
    "counting an event": Case("relay_server.telemetry.metrics:Tally.observe_event", request, "telemetry"),
    "logging an event": Case("relay_server.telemetry.logs:_write", request, "telemetry"),
    "an operator's command": Case("relay_server.operator.commands:Operators._close", close_the_room, "command"),
    "the farewell": Case("relay_server.core.lobby:Lobby.shut_down", ask_to_end, "drain"),
    "closing": Case("relay_server.net.tcp:TcpPort.close", ask_to_end, "drain"),
}


@pytest.mark.parametrize("name", CASES)
def test_every_unexpected_error_shuts_the_relay_down_in_order(start: Start, name: str) -> None:
    case = CASES[name]
    relay = start(case.place, check=case.check, RELAY_TRANSACTION_TIMEOUT_SECONDS="1")
    with People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        relay.break_()
        case.trigger(relay, ann)
        for member in () if name == "sending" else (ann, bob):  # if that fails, there is no way to tell
            member.await_notice(SHUTDOWN)
        assert relay.process.wait(STOP_SECONDS) == 1
    check_log(relay, case.component)


def check_log(relay: BuggyRelay, component: str) -> None:
    """See that the log tells of one crash, with its traceback, and of nothing that isn't a record."""
    records = [json.loads(line) for line in relay.said().splitlines()]
    (crash,) = (record for record in records if record["event"] == "crashed")
    assert crash["component"] == component
    assert "Traceback" in crash["exception"]
    assert PLANTED in crash["exception"]
    assert records[-1]["event"] == "stopped"
    assert records[-1]["unexpected_errors"] >= 1
    assert [record for record in records if record["event"] == "library"] == []


@pytest.mark.parametrize("error", ["ZeroDivisionError", "MemoryError", "ConnectionResetError"])
def test_no_kind_of_bug_is_taken_for_a_clients_error(start: Start, error: str) -> None:
    relay = start("relay_server.control:Control.receive", error=error)
    with People(relay.relay) as people:
        ann, _ = people.pair(b"demo")
        relay.break_()
        request(relay, ann)
        ann.await_notice(SHUTDOWN)
        assert relay.process.wait(STOP_SECONDS) == 1
    check_log(relay, "loop")


def test_errors_during_the_shutdown_are_counted_and_dont_delay_it(start: Start) -> None:
    relay = start("relay_server.net.udp:UdpPort._handle_batch", "relay_server.net.tcp:TcpPort.close")
    with People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        relay.break_()
        ann.say(b"hi")
        bob.await_notice(SHUTDOWN, nudge=lambda: ann.say(b"again"))
        while relay.process.poll() is None:
            with suppress(OSError):
                ann.say(b"and again")
        assert relay.process.wait(STOP_SECONDS) == 1
    check_log(relay, "loop")
    assert json.loads(relay.said().splitlines()[-1])["unexpected_errors"] >= 2


def test_a_last_scrape_counts_the_crash(start: Start) -> None:
    relay = start("relay_server.core.registry:Registry.expire", drain_seconds=5)  # time enough for a slow machine
    assert scrape(relay).total("relay_unexpected_errors_total") == 0
    page = http.client.HTTPConnection("127.0.0.1", relay.ops_port, timeout=wire.WAIT_SECONDS)
    page.connect()
    with People(relay.relay) as people:
        ann, _ = people.pair(b"demo")
        relay.break_()
        ann.await_notice(SHUTDOWN)
        page.request("GET", "/metrics")
        counted = Metrics(page.getresponse().read().decode())
    page.close()
    assert counted.value("relay_unexpected_errors_total", component="loop") == 1
    assert relay.process.wait(STOP_SECONDS) == 1


def test_a_signal_while_a_crashed_relay_drains_changes_nothing(start: Start) -> None:
    relay = start("relay_server.core.registry:Registry.expire", drain_seconds=3)
    with People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        relay.break_()
        ann.await_notice(SHUTDOWN)
        relay.process.send_signal(signal.SIGTERM)
        bob.await_notice(SHUTDOWN)
        assert relay.process.wait(STOP_SECONDS) == 1


def test_a_page_that_fails_is_an_error_of_that_page_alone(start: Start) -> None:
    relay = start(
        "relay_server.telemetry.metrics:RelayCollector._gauges",
        "relay_server.operator.commands:Operators.list_rooms",
        check=check_alive,
    )
    with People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        relay.break_()
        for _ in range(3):
            with pytest.raises(OSError, match="500"):
                relay.ops("/metrics")
        with pytest.raises(AdminError, match="The relay has a fault"):
            ask(relay.log.parent / "admin.sock", "rooms", {})
        assert relay.ops("/healthz").strip() == "ok"
        relay.mend()
        assert scrape(relay).value("relay_unexpected_errors_total", component="page") == 4
        ann.say(b"still here")
        assert bob.hear() == b"ann: still here"
    failed = [json.loads(line) for line in relay.said().splitlines() if "page_failed" in line]
    assert 1 <= len(failed) <= 2  # once in ten seconds, whoever asks how often
    assert PLANTED in failed[0]["exception"]


def test_a_hanging_relay_stops_its_watchdog_and_logs_where_it_hangs(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")  # as the unit says it
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name)
        supervisor.settimeout(STOP_SECONDS)
        relay = start(
            "relay_server.core.registry:Registry.expire",
            error="__import__('time').sleep(3600) or OSError",
            check=check_ended,
        )
        signs = [supervisor.recv(100) for _ in range(4)]
        assert b"READY=1" in signs
        assert signs.count(b"WATCHDOG=1") == 3
        with People(relay.relay) as people:
            people.pair(b"demo")
        relay.break_()
        supervisor.settimeout(1.5)  # five times as long as one was promised
        assert any(is_silent(supervisor) for _ in range(100))  # those come first that wait already
        relay.process.send_signal(signal.SIGABRT)  # what systemd's watchdog does then
        assert relay.process.wait(STOP_SECONDS) == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in relay.said()
    assert "in _tick" in relay.said()


def is_silent(supervisor: socket.socket) -> bool:
    """Take a sign of life; True if there was none in time."""
    try:
        supervisor.recv(100)
    except TimeoutError:
        return True
    return False
