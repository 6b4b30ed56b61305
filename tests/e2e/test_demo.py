"""The demo as a process: it shows all it promises, ends by itself, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from e2e import here

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


def test_the_demo_shows_what_a_relay_does_and_ends_by_itself() -> None:
    done = subprocess.run(
        [*COMMAND, "--speed", "4"],
        # The user's own relay is no business of the demo's, nor how bots join others.
        env=environment(RELAY_TCP_PORT="not a port", BOT_TLS="true"),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "\x1b" not in done.stdout
    for part in (
        "[Harbour café] Hana: Hello!",
        "[茶室] さくら: こんにちは",
        "[lobby] Amal: مرحبا",
        "[茶室] * Rui is evicted (silence)",
        "[茶室] Rui: I'm back!",
        "[Harbour café] * Hana leaves: the host is gone, so the room closes",
        "[Harbour café] * Tomás is out: the host left",
        "[Harbour café] * Leo is refused: There is no room of this name",
        "[lobby] Leo: Too late",
    ):
        assert part in done.stdout
    assert " ~" not in done.stdout
    assert re.search(r"delivered +[1-9]\d* copies; 0 lost, 0 duplicated", done.stdout)
    assert re.search(r"evicted +2 host left, 1 silence", done.stdout)
    assert re.search(r"rooms closed +1 host left", done.stdout)
    wait_until_gone(relay_port(done.stdout))


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


def test_a_relay_that_does_not_start_is_said_in_one_sentence(tmp_path: Path) -> None:
    package = tmp_path / "relay_server"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('The moon is in the wrong phase.')\n")
    done = here.bot_client("demo", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "The relay didn't start: The moon is in the wrong phase.\n"


def test_the_demo_can_visit_a_relay_that_runs_already() -> None:
    done = here.bot_client("demo", "--server", "127.0.0.1:1", "--patience-seconds", "0.1")
    assert done.returncode == 1
    assert "through the relay on 127.0.0.1:1" in done.stdout
    assert "No relay answers at 127.0.0.1:1" in done.stderr
