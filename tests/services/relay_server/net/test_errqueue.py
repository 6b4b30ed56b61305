"""The kernel's error queue: only what ICMP brought counts."""

import errno
import socket
import sys
from collections.abc import Iterator

import pytest

from relay_server.net.address import locate
from relay_server.net.errqueue import ask_for_errors, drain_errors
from services.relay_server.net.loopback import address_of, dead_address, udp_peer, wait_until_readable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the error queue is Linux's")


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    """Open a dual-stack socket that hears of errors."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as opened:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.bind(("::", 0))
        opened.setblocking(False)
        ask_for_errors(opened)
        yield opened


def test_an_empty_queue_yields_nothing(sock: socket.socket) -> None:
    assert list(drain_errors(sock)) == []


@pytest.mark.requirement("EVI-03")
@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_every_error_names_its_target_and_quotes_the_payload(sock: socket.socket, ip: str) -> None:
    dead = [dead_address(ip) for _ in range(3)]
    for number, target in enumerate(dead):
        spelled = ip if ":" in ip else f"::ffff:{ip}"
        destination = (spelled, int.from_bytes(target[2:4], "big"))
        try:
            sock.sendto(b"message %d" % number, destination)
        except ConnectionRefusedError:  # the error before it
            sock.sendto(b"message %d" % number, destination)
    wait_until_readable(sock.fileno())
    errors = [error for error in drain_errors(sock) if error is not None]
    assert [(locate(error.target).remote, error.quoted) for error in errors] == [
        (locate(target).remote, b"message %d" % number) for number, target in enumerate(dead)
    ]
    assert list(drain_errors(sock)) == []


def test_an_error_of_this_machine_itself_is_none(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_IPV6, 23, 2)  # IPV6_MTU_DISCOVER = IPV6_PMTUDISC_DO: never fragment
    with udp_peer("::1") as peer:
        sock.setsockopt(socket.IPPROTO_IPV6, 24, 1280)  # IPV6_MTU
        with pytest.raises(OSError, match="too long") as caught:
            sock.sendto(b"x" * 4096, ("::1", int.from_bytes(address_of(peer)[2:4], "big")))
        assert caught.value.errno == errno.EMSGSIZE
    assert list(drain_errors(sock)) == [None]
