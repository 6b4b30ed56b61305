"""Sockets as a relay needs them; what can't be had is said in one sentence."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from relay_server.core.address import parse_ip
from relay_server.net.sockets import ListenError, bind_udp, is_wildcard, listen_tcp, own_ip
from services.relay_server.net.loopback import DEADLINE_SECONDS, port_of, udp_peer, wait_until_readable

FIRST_FREE_PORT = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
BUFFER_BYTES = 2**16
LISTEN: list[Callable[[str, int], socket.socket]] = [listen_tcp, partial(bind_udp, buffer_bytes=BUFFER_BYTES)]


@contextmanager
def without_rights() -> Iterator[None]:
    """Give root's rights away for a moment, if we have them."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def assert_one_sentence(error: pytest.ExceptionInfo[ListenError]) -> None:
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert ": " in text  # what is wrong: what to do


@pytest.mark.parametrize("host", ["", "*", "::", "0.0.0.0"])
def test_these_hosts_mean_every_address(host: str) -> None:
    assert is_wildcard(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "0.0.0.1"])
def test_other_hosts_do_not(host: str) -> None:
    assert not is_wildcard(host)


@pytest.mark.parametrize(
    ("host", "clients"),
    [
        ("::", ["127.0.0.1", "127.0.0.2", "::1"]),
        ("*", ["127.0.0.1", "::1"]),
        ("", ["127.0.0.1", "::1"]),
        ("0.0.0.0", ["127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1"]),
        ("::1", ["::1"]),
        ("localhost", []),
    ],
)
def test_both_kinds_listen_where_they_are_told(host: str, clients: list[str]) -> None:
    with listen_tcp(host, 0) as tcp, bind_udp(host, 0, BUFFER_BYTES) as udp:
        assert not tcp.getblocking()
        assert not udp.getblocking()
        for client in clients:
            with socket.create_connection((client, port_of(tcp)), timeout=DEADLINE_SECONDS) as connection:
                wait_until_readable(tcp.fileno())
                tcp.accept()[0].close()
                assert connection.getpeername()[0] == client
            with udp_peer(client) as peer:
                peer.sendto(b"hello", (client, port_of(udp)))
                wait_until_readable(udp.fileno())
                assert udp.recv(100) == b"hello"


def test_a_busy_port_is_named() -> None:
    with listen_tcp("127.0.0.1", 0) as tcp, pytest.raises(ListenError, match="is in use") as caught:
        listen_tcp("127.0.0.1", port_of(tcp))
    assert f"TCP port {port_of_error(caught)} on 127.0.0.1" in str(caught.value)
    assert_one_sentence(caught)
    with bind_udp("::", 0, BUFFER_BYTES) as udp, pytest.raises(ListenError, match="is in use") as caught:
        bind_udp("::", port_of(udp), BUFFER_BYTES)
    assert f"UDP port {port_of_error(caught)} on ::" in str(caught.value)
    assert_one_sentence(caught)


def port_of_error(caught: pytest.ExceptionInfo[ListenError]) -> int:
    return int(str(caught.value).split()[2])


@pytest.mark.parametrize(
    "host", ["no-such-host.invalid", "192.0.2.1", "2001:db8::1", "1.2.3", "a..b", "a" * 70, "fe80::1%nowhere", "a b"]
)
def test_a_host_that_is_none_of_ours_is_named(host: str) -> None:
    for listen in LISTEN:
        with pytest.raises(ListenError, match="check the host") as caught:
            listen(host, 0)
        assert f"on {host} " in str(caught.value)
        assert_one_sentence(caught)


@pytest.mark.skipif(
    not FIRST_FREE_PORT.exists() or int(FIRST_FREE_PORT.read_text()) <= 80,
    reason="this machine lets everybody have low ports",
)
def test_a_low_port_needs_rights() -> None:
    with without_rights():
        for listen in LISTEN:
            with pytest.raises(ListenError, match="choose a port from 1024 up") as caught:
                listen("127.0.0.1", 80)
            assert_one_sentence(caught)


@pytest.mark.requirement("CON-04")
def test_buffers_are_as_large_as_the_kernel_grants() -> None:
    with without_rights(), bind_udp("127.0.0.1", 0, 2**30) as much, bind_udp("127.0.0.1", 0, 2**14) as little:
        granted = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for sock in (much, little)]
    assert granted[0] > granted[1] >= 2**14


def test_a_port_can_be_listened_on_again_at_once() -> None:
    with listen_tcp("127.0.0.1", 0) as tcp:
        port = port_of(tcp)
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS) as connection:
            wait_until_readable(tcp.fileno())
            tcp.accept()[0].close()  # our side ends first, so the port lingers
            assert connection.recv(1) == b""
    listen_tcp("127.0.0.1", port).close()


@pytest.mark.parametrize(
    ("host", "ips"),
    [
        ("::", {None}),
        ("", {None}),
        ("127.0.0.1", {parse_ip("127.0.0.1")}),
        ("localhost", {parse_ip("127.0.0.1"), parse_ip("::1")}),
        ("::1", {parse_ip("::1")}),
        ("no such host", {None}),
    ],
)
def test_a_host_tells_which_address_its_sockets_are_bound_to(host: str, ips: set[bytes | None]) -> None:
    assert own_ip(host) in ips
