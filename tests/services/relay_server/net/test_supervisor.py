"""What a supervisor is told, over its own kind of socket."""

import socket
import sys
from pathlib import Path

import pytest

from relay_server.net.supervisor import State, tell_supervisor
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
