"""What ``systemctl reload`` does: another version takes over, or the same one reads its certificate anew."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from relay_server.commands.reload import MAIN_PID

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no systemd on Windows")
DEADLINE_SECONDS = 20.0
OTHER = {"rows": [{"program": "/opt/chat-relay/versions/other"}]}
SAME = {"rows": [{"program": sys.prefix}]}
REPLACED = {
    "pid": 7, "version_before": "1.0.0", "version": "1.0.1", "format": 1, "rooms": 2, "members": 3, "bytes": 4,
    "pause_ms": 5.0,
}  # fmt: skip


@contextmanager
def relay(path: Path, *answers: object) -> Iterator[list[Any]]:
    """Answer requests on a Unix socket, one after the other; yields what was asked."""
    asked: list[Any] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(DEADLINE_SECONDS)

        def serve() -> None:
            for answer in answers:
                connection, _ = listening.accept()
                with connection, connection.makefile("rb") as lines:
                    asked.append(json.loads(lines.readline()))
                    connection.sendall(json.dumps(answer).encode() + b"\n")

        serving = threading.Thread(target=serve)
        serving.start()
        yield asked
        serving.join()


@pytest.fixture
def main() -> Iterator["subprocess.Popen[bytes]"]:
    """Have a process that stands for the relay, and ends when it is to reload."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def reload(path: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "relay_server", "reload"],
        env={"RELAY_ADMIN_SOCKET": str(path), **environ}, capture_output=True, text=True, timeout=DEADLINE_SECONDS,
        check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_same_version_reads_its_certificate_anew(tmp_path: Path, main: "subprocess.Popen[bytes]") -> None:
    with relay(tmp_path / "admin", SAME) as asked:
        done = reload(tmp_path / "admin", MAINPID=str(main.pid))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert main.wait(DEADLINE_SECONDS) == -signal.SIGHUP
    assert asked == [{"command": "program", "arguments": {}}]


@pytest.mark.slow
def test_another_version_is_replaced_with_the_settings_of_the_service(
    tmp_path: Path, main: "subprocess.Popen[bytes]"
) -> None:
    path = tmp_path / "admin"
    with relay(path, OTHER, {"rows": [REPLACED]}) as asked:
        done = reload(path, MAINPID=str(main.pid), RELAY_TCP_PORT="7000", HOME="/root")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("A new process (pid 7, version 1.0.1 after 1.0.0) has the relay: 2 rooms, 3 members.")
    settings = {"RELAY_ADMIN_SOCKET": str(path), "RELAY_TCP_PORT": "7000"}
    assert asked[1] == {"command": "replace", "arguments": {"environment": settings}}
    assert main.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize(("misplaced", "code"), [(True, 2), (False, 1)])
def test_a_relay_that_is_not_replaced_goes_on(
    tmp_path: Path, main: "subprocess.Popen[bytes]", misplaced: bool, code: int
) -> None:
    refusal = {"error": "It can't be done.", "misplaced": misplaced}
    with relay(tmp_path / "admin", OTHER, refusal):
        done = reload(tmp_path / "admin", MAINPID=str(main.pid))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "relay-server: It can't be done.\n")
    assert main.poll() is None


@pytest.mark.slow
def test_without_the_operators_socket_the_certificate_is_read_anew(
    tmp_path: Path, main: "subprocess.Popen[bytes]"
) -> None:
    done = reload(tmp_path / "admin", MAINPID=str(main.pid))
    assert done.returncode == 0
    assert done.stderr.endswith("Only its certificate is read anew.\n")
    assert main.wait(DEADLINE_SECONDS) == -signal.SIGHUP


@pytest.mark.slow
def test_where_there_is_to_be_none_nobody_is_asked(main: "subprocess.Popen[bytes]") -> None:
    done = reload("", MAINPID=str(main.pid))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert main.wait(DEADLINE_SECONDS) == -signal.SIGHUP


@pytest.mark.slow
def test_a_process_that_is_gone_is_said(main: "subprocess.Popen[bytes]") -> None:
    main.kill()
    main.wait()
    done = reload("", MAINPID=str(main.pid))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"relay-server: The process {main.pid} isn't there: start the relay.\n"


@pytest.mark.slow
@pytest.mark.parametrize("environ", [{}, {MAIN_PID: ""}, {MAIN_PID: "-1"}, {MAIN_PID: "0"}, {MAIN_PID: "²"}])
def test_who_calls_it_by_hand_is_told_what_to_call(environ: dict[str, str]) -> None:
    done = reload("", **environ)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "say `relay-server admin replace`" in done.stderr
