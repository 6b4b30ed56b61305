"""The command ``relay-server``: settings, mistakes, and the health check."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.relays import CommonRelays, OwnRelay
from e2e import here
from ports import free_ports

DEADLINE_SECONDS = 30.0
PORTS = ("TCP", "UDP", "LOBBY", "OPS")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    return subprocess.run(
        [sys.executable, "-m", "relay_server", *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@pytest.fixture
def relay(common_relays: CommonRelays) -> OwnRelay:
    return common_relays.get()


@pytest.mark.parametrize("name", PORTS)
def test_a_busy_port_gets_one_sentence(relay: OwnRelay, name: str) -> None:
    places = relay.relay
    busy = dict(zip(PORTS, (places.tcp_port, places.udp_port, places.lobby_port, relay.ops_port), strict=True))[name]
    ports = dict(zip(PORTS, free_ports(4), strict=True)) | {name: busy}
    start = run if name == "TCP" else here.relay_server
    second = start("run", RELAY_HOST="127.0.0.1", **{f"RELAY_{kind}_PORT": str(port) for kind, port in ports.items()})
    assert (second.returncode, second.stdout, second.stderr.count("\n")) == (2, "", 1)
    assert f"port {busy} on 127.0.0.1 is in use: end the other program" in second.stderr


# Each mistake is tried on `relay_server.__main__`; here is how a process ends by them.


def test_a_bad_setting_gets_one_sentence() -> None:
    done = run("run", RELAY_TPC_PORT="9000")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("relay-server: RELAY_TPC_PORT is not a setting")


@pytest.mark.parametrize("command", [("config", "check"), ("run",)])
def test_a_line_end_in_a_setting_is_said_in_one_sentence(command: tuple[str, ...]) -> None:
    done = run(*command, RELAY_HOST="0.0.0.0\r")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("relay-server: RELAY_HOST is '0.0.0.0\\r': ")


LINKS = {
    "RELAY_PORT": "tcp://10.0.0.1:9000",
    "RELAY_SERVICE_HOST": "10.0.0.1",
    "RELAY_PORT_9001_UDP_ADDR": "10.0.0.1",
    "RELAY_TCP_PORT": "tcp://10.0.0.2:9000",
    "RELAY_WEB_PORT": "tcp://10.0.0.3:80",
}


def test_what_kubernetes_says_of_a_service_called_relay_is_no_setting() -> None:
    done = run("config", "check", **LINKS)
    assert (done.returncode, done.stderr) == (0, "")
    shown = run("config", "show", RELAY_TCP_PORT="tcp://10.0.0.2:9000").stdout
    assert re.search(r"^RELAY_TCP_PORT +9000 +default", shown, re.MULTILINE)


def test_a_wrong_command_is_said_in_one_sentence() -> None:
    done = run("run", "--port", "9000")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--help" in done.stderr


def test_its_version() -> None:
    done = run("--version")
    assert re.fullmatch(r"relay-server \d+\.\d+\.\d+ \((compiled|interpreted)\)\n", done.stdout)
    assert done.returncode == 0


def test_config_show_tells_where_a_value_came_from() -> None:
    done = here.relay_server("config", "show", RELAY_MESSAGE_RATE="7.5")
    rows = dict(re.findall(r"^(RELAY_\w+) +(.*)$", done.stdout, re.MULTILINE))
    assert re.fullmatch(r"7\.5 +environment", rows["RELAY_MESSAGE_RATE"])
    assert re.fullmatch(r"9000 +default", rows["RELAY_TCP_PORT"])
    assert (done.returncode, done.stderr) == (0, "")


def test_config_show_has_all_settings_in_every_format() -> None:
    shown = json.loads(here.relay_server("config", "show", "--format", "json").stdout)
    markdown = here.relay_server("config", "show", "--format", "markdown").stdout
    text = here.relay_server("config", "show").stdout
    assert len(shown) > 20
    for setting in shown:
        assert f"| `{setting['name']}` | `{setting['default']}` |" in markdown
        assert re.search(rf"^{setting['name']} ", text, re.MULTILINE)


def test_config_check_says_yes() -> None:
    done = run("config", "check", RELAY_EVENT_LOOP="asyncio")
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")


def test_config_env_can_be_used_as_it_is(tmp_path: Path) -> None:
    written = here.relay_server("config", "env", RELAY_MESSAGE_RATE="7").stdout
    lines = [line.lstrip("#") for line in written.splitlines() if re.match(r"#?RELAY_", line)]
    assert "RELAY_MESSAGE_RATE=7" in written.splitlines()
    assert "#RELAY_TCP_PORT=9000" in written.splitlines()
    everything = dict(line.split("=", 1) for line in lines)
    assert here.relay_server("config", "check", **everything).returncode == 0
    (tmp_path / "relay.env").write_text(written)
    sourced = subprocess.run(
        ["sh", "-ec", f'set -a; . ./relay.env; exec "{sys.executable}" -m relay_server config show'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"^RELAY_MESSAGE_RATE +7 +environment$", sourced.stdout, re.MULTILINE)


def test_a_healthy_relay(relay: OwnRelay) -> None:
    port = relay.relay.tcp_port
    for done in (
        run("healthcheck", "--server", f"127.0.0.1:{port}"),
        here.relay_server("healthcheck", RELAY_HOST="127.0.0.1", RELAY_TCP_PORT=str(port)),
    ):
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"healthy: joined, and heard an echo after [\d.]+ ms\n", done.stdout)


def test_no_relay_is_unhealthy() -> None:
    done = run("healthcheck", "--server", f"127.0.0.1:{free_ports(1)[0]}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("unhealthy: ")


def test_a_relay_that_doesnt_answer_is_unhealthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        server = f"127.0.0.1:{mute.getsockname()[1]}"
        done = here.relay_server("healthcheck", "--server", server, "--timeout", "0.5")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("server", ["127.0.0.1:many", "127.0.0.1:0"])
def test_a_server_that_is_none_is_said_in_one_sentence(server: str) -> None:
    done = here.relay_server("healthcheck", "--server", server)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
