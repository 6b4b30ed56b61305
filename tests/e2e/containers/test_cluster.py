"""Three relays and their directory as the compose file of a cluster brings them: one room for people at all of them."""

import random
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from conformance.people import People
from conformance.relays import Relay
from e2e.containers import engine
from e2e.containers.engine import Images
from e2e.containers.project import Project
from e2e.containers.stage import ChatProcess
from e2e.containers.waiting import eventually

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]

NODES: Final = ("relay", "relay-2", "relay-3")
FILE: Final = "deploy/compose/cluster.yaml"
ROOM: Final = "atrium"


class Cluster(Project):
    """The project with three nodes, each of which this machine reaches at an address of its own."""

    def __init__(self, directory: Path, images: Images) -> None:
        self._network = f"10.214.{random.randrange(256)}"
        super().__init__(directory, images, (FILE,), CLUSTER_NETWORK=self._network)
        subprocess.run([directory / "deploy/compose/cluster-secrets.sh"], check=True, capture_output=True)

    def node(self, name: str) -> Relay:
        host = f"{self._network}.{11 + NODES.index(name)}"
        return Relay(host, self.relay.tcp_port, self.relay.udp_port, self.relay.lobby_port)

    def kill(self, name: str) -> None:
        (container,) = self.containers(name)
        engine.docker("kill", str(container.ID))


@pytest.fixture(scope="module")
def cluster(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Bring the network up once for the tests below; the last of them kills a node."""
    with Cluster(tmp_path_factory.mktemp("cluster"), images) as cluster:
        cluster.up()
        yield cluster


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def somebody(stack: ExitStack, cluster: Cluster, log: Path, verb: str, name: str, node: str) -> ChatProcess:
    at = cluster.node(node)
    server = f"{at.host}:{at.tcp_port}"
    person = stack.enter_context(ChatProcess(log / name, verb, ROOM, "--name", name, "--server", server, "--stay"))
    person.is_told(ROOM)
    return person


def test_everything_is_up_and_healthy(cluster: Cluster) -> None:
    states = {(container.Service, container.State, container.Health) for container in cluster.containers()}
    assert states == {(service, "running", "healthy") for service in cluster.expected_services()}
    assert cluster.expected_services() >= {*NODES, "nats", "bot", "prometheus"}


def test_no_container_has_rights_or_more_than_it_needs(cluster: Cluster) -> None:
    for container in cluster.containers():
        assert container.ID
        engine.check_rights(container.ID, str(container.Service))


def test_nobody_but_the_nodes_reaches_the_directory(cluster: Cluster) -> None:
    (nats,) = cluster.containers("nats")
    assert not [publisher for publisher in nats.Publishers or [] if publisher.PublishedPort]
    ask = "import socket; socket.create_connection(('nats', 4222), 2).close()"
    for name in NODES:
        assert cluster.run("exec", "-T", name, "python3", "-c", ask).returncode == 0
    refused = cluster.run("exec", "-T", "bot", "python3", "-c", ask)
    assert "gaierror" in refused.stderr


def test_prometheus_sees_each_node(cluster: Cluster) -> None:
    relays = [("relay", "relay", "up")] * len(NODES)
    eventually(
        lambda: [one for one in cluster.targets() if one[0] == "relay"] == relays, lambda: str(cluster.targets())
    )
    eventually(lambda: cluster.query("relay_cluster_nodes == 3") == [3.0] * 3, cluster.said)
    eventually(lambda: cluster.query("relay_cluster_connected == 1") == [1.0] * 3, cluster.said)


def test_bots_at_all_nodes_are_in_one_room(cluster: Cluster, stack: ExitStack, tmp_path: Path) -> None:
    at = cluster.node("relay-3")
    arguments = ("join", "demo", "--name", "me", "--server", f"{at.host}:{at.tcp_port}", "--stay")
    me = stack.enter_context(ChatProcess(tmp_path / "me", *arguments))
    assert me.hears("Welcome!").startswith("Hana-")  # who is at the first node
    assert me.hears("bot-").startswith("bot-")  # at the second
    me.say("hello, is anybody here?")
    me.hears("Milo-")


def test_people_at_all_nodes_chat_and_are_back_when_one_is_killed(
    cluster: Cluster, stack: ExitStack, tmp_path: Path
) -> None:
    ann = somebody(stack, cluster, tmp_path, "create", "ann", "relay")
    ben = somebody(stack, cluster, tmp_path, "join", "ben", "relay-2")
    cho = somebody(stack, cluster, tmp_path, "join", "cho", "relay-3")
    dan = stack.enter_context(People(cluster.node("relay-3"))).join(ROOM.encode(), b"dan")  # a plain client
    dan.say(b"hello from plain three")
    for other in (ann, ben, cho):
        assert other.hears("plain three") == "dan: hello from plain three"
    ben.say("hello from two")
    for other in (ann, cho):
        assert other.hears("hello from two") == "ben: hello from two"
    assert dan.receive_until(lambda data: data == b"ben: hello from two")
    cluster.kill("relay")
    for person in (ann, ben, cho):  # who says nothing notices by its next keep-alive
        person.is_told("Moved to another server")
    ben.say("is anybody left?")
    for other in (ann, cho):
        assert other.hears("anybody left") == "ben: is anybody left?"
    ann.say("I am")
    for other in (ben, cho):
        assert other.hears("I am") == "ann: I am"
    ann.say("/topic still mine")  # she is the host still
    ben.is_told("still mine")
    newcomer = stack.enter_context(People(cluster.node("relay-2"))).join(ROOM.encode(), b"eve")
    newcomer.say(b"so here you are")
    ann.hears("eve: so here you are")


def test_the_killed_node_comes_back_without_the_room(cluster: Cluster) -> None:
    cluster.up("relay")
    eventually(lambda: cluster.query("relay_cluster_nodes == 3") == [3.0] * 3, cluster.said)
