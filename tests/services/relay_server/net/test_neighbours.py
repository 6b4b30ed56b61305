"""What the kernel's table of neighbours tells about hosts that don't answer."""

import socket
import struct
import sys

import pytest

from relay_server.core.address import parse_ip
from relay_server.core.endpoint import Host
from relay_server.net.neighbours import messages, unresolved_host, unresolved_hosts

INCOMPLETE, REACHABLE, STALE, FAILED, NO_ARP = 0x01, 0x02, 0x04, 0x20, 0x40
BRIDGE = 7


def entry(state: int, ip: str, interface: int = 2, family: int | None = None) -> bytes:
    """Lay out an entry of the table: what it is about comes after another attribute of odd size."""
    kind = socket.AF_INET6 if ":" in ip else socket.AF_INET
    raw = socket.inet_pton(kind, ip)
    head = struct.pack("=BBHiHBB", family or kind, 0, 0, interface, state, 0, 1)
    return head + struct.pack("=HH", 5, 9) + b"x\0\0\0" + struct.pack("=HH", 4 + len(raw), 1) + raw


def host(ip: str, scope: int = 0) -> Host:
    return Host(parse_ip(ip), scope)


@pytest.mark.parametrize("ip", ["192.0.2.7", "2001:db8::7"])
@pytest.mark.parametrize(
    ("state", "unresolved"),
    [(INCOMPLETE, True), (FAILED, True), (REACHABLE, False), (STALE, False), (NO_ARP, False), (0, False)],
)
def test_who_has_no_link_address_is_unresolved(state: int, unresolved: bool, ip: str) -> None:
    assert unresolved_host(entry(state, ip, interface=1)) == (host(ip) if unresolved else None)


def test_a_link_local_address_is_told_apart_by_its_link() -> None:
    assert unresolved_host(entry(FAILED, "fe80::1", interface=3)) == host("fe80::1", 3)


def test_what_is_no_address_of_ours_is_passed_over() -> None:
    assert unresolved_host(entry(FAILED, "192.0.2.7", family=BRIDGE)) is None
    assert unresolved_host(entry(FAILED, "192.0.2.7")[:20]) is None


def test_messages_are_found_whatever_their_sizes() -> None:
    bodies = [b"", b"x", b"four", b"x" * 13]
    data = b"".join(
        (struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body).ljust(-(-(16 + len(body)) // 4) * 4, b"\0")
        for kind, body in enumerate(bodies)
    )
    assert list(messages(data)) == list(enumerate(bodies))
    assert list(messages(struct.pack("=IHHII", 0, 3, 0, 1, 0) + b"short")) == [(3, b"")]


def test_this_machines_table_can_be_read() -> None:
    hosts = unresolved_hosts()
    assert all(len(one.ip) == 16 for one in hosts)
    assert host("127.0.0.1") not in hosts
    assert host("::1") not in hosts


def test_a_sandbox_without_such_sockets_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("the table is Linux's")
    monkeypatch.setattr(socket, "AF_NETLINK", 9999)  # no kernel has this family
    assert unresolved_hosts() == frozenset()
