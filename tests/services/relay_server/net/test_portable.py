"""The portable socket where it differs from the batch calls: families, and no error queue."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from relay_server.core.address import parse_ip
from relay_server.net.address import make_address, pack_targets
from relay_server.net.portable import PortableSocket
from relay_server.net.sending import Sent
from services.relay_server.net.loopback import address_of, dead_address, udp_peer, wait_until_readable


@pytest.fixture
def ipv4() -> Iterator[PortableSocket]:
    """Bind as on a kernel without IPv6."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    raw.bind(("127.0.0.1", 0))
    raw.setblocking(False)
    chat = PortableSocket(raw)
    yield chat
    chat.close()


def test_a_socket_of_ipv4_alone_has_the_same_addresses(ipv4: PortableSocket) -> None:
    with udp_peer() as peer:
        peer.sendto(b"hello", ipv4._sock.getsockname())
        wait_until_readable(ipv4.fileno())
        assert ipv4.receive() == [(b"hello", address_of(peer))]
        assert ipv4.send([(b"answer", pack_targets([address_of(peer)]), 0)]) == Sent(1, 6, [])
        assert peer.recv(100) == b"answer"


def test_a_socket_of_ipv4_alone_cannot_reach_ipv6(ipv4: PortableSocket) -> None:
    target = make_address(parse_ip("::1"), 9)
    copies, volume, (error,) = ipv4.send([(b"hello", pack_targets([target]), 0)])
    assert (copies, volume, error.target, error.payload) == (0, 0, target, b"hello")


def test_nobody_learns_of_dead_ports(ipv4: PortableSocket) -> None:
    with udp_peer() as peer:
        row = pack_targets([dead_address(), address_of(peer)])
        for _ in range(10):
            assert ipv4.send([(b"hello", row, 0)]) == Sent(2, 10, [])
            assert peer.recv(100) == b"hello"
        assert ipv4.receive() == []
        assert list(ipv4.undelivered()) == []


@pytest.mark.slow
def test_a_relay_needs_no_batch_calls_of_the_c_library() -> None:
    """As on macOS: whatever serves datagrams is loaded, and nothing looks for recvmmsg."""
    code = "import ctypes; ctypes.CDLL = None; import relay_server.parts, relay_server.net.udp"
    subprocess.run([sys.executable, "-c", code], check=True)
