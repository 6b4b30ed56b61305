"""bot-client as a process, against a real relay: scenarios, reports, signals, metrics, mistakes."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from conformance.people import People
from conformance.relays import CommonRelays, OwnRelay
from e2e import here
from ports import free_ports

DEADLINE_SECONDS = 50.0
Scenario = Callable[[str], Path]


def environment(**variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("BOT_")}
    return clean | {"PYTHONUNBUFFERED": "1"} | variables


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot_client", *arguments]


def bot_client(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@contextmanager
def playing(arguments: Sequence[str], **variables: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        arguments, env=environment(**variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """Write a scenario into a file."""

    def write(text: str) -> Path:
        file = tmp_path / "scenario.yaml"
        file.write_text(text, "utf-8")
        return file

    return write


@pytest.fixture
def where(common_relays: CommonRelays) -> tuple[str, ...]:
    relay = common_relays.get().relay
    return ("--server", f"{relay.host}:{relay.tcp_port}", "--lobby-port", str(relay.lobby_port))


def figure(report: str, name: str) -> int:
    found = re.search(rf"^ +{name} +(\d+)", report, re.MULTILINE)
    assert found, report
    return int(found[1])


def test_the_probe_finds_no_loss_on_the_loopback(where: tuple[str, ...]) -> None:
    done = bot_client("run", "--scenario", "probe", "--rate", "50", "--duration-seconds", "2", *where)
    assert (done.returncode, done.stderr) == (0, "")
    sent = figure(done.stdout, "sent")
    assert sent > 10
    assert figure(done.stdout, "received") == sent
    assert figure(done.stdout, "lost") == figure(done.stdout, "duplicated") == 0
    assert re.search(r"latency p99 +\d+\.\d+ ms", done.stdout)


def test_the_load_has_as_many_members_and_rooms_as_are_set(where: tuple[str, ...]) -> None:
    done = bot_client(
        "run", "--scenario", "load", "--duration-seconds", "2", *where, BOT_ROOMS="2", BOT_MEMBERS="4", BOT_RATE="10"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert " 8 ok" in done.stdout
    assert figure(done.stdout, "received") > figure(done.stdout, "sent")
    assert figure(done.stdout, "lost") == figure(done.stdout, "duplicated") == 0


def test_a_bot_that_expects_a_refusal_waits_for_the_room_too(
    where: tuple[str, ...], common_relays: CommonRelays, scenario: Scenario
) -> None:
    file = scenario(
        "title: Late\nrooms: [late]\nbots:\n"
        "  - {name: Eve, room: late, password: 'no', steps: [join: {refused: wrong_password, within_seconds: 40}]}\n"
    )
    with playing(command("run", "--scenario", str(file), *where)) as bots, People(common_relays.get().relay) as people:
        assert bots.stdout
        assert "Late" in bots.stdout.readline()
        people.create(b"late", b"Liz", password="simsim")
        assert "Eve is refused: The password is wrong." in bots.stdout.read()
        assert bots.wait(DEADLINE_SECONDS) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_its_report(where: tuple[str, ...], number: signal.Signals) -> None:
    arguments = ("run", "--scenario", "probe", "--rate", "50", "--report-seconds", "0.2", *where)
    with playing(command(*arguments)) as process:
        assert process.stdout
        wait_for_line(process.stdout, r"received [1-9]")
        process.send_signal(number)
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert figure(output, "received") > 0


def test_a_second_signal_ends_the_run_even_when_nobody_takes_its_output(where: tuple[str, ...]) -> None:
    arguments = ("run", "--scenario", "probe", "--report-seconds", "0.001", *where)
    with playing(command(*arguments)) as process:
        assert process.stdout
        wait_for_line(process.stdout, r"2 members")
        wait_until_blocked(process.stdout)
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        assert process.returncode == -signal.SIGTERM


def wait_until_blocked(pipe: IO[str]) -> None:
    """Wait until a pipe that nobody reads is full: what writes a line every millisecond adds none for long."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    sizes = [-1]
    while len(sizes) < 10 and time.monotonic() < deadline:
        size = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
        sizes = [*sizes, size] if size == sizes[-1] else [size]
        time.sleep(0.05)
    assert len(sizes) == 10, "The pipe never filled."


def test_bots_come_back_to_a_relay_that_restarts(tmp_path: Path) -> None:
    relay = OwnRelay(tmp_path / "log", {})
    ports = {"TCP": relay.relay.tcp_port, "UDP": relay.relay.udp_port, "LOBBY": relay.relay.lobby_port}
    variables = {f"RELAY_{name}_PORT": str(port) for name, port in ports.items()} | {
        "RELAY_OPS_PORT": "0",
        "RELAY_WEB_PORT": "0",
    }
    where = ("--server", f"{relay.relay.host}:{relay.relay.tcp_port}", "--seed", "1")
    arguments = ("run", "--scenario", "probe", "--rate", "50", "--report-seconds", "0.2", *where)
    metrics = free_ports(1)[0]
    with playing(command(*arguments), BOT_METRICS_PORT=str(metrics)) as bots:
        assert bots.stdout
        wait_for_line(bots.stdout, r" 2 members, sent \d+, received [1-9]")
        assert relay.stop() == 0
        before = wait_for_line(bots.stdout, r" 0 members, .* received (\d+)")
        assert "bot_members 0.0" in wait_for_metrics(metrics, r"bot_locked_out 2\.0")
        with playing([sys.executable, "-m", "relay_server", "run"], **variables):
            wait_for_line(bots.stdout, r" 2 members, ")
            after = wait_for_line(bots.stdout, rf" received (?!{before[1]},)(\d+)")
            assert "bot_members 2.0" in wait_for_metrics(metrics, r"bot_locked_out 0\.0")
            bots.terminate()
            output, _ = bots.communicate(timeout=DEADLINE_SECONDS)
    assert int(after[1]) > int(before[1])
    assert bots.returncode == 0
    assert "2 shutdown" in output


def wait_for_line(lines: Iterable[str], pattern: str) -> re.Match[str]:
    deadline = time.monotonic() + DEADLINE_SECONDS  # looked at with each line; a report comes every 0.2 s
    seen = []
    for line in lines:
        if time.monotonic() > deadline:
            break
        seen.append(line)
        if found := re.search(pattern, line):
            return found
    pytest.fail(f"{pattern} never stood in the output: {''.join(seen)}")


def test_metrics_are_served_while_the_bots_play(where: tuple[str, ...]) -> None:
    port = free_ports(1)[0]
    arguments = command("run", *where)
    with playing(arguments, BOT_METRICS_PORT=str(port), BOT_SCENARIO="probe", BOT_RATE="50") as process:
        metrics = wait_for_metrics(port, r"bot_round_trip_seconds_count [1-9]")
        process.terminate()
        process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0
    assert "bot_members 2.0" in metrics
    assert "bot_locked_out 0.0" in metrics
    assert re.search(r"bot_messages_delivered_total [1-9]", metrics)
    assert 'bot_joins_total{status="ok"} 2.0' in metrics
    assert "bot_messages_lost_total 0.0" in metrics


def wait_for_metrics(port: int, pattern: str) -> str:
    deadline = time.monotonic() + DEADLINE_SECONDS
    text = ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
                text = response.read().decode()
        except urllib.error.URLError:
            text = ""
        if re.search(pattern, text):
            return text
        time.sleep(0.05)
    pytest.fail(f"{pattern} never stood in the metrics: {text}")


def test_a_relay_that_is_not_there_is_named() -> None:
    done = here.bot_client("run", "--scenario", "probe", "--server", "127.0.0.1:1", "--patience-seconds", "0.3")
    assert done.returncode == 1
    assert "No relay answers at 127.0.0.1:1" in done.stderr


def test_a_wrong_scenario_is_found_before_anything_is_played(scenario: Scenario) -> None:
    file = scenario("title: Wrong\nbots:\n  - name: Ann\n    steps: [dance]\n")
    for done in (here.bot_client("check", str(file)), bot_client("run", "--scenario", str(file))):
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f'{file}, line 4: the step "dance" is unknown: use create')


def test_help_and_version() -> None:
    assert re.fullmatch(r"bot-client \d+\.\d+\.\d+\n", bot_client("--version").stdout)
    for arguments in (("--help",), ("run", "--help"), ("demo", "--help"), ("check", "--help"), ("list", "--help")):
        done = here.bot_client(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
    assert "--loss-timeout-seconds" in here.bot_client("run", "--help").stdout
