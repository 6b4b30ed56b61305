"""Datagrams from addresses that aren't ours, and a look at what comes back to those."""

import ctypes
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from e2e.namespaces import DEADLINE_SECONDS, Namespace, network

_ETH_P_IP: Final = 0x0800
_IP_HEADER_BYTES: Final = 20
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def strange_network(subnet: int) -> Iterator[Namespace]:
    """Make a network (see `e2e.namespaces.network`) to which all of 198.18.SUBNET.x belongs, and large packets fit."""
    with network(f"far{subnet}", subnet) as made:
        for words in (
            f"route add 198.18.{subnet}.0/24 via {made.address}",
            f"link set {made.outer} mtu 9000",
            f"-n {made.name} link set eth0 mtu 9000",
        ):
            _ip(*words.split())
        yield made


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True, capture_output=True, timeout=DEADLINE_SECONDS)


@contextmanager
def entered(network: Namespace) -> Iterator[None]:
    """Let this thread open its sockets in another network; those open already stay where they are."""
    there = open_network(network)
    try:
        with within_network(there):
            yield
    finally:
        os.close(there)


def open_network(network: Namespace) -> int:
    """Return a descriptor of a network, which keeps it for as long as it is open."""
    return os.open(Path("/run/netns") / network.name, os.O_RDONLY)


@contextmanager
def within_network(there: int) -> Iterator[None]:
    """Let this thread be in the network of a descriptor."""
    home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
    try:
        _set_namespace(there)
        try:
            yield
        finally:
            _set_namespace(home)
    finally:
        os.close(home)


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, 0):
        raise OSError(ctypes.get_errno(), "the network can't be entered")


def udp_packet(source: tuple[str, int], target: tuple[str, int], payload: bytes) -> bytes:
    """Lay out an IPv4 packet with a datagram; the kernel fills in the IP header's length and checksum."""
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload
    return ip_header(source[0], target[0], len(udp)) + udp


def ip_header(source: str, target: str, size: int, *, number: int = 0, fragment: int = 0) -> bytes:
    """Lay out an IPv4 header for a UDP packet of ``size`` bytes."""
    return struct.pack(
        "!BBHHHBBH4s4s",
        0x45, 0, _IP_HEADER_BYTES + size, number, fragment, 64, socket.IPPROTO_UDP, 0,
        socket.inet_aton(source), socket.inet_aton(target),
    )  # fmt: skip


def raw_socket(network: Namespace) -> socket.socket:
    """Open a socket that sends whole IP packets from a network."""
    with entered(network):
        return raw_socket_here()


def raw_socket_here() -> socket.socket:
    """Open a socket that sends whole IP packets from this machine."""
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


class Answers:
    """Sees every IPv4 packet that comes into a network."""

    def __init__(self, network: Namespace) -> None:
        with entered(network):
            self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
        self._sock.bind(("eth0", _ETH_P_IP))
        self._sock.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sock.close()

    def packets(self) -> list[bytes]:
        """Return what has come since the last time, as far as the socket holds it."""
        found = []
        try:
            while True:
                found.append(self._sock.recv(65_535))
        except BlockingIOError:
            return found
