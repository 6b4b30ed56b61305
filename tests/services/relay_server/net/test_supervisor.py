"""What a supervisor is told, over its own kind of socket."""

import os
import socket
import sys
from pathlib import Path

import pytest

from relay_server.net.supervisor import PULSES, Pulse, State, tell_supervisor
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
