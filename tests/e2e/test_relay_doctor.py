"""The command ``relay-server doctor`` beside real relays, somebody else's ports, and a gateway that hides addresses."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pexpect
import pytest

from conformance import wire
from conformance.people import People
from conformance.relays import CommonRelays, OwnRelay, Relay
from e2e import here
from e2e.namespaces import DEADLINE_SECONDS, Namespace, await_port, network
from e2e.relay_metrics import await_metrics
from ports import free_ports

# Every machine grants buffers of this size, and allows this number of descriptors.
MODEST: Final = {
    "RELAY_RECEIVE_BUFFER_BYTES": "4096",
    "RELAY_MAX_TRANSACTIONS": "20",
    "RELAY_MAX_TRANSACTIONS_PER_ADDRESS": "10",
    "RELAY_MAX_STREAMS": "20",
}
NAMES: Final = ("TCP", "UDP", "LOBBY", "OPS")
DOCTOR: Final = (sys.executable, "-m", "relay_server", "doctor")

needs_root = pytest.mark.needs("namespaces")


def settings_of(ports: Sequence[int], **settings: str) -> dict[str, str]:
    numbers = {f"RELAY_{name}_PORT": str(port) for name, port in zip(NAMES, ports, strict=True)}
    return {"RELAY_HOST": "127.0.0.1", "RELAY_WEB_PORT": "0"} | MODEST | numbers | settings


def environment(ports: Sequence[int], **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    return kept | settings_of(ports, **settings)


def ports_of(relay: OwnRelay) -> tuple[int, int, int, int]:
    places = relay.relay
    return places.tcp_port, places.udp_port, places.lobby_port, relay.ops_port


def examine(ports: Sequence[int], *inside: str, **settings: str) -> dict[str, Any]:
    """Ask the doctor, by a command such as ``ip netns exec`` if one is given; returns its findings by check."""
    if inside:
        done = subprocess.run(
            [*inside, *DOCTOR, "--json"], env=environment(ports, **settings), capture_output=True, text=True,
            timeout=DEADLINE_SECONDS, check=False,
        )  # fmt: skip
    else:
        done = here.relay_server("doctor", "--json", **settings_of(ports, **settings))
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0 if document["ok"] else 1, "")
    return {finding["check"]: finding for finding in document["findings"]}


def mark_of(finding: dict[str, Any]) -> str:
    return str(finding["mark"])


@pytest.fixture
def relay(common_relays: CommonRelays) -> OwnRelay:
    return common_relays.get(**{name.removeprefix("RELAY_").lower(): value for name, value in MODEST.items()})


def test_where_no_relay_runs() -> None:
    found = examine(free_ports(4))
    assert found["relay"]["says"].startswith("none runs here")
    for name in NAMES:
        assert found[f"{name.lower()}_port"]["says"].endswith("- free.")
    for check in ("port_numbers", "receive_buffer", "send_buffer", "open_files"):
        assert mark_of(found[check]) == "ok", found[check]


def test_too_few_descriptors_are_a_problem() -> None:
    found = examine(free_ports(4), RELAY_MAX_TRANSACTIONS="0", RELAY_MAX_TRANSACTIONS_PER_ADDRESS="0")
    assert mark_of(found["open_files"]) == "problem"


def test_beside_a_relay(relay: OwnRelay) -> None:
    with People(relay.relay) as people:
        people.pair(b"demo")
        found = examine(ports_of(relay))
    assert (mark_of(found["relay"]), "2 members" in found["relay"]["says"]) == ("ok", True)
    for name in NAMES:
        finding = found[f"{name.lower()}_port"]
        assert (mark_of(finding), "in use by the relay" in finding["says"]) == ("ok", True), finding
        if sys.platform == "linux":
            assert f"process {relay.process.pid})" in finding["says"]
    assert (mark_of(found["member_addresses"]), mark_of(found["kernel_drops"])) == ("ok", "ok")


def test_a_relay_with_other_settings_is_noticed(relay: OwnRelay) -> None:
    tcp, udp, lobby, ops = ports_of(relay)
    (other,) = free_ports(1)
    found = examine((tcp, other, lobby, ops))
    assert mark_of(found["udp_port"]) == "note"
    assert mark_of(found["port_numbers"]) == "problem"
    found = examine((tcp, udp, lobby, other))
    assert mark_of(found["relay"]) == "note"


def test_members_whose_datagrams_come_from_elsewhere(tmp_path: Path) -> None:
    relay = OwnRelay(tmp_path / "log", MODEST)  # its own: what is counted once is a problem until the relay ends
    with People(relay.relay) as people:
        ann, _ = people.pair(b"demo")
        elsewhere = people.listener(relay.relay.udp_port, "127.0.0.2")
        elsewhere.send(wire.chat(ann.room, ann.token, b"hi"))
        await_metrics(relay, lambda now: now.value("relay_datagrams_dropped_total", reason="address_mismatch") == 1)
        found = examine(ports_of(relay))["member_addresses"]
    assert mark_of(found) == "problem"
    assert "came from another address than the join" in found["says"]
    assert relay.stop() == 0, relay.said()


@pytest.mark.parametrize("banner", [b"", b"220 mail.example.org ESMTP\r\n" * 3], ids=["mute", "talkative"])
def test_somebody_elses_ports(banner: bytes) -> None:
    ports = free_ports(4)
    with ExitStack() as stack:
        stack.enter_context(answering(ports[0], banner))
        stack.enter_context(answering(ports[3], banner))
        stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)).bind(("127.0.0.1", ports[1]))
        found = examine(ports)
    assert [mark_of(found[f"{name.lower()}_port"]) for name in NAMES] == ["problem", "problem", "ok", "problem"]
    assert "in use by another program" in found["tcp_port"]["says"]
    if sys.platform == "linux":
        assert f"process {os.getpid()})" in found["udp_port"]["says"]


@contextmanager
def answering(port: int, banner: bytes) -> Iterator[None]:
    """Have a program that says the same to everybody, and then no more."""
    program = (
        "import socket, sys\n"
        "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "print('there', flush=True)\n"
        "kept = []\n"
        "while True:\n"
        "    kept.append(server.accept()[0])\n"
        "    kept[-1].sendall(bytes.fromhex(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", program, str(port), banner.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == b"there\n"
            yield
        finally:
            process.kill()


def test_for_people(relay: OwnRelay) -> None:
    done = subprocess.run(
        DOCTOR, env=environment(ports_of(relay)), capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    lines = done.stdout.splitlines()
    assert all(line.startswith(("ok  ", "note  ", "problem  ", " " * 9)) for line in lines[:-2])
    assert done.returncode == int(any(line.startswith("problem") for line in lines))
    assert (lines[-2], done.stderr) == ("", "")
    assert "\033" not in done.stdout


@pytest.mark.parametrize(("setting", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_on_a_terminal(setting: dict[str, str], coloured: bool) -> None:
    terminal = environment(free_ports(4)) | {"TERM": "xterm", "NO_COLOR": ""} | setting
    program, *arguments = DOCTOR
    with pexpect.spawn(program, [*arguments], env=terminal, timeout=DEADLINE_SECONDS, encoding="utf-8") as child:
        said = child.read()
    assert "relay: none runs here" in said
    assert ("\033[32mok " in said) is coloured


def test_wrong_settings_get_one_sentence() -> None:
    done = here.relay_server("doctor", **settings_of(free_ports(4), RELAY_TPC_PORT="9000"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("relay-server: RELAY_TPC_PORT is not a setting")


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with network("doctor", 0) as made:
        yield made


@needs_root
def test_a_gateway_that_hides_the_members_addresses(namespace: Namespace) -> None:
    ports = free_ports(4)
    inside, address, gateway = namespace.inside, namespace.address, namespace.gateway
    settings = {"RELAY_HOST": "::", "container": "oci"}
    with subprocess.Popen(
        [*inside, sys.executable, "-m", "relay_server", "run"], env=environment(ports, **settings)
    ) as process:
        try:
            await_port(address, ports[0])
            with People(Relay(address, *ports[:3])) as people:
                people.trio(b"demo")
                found = examine(ports, *inside, **settings)
        finally:
            process.terminate()
    assert found["container"]["says"].startswith(f"on a bridge behind the gateway {gateway}")
    assert mark_of(found["member_addresses"]) == "problem"
    assert f"most likely the gateway's ({gateway})" in found["member_addresses"]["says"]
    assert "network_mode: host" in found["member_addresses"]["advice"]


@contextmanager
def rootless(*arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run the relay's program as in a rootless engine's container: root in there is an ordinary user outside."""
    script = 'echo inside && read -r _ && exec "$@"'
    with subprocess.Popen(
        ["unshare", "--user", "sh", "-c", script, "sh", sys.executable, "-m", "relay_server", *arguments],
        env=environment(free_ports(4), container="oci", **settings),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        try:
            assert process.stdout.readline() == "inside\n"
            Path(f"/proc/{process.pid}/uid_map").write_text("0 1000 1")
            process.stdin.write("go\n")
            process.stdin.flush()
            yield process
        finally:
            process.terminate()


@needs_root
def test_a_rootless_container_is_a_problem() -> None:
    with rootless("doctor", "--json") as process:
        said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    found = {finding["check"]: finding for finding in json.loads(said)["findings"]}
    assert mark_of(found["container"]) == "problem"
    assert found["container"]["says"].startswith("rootless engine")


@needs_root
def test_a_relay_in_a_rootless_container_says_so_at_its_start() -> None:
    with rootless("run", RELAY_LOG_FORMAT="json") as process:
        assert process.stderr
        said = (json.loads(line)["event"] for line in process.stderr)
        assert "addresses_may_be_hidden" in said
