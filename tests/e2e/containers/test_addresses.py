"""A token is good from its own address only: what another container sends with it goes nowhere (UDP-02)."""

from collections.abc import Callable, Iterator

import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from conformance import wire
from conformance.people import People
from e2e.containers.engine import Images
from e2e.containers.stage import HARDENED, RELAY_NAME, RelayContainer
from e2e.relay_metrics import await_metrics

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]

SEND = """\
import socket, sys
name, port, datagram = sys.argv[1:]
socket.socket(type=socket.SOCK_DGRAM).sendto(bytes.fromhex(datagram), (name, int(port)))
"""
JOIN_AND_TELL = """\
import socket, sys
name, port, request = sys.argv[1:]
with socket.create_connection((name, int(port))) as connection:
    connection.sendall(bytes.fromhex(request))
    print(connection.makefile("rb").read().hex())
"""


@pytest.fixture
def run_elsewhere(images: Images, network: Network) -> Iterator[Callable[..., str]]:
    """Run Python code in a container with an address of its own, and return what it prints."""
    elsewhere = DockerContainer(images.client, network=network).with_command(["sleep", "infinity"])
    with elsewhere.with_kwargs(**HARDENED):

        def run(code: str, *arguments: str) -> str:
            done = elsewhere.exec(["python", "-c", code, *arguments])
            assert done.exit_code == 0, done.output.decode()
            return done.output.decode()

        yield run


def test_another_containers_address_is_no_members(
    relay: RelayContainer, people: People, run_elsewhere: Callable[..., str]
) -> None:
    ann, bob = people.pair(b"demo")
    run_elsewhere(SEND, RELAY_NAME, "9001", wire.chat(b"demo", ann.token, b"I am ann, am I not?").hex())
    counted = await_metrics(
        relay, lambda now: now.value("relay_datagrams_dropped_total", reason="address_mismatch") == 1
    )
    counted.check_books()
    assert bob.heard_messages(after=ann) == []
    ann.say(b"I am ann, am I not?")
    assert bob.hear() == b"ann: I am ann, am I not?"


def test_what_a_container_may_another_machine_may_not(
    relay: RelayContainer, people: People, run_elsewhere: Callable[..., str]
) -> None:
    ann = people.create(b"demo", b"ann")
    request = wire.frame(wire.JOIN, wire.REQUEST, b"demo", b"bob")
    answer = bytes.fromhex(run_elsewhere(JOIN_AND_TELL, RELAY_NAME, "9000", request.hex()))
    token = answer[-22:]
    ann.await_notice(b"bob joined")
    spoken = wire.chat(b"demo", token, b"I am bob")
    stranger = people.listener(relay.relay.udp_port, people.local)
    stranger.send(spoken)
    await_metrics(relay, lambda now: now.value("relay_datagrams_dropped_total", reason="address_mismatch") == 1)
    assert ann.waiting() == []
    run_elsewhere(SEND, RELAY_NAME, "9001", spoken.hex())
    assert ann.hear() == b"bob: I am bob"
