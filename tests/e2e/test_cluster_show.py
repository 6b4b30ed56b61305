"""The show of a cluster as a process: a node is killed and all come back; however it ends, it leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pexpect
import pytest

from ports import free_ports

pytestmark = pytest.mark.timeout(120)

DEADLINE_SECONDS: Final = 60.0
COMMAND: Final = [sys.executable, "-m", "bot_client", "cluster", "--first-port"]
BOTS: Final = 9


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the show puts its files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def first_port(temporary: Path) -> Iterator[int]:
    """Return the first of ports that nobody uses in the end; nor is there a file then that others could read."""
    ports = free_ports(31)
    yield ports[0]
    assert all(path.stat().st_mode & 0o077 == 0 for path in temporary.iterdir())
    deadline = time.monotonic() + DEADLINE_SECONDS
    while any(map(_is_used, ports)):
        assert time.monotonic() < deadline, "The show's relays or its directory still run."
        time.sleep(0.05)


def _is_used(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(("BOT_", "RELAY_"))}
    return clean | {"PYTHONUNBUFFERED": "1", "TERM": "xterm-256color", "COLUMNS": "110"}


def start(first_port: int, *arguments: str) -> subprocess.Popen[str]:
    command = [*COMMAND, str(first_port), *arguments]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def await_line(process: subprocess.Popen[str], part: str) -> str:
    assert process.stdout
    for line in process.stdout:
        if part in line:
            return line
    raise AssertionError(f"{part!r} never came. {process.communicate()}")


def test_the_home_is_killed_and_all_are_back_on_another_node(first_port: int, temporary: Path) -> None:
    with start(first_port, "--speed", "2") as process:
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (0, ""), output
    assert "\x1b" not in output
    assert "* ✖ oslo, the home of the room with 9 people in it, is killed (SIGKILL)" in output
    (home,) = set(re.findall(r"\[(kyoto|lima)\] \* (?:kyoto|lima) is the room's home", output))
    back = re.findall(r"\[(\w+)\] \* (\S+) is back, (\d+\.\d\d) s after the kill", output)
    assert len({who for _, who, _ in back}) == BOTS
    assert {node for node, _, _ in back} <= {"kyoto", "lima"}
    assert re.search(rf"new home +{home}\b", output)
    assert re.search(rf"back +{BOTS} of {BOTS}, after \d+\.\d\d s \(median\)", output)
    said = re.search(r"said +([1-9]\d*) messages in \d+ s; (\d+) taken", output)
    assert said
    assert int(said[1]) - BOTS <= int(said[2]) <= int(said[1])  # an answer may be on its way when the show ends
    assert re.search(r"delivered +[1-9]\d* copies; \d+ lost, 0 duplicated", output)
    assert list(temporary.iterdir()) == []
    print(output[output.index("killed  ") :])


def test_a_terminal_gets_a_board_and_its_cursor_back(first_port: int) -> None:
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], str(first_port), "--speed", "2"],
        env=environment(),
        dimensions=(40, 110),
        encoding="utf-8",
        timeout=int(DEADLINE_SECONDS),
    )
    child.expect(r"the room's home.*s left")
    child.expect(r"killed \d+ s ago")
    child.expect("What you saw")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_show_and_all_that_it_started(
    first_port: int, temporary: Path, number: signal.Signals
) -> None:
    with start(first_port) as process:
        await_line(process, "creates the room")
        process.send_signal(number)
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert "said" in output
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent, however that ends")
def test_nothing_is_left_behind_when_the_show_is_killed(first_port: int) -> None:
    with start(first_port) as process:
        await_line(process, "creates the room")
        process.kill()


def test_what_was_started_ends_when_something_fails_after_that(
    first_port: int, temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("broken")
    package = folder / "relay_server"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('The moon is in the wrong phase.')\n")
    failed = subprocess.run(
        [*COMMAND, str(first_port)],
        env=environment() | {"PYTHONPATH": str(folder)},
        capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False,
    )  # fmt: skip
    assert (failed.returncode, failed.stderr) == (1, "The relay didn't start: The moon is in the wrong phase.\n")
    assert list(temporary.iterdir()) == []
