"""What a supervisor is told, over its own kind of socket."""

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relay_server.net.sockets import bind_udp, listen_tcp
from relay_server.net.supervisor import (
    NAMES,
    PULSES,
    Pulse,
    State,
    forget_sockets,
    keep_sockets,
    tell_reloading,
    tell_successor,
    tell_supervisor,
)
from services.relay_server.net.loopback import DEADLINE_SECONDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no systemd on Windows")


@pytest.fixture(params=["path", "abstract"])
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("only Linux has abstract socket names")
    return f"{tmp_path}/notify" if request.param == "path" else f"@chat-relay-{tmp_path}"


def test_states_are_told(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name.replace("@", "\0", 1))
        supervisor.settimeout(DEADLINE_SECONDS)
        for state, words in ((State.READY, b"READY=1"), (State.STOPPING, b"STOPPING=1")):
            tell_supervisor(state, {"NOTIFY_SOCKET": name})
            assert supervisor.recv(100) == words


@pytest.mark.parametrize("name", ["", "vsock:2:1234", "/no/such/socket", "@nobody-listens-here", "/" + "x" * 200])
def test_a_supervisor_that_isnt_there_is_no_trouble(name: str) -> None:
    tell_supervisor(State.READY, {"NOTIFY_SOCKET": name})
    tell_supervisor(State.READY, {})


def beats(name: str, times: list[float], **environ: str) -> int:
    """Beat at these times, and return how many signs of life came."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name.replace("@", "\0", 1))
        supervisor.setblocking(False)
        pulse = Pulse({"NOTIFY_SOCKET": name} | environ)
        count = 0
        for now in times:
            pulse.beat(now)
            try:
                assert supervisor.recv(100) == b"WATCHDOG=1"
                count += 1
            except BlockingIOError:
                pass
        return count


def test_signs_of_life_come_as_often_as_they_are_waited_for(name: str) -> None:
    assert PULSES == 3
    tenths = [100 + tenth / 10 for tenth in range(301)]  # half a minute, looked at ten times a second
    assert beats(name, tenths, WATCHDOG_USEC="30000000") == 4  # at once, and after 10, 20 and 30 seconds


@pytest.mark.parametrize(
    "environ", [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid() + 1)}]
)
def test_nobody_who_waits_for_none_is_told(name: str, environ: dict[str, str]) -> None:
    assert beats(name, [0.0, 1e9], **environ) == 0


def test_ours_is_ours(name: str) -> None:
    assert beats(name, [0.0, 1e9], WATCHDOG_USEC="1000000", WATCHDOG_PID=str(os.getpid())) == 2


def test_a_reload_has_its_time(name: str) -> None:
    before = time.monotonic_ns() // 1000
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name.replace("@", "\0", 1))
        supervisor.settimeout(DEADLINE_SECONDS)
        tell_reloading({"NOTIFY_SOCKET": name})
        state, _, moment = supervisor.recv(200).partition(b"\nMONOTONIC_USEC=")
    assert state == b"RELOADING=1"
    assert before <= int(moment) <= time.monotonic_ns() // 1000


def test_the_process_that_goes_on_is_named(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name.replace("@", "\0", 1))
        supervisor.settimeout(DEADLINE_SECONDS)
        tell_successor(1234, {"NOTIFY_SOCKET": name})
        assert supervisor.recv(100) == b"MAINPID=1234"


class Store:
    """A supervisor that keeps sockets, as systemd does."""

    def __init__(self, name: str) -> None:
        self.kept: dict[str, list[socket.socket]] = {}
        self.told: list[str] = []
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(name.replace("@", "\0", 1))
        self._sock.settimeout(DEADLINE_SECONDS)

    def read(self, until: str = "BARRIER") -> None:
        """Do what is asked until a message begins so."""
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._sock, 1000, 10)
            words = dict(line.partition("=")[::2] for line in data.decode().splitlines())
            self.told.append(data.decode())
            if words.get("FDSTORE") == "1":
                assert words["FDPOLL"] == "0"
                self.kept.setdefault(words["FDNAME"], []).append(socket.socket(fileno=descriptors.pop()))
            elif words.get("FDSTOREREMOVE") == "1":
                for sock in self.kept.pop(words["FDNAME"], []):
                    sock.close()
            for descriptor in descriptors:
                os.close(descriptor)
            if data.decode().startswith(until):
                break

    def close(self) -> None:
        self._sock.close()
        for sock in [sock for socks in self.kept.values() for sock in socks]:
            sock.close()


@contextmanager
def store(name: str) -> Iterator[Store]:
    made = Store(name)
    try:
        yield made
    finally:
        made.close()


def test_sockets_are_kept_by_name_and_no_others(name: str) -> None:
    environ = {"NOTIFY_SOCKET": name}
    with store(name) as supervisor, listen_tcp("127.0.0.1", 0) as tcp, bind_udp("127.0.0.1", 0, 2**16) as udp:
        for sockets in ({"tcp": tcp, "udp": udp}, {"udp": udp}):
            reading = threading.Thread(target=supervisor.read, args=["READY"])
            reading.start()
            keep_sockets(sockets, environ)
            tell_supervisor(State.READY, environ)
            reading.join()
            kept = {name: [sock.getsockname() for sock in socks] for name, socks in supervisor.kept.items()}
            assert kept == {name: [sock.getsockname()] for name, sock in sockets.items()}
    assert len(supervisor.told) == 2 * (len(NAMES) + 1) + 3


def test_a_port_is_free_when_its_socket_is_forgotten(name: str) -> None:
    environ = {"NOTIFY_SOCKET": name}
    with store(name) as supervisor:
        sock = bind_udp("127.0.0.1", 0, 2**16)
        port = sock.getsockname()[1]
        supervisor.kept["udp"] = [sock]
        reading = threading.Thread(target=supervisor.read)
        reading.start()
        forget_sockets({"udp"}, environ)
        bind_udp("127.0.0.1", port, 2**16).close()
        reading.join()
        assert supervisor.told == ["FDSTOREREMOVE=1\nFDNAME=udp", "BARRIER=1"]


def test_nobody_waits_for_a_supervisor_that_isnt_there(name: str) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": name}):
        forget_sockets({"udp"}, environ)
        with bind_udp("127.0.0.1", 0, 2**16) as udp:
            keep_sockets({"udp": udp}, environ)
