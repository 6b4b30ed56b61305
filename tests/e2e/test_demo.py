"""The demo as a process, on a terminal and without one: however it ends, it leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pexpect
import pytest

DEADLINE_SECONDS = 30.0
COMMAND = [sys.executable, "-m", "bot_client", "demo"]


def environment(**variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(("BOT_", "RELAY_"))}
    return clean | {"PYTHONUNBUFFERED": "1", "TERM": "xterm-256color", "COLUMNS": "100"} | variables


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def relay_port(line: str) -> int:
    found = re.search(r"on 127\.0\.0\.1:(\d+)", line)
    assert found, line
    return int(found[1])


def wait_until_gone(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    pytest.fail("The demo's relay still runs.")


def test_a_terminal_gets_colors_a_status_line_and_its_cursor_back() -> None:
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "--speed", "5"],
        env=environment(),
        dimensions=(30, 100),
        encoding="utf-8",
        timeout=int(DEADLINE_SECONDS),
    )
    child.expect(r"datagrams/s .*s left")
    child.expect("What you saw")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert isinstance(child.before, str)
    assert "chat create" in child.before


def test_the_cursor_comes_back_after_ctrl_c_on_a_terminal() -> None:
    child = pexpect.spawn(
        COMMAND[0],
        COMMAND[1:],
        env=environment(),
        encoding="utf-8",
        timeout=int(DEADLINE_SECONDS),
    )
    child.expect(r"on 127\.0\.0\.1:(\d+)")
    assert isinstance(child.match, re.Match)
    port = int(child.match[1])
    child.expect(r"datagrams/s")
    child.sendintr()
    child.expect("What you saw")
    child.expect("delivered")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    wait_until_gone(port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_demo_and_its_relay(number: signal.Signals) -> None:
    with start() as process:
        assert process.stdout
        port = relay_port(process.stdout.readline())
        assert "ends by itself after 31 s" in process.stdout.readline()
        while "Hello!" not in process.stdout.readline():
            pass
        process.send_signal(number)
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert "delivered" in output
    wait_until_gone(port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent, however that ends")
def test_no_relay_is_left_behind_when_the_demo_is_killed() -> None:
    with start() as process:
        assert process.stdout
        port = relay_port(process.stdout.readline())
        process.kill()
    wait_until_gone(port)
