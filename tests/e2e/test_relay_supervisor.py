"""A relay under a supervisor such as systemd, which it tells when it serves and when it stops."""

import socket
import sys
from pathlib import Path

import pytest

from conformance.relays import OwnRelay

DEADLINE_SECONDS = 20.0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no systemd on Windows")
def test_the_supervisor_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name)
        supervisor.settimeout(DEADLINE_SECONDS)
        relay = OwnRelay(tmp_path / "log", {})
        try:
            assert supervisor.recv(100) == b"READY=1"
            relay.terminate()
            assert supervisor.recv(100) == b"STOPPING=1"
        finally:
            assert relay.stop() == 0
