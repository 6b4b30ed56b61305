"""What the doctor finds out of a cluster, at a real NATS with real links."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chatproto import Server
from ports import free_ports
from relay_server.cluster.base import Directory
from relay_server.cluster.nats import Access, NatsDirectory
from relay_server.cluster.nodes import Beat, encode_beat
from relay_server.cluster.vault import Vault
from relay_server.core.counters import ClusterCounters
from relay_server.core.places import Node
from relay_server.doctor import directory as module
from relay_server.doctor.directory import gather_cluster
from relay_server.net.link_port import LinkPort
from relay_server.net.sockets import listen_tcp
from relay_server.settings import Settings
from relay_server.tls.node import make_node_certificate
from services.relay_server.cluster.hearing import Hearing
from services.relay_server.cluster.nats_server import nats_server
from services.relay_server.doctor.sound import make_settings
from services.relay_server.net.loopback import until
from services.relay_server.net.nodes import node_at

SECRET = "s" * 32
RIGHTS = """
authorization { users = [
  { user: all, password: p }
  { user: reader, password: p, permissions: { publish: { deny: "$KV.relay_rooms.doctor.>" } } }
] }
"""


def settings_for(url: str) -> Settings:
    return make_settings(cluster_url=url, cluster_key=SECRET, node_name="alpha", node_address="127.0.0.1:1")


@asynccontextmanager
async def beating(directory: Directory, *beats: bytes) -> AsyncIterator[Hearing]:
    """Beat as other nodes do."""
    hearing = Hearing()
    await directory.start("beta", hearing)
    await until(lambda: directory.is_connected and hearing.caught_up)

    async def beat() -> None:
        while True:
            for data in beats:
                await directory.beat(data)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(beat())
    try:
        yield hearing
    finally:
        task.cancel()
        await asyncio.wait([task])
        await directory.close()


def beat_of(node: Node, secret: str = SECRET, late_seconds: float = 0.0) -> bytes:
    return encode_beat(Beat(node, 1, time.time() - late_seconds), Vault(secret).beats)


@pytest.mark.slow
def test_nodes_are_heard_and_visited_and_rights_are_tried(tmp_path: Path) -> None:
    async def scenario() -> None:
        with nats_server(tmp_path, RIGHTS) as server:
            certificate, counters = make_node_certificate(), ClusterCounters()
            port = LinkPort(
                certificate, Vault(SECRET).links_key, node="beta", rooms=lambda: 0,
                carry=lambda *_: None, counters=counters,
            )  # fmt: skip
            sock = listen_tcp("127.0.0.1", 0)
            number = sock.getsockname()[1]
            port.start(sock)
            beta = node_at(number, certificate.fingerprint, name="beta")
            beta = replace(beta, server=Server(f"127.0.0.1:{number}"), version="1.2.3")
            gone = replace(beta, name="gone", link_fingerprint="ab" * 32, server=Server("127.0.0.1:1"))
            directory = NatsDirectory(Access((server.address,), user="all", password="p"))
            beats = beat_of(beta), beat_of(gone), beat_of(replace(beta, name="alpha")), beat_of(beta, "t" * 32)
            async with beating(directory, *beats, beat_of(beta, late_seconds=60)) as hearing:
                facts = await gather_cluster(settings_for(f"nats://all:p@{server.address}"))
                assert hearing.entries
                assert not hearing.values  # what the doctor tried is gone again
            port.close()
            assert facts.is_connected
            assert (facts.name, facts.host, facts.host_addresses) == ("alpha", "127.0.0.1", ("127.0.0.1",))
            assert (facts.missing_rights, facts.reasons) == ((), ())
            assert facts.namesakes == (f"127.0.0.1:{number}",)
            assert facts.sharers == ("gone",)
            assert facts.ignored == ("bad_seal", "clock")
            assert {node.name: (node.answers_clients, node.answers_links) for node in facts.nodes} == {
                "beta": (True, True), "gone": (False, False)
            }  # fmt: skip
            assert {node.version for node in facts.nodes} == {"1.2.3"}

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize(("user", "missing"), [("reader", ("write records",)), ("all", ())])
def test_what_nats_doesnt_allow_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    user: str, missing: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "BEATS_SECONDS", 0.05)
    with nats_server(tmp_path, RIGHTS) as server:
        facts = asyncio.run(gather_cluster(settings_for(f"nats://{user}:p@{server.address}")))
    assert facts.is_connected
    assert facts.missing_rights == missing
    assert ["$kv.relay_rooms.doctor." in reason.lower() for reason in facts.reasons] == [True] * bool(missing)
    assert capsys.readouterr() == ("", "")  # what the directory logs is among the reasons


@pytest.mark.slow
def test_a_wrong_password_and_an_absent_server_are_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 1.0)
    with nats_server(tmp_path, RIGHTS) as server:
        facts = asyncio.run(gather_cluster(settings_for(f"nats://all:wrong@{server.address}")))
    assert not facts.is_connected
    assert any("refuses the user and password" in reason for reason in facts.reasons)
    (port,) = free_ports(1)
    facts = asyncio.run(gather_cluster(settings_for(f"nats://127.0.0.1:{port}")))
    assert not facts.is_connected
    assert facts.reasons


def test_a_name_that_doesnt_resolve_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.05)
    settings = settings_for("nats://127.0.0.1:1").model_copy(update={"node_address": "nowhere.invalid:9000"})
    facts = asyncio.run(gather_cluster(settings))
    assert (facts.host, facts.host_addresses) == ("nowhere.invalid", ())
