"""Sockets that another process opened: taken if they are what the settings want, closed otherwise."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ports import free_ports
from relay_server.inherited import MAX_DESCRIPTORS, Inherited, Wanted
from relay_server.listening import open_sockets
from relay_server.net.sockets import ListenError, bind_udp, listen_tcp
from relay_server.net.supervisor import NAMES
from relay_server.settings import Settings
from services.relay_server.net.loopback import DEADLINE_SECONDS, port_of, udp_peer, wait_until_readable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has systemd")
HOST = "127.0.0.1"
BUFFER_BYTES = 2**16

CHILD = """
import json, os, sys
from fcntl import F_DUPFD, fcntl
from relay_server.inherited import Inherited

given, variables, own = json.loads(sys.argv[1])
high = [fcntl(number, F_DUPFD, 100) for number in given]
for number, descriptor in enumerate(high, 3):
    os.dup2(descriptor, number)
    os.close(descriptor)
environ = variables | ({"LISTEN_PID": str(os.getpid())} if own else {})
inherited = Inherited.from_supervisor(environ)
found = [(name, sock.fileno(), sock.getsockname()[1]) for name, sock in inherited._sockets]
is_open = [os.path.exists(f"/proc/self/fd/{number}") for number in range(3, 3 + len(given))]
print(json.dumps([found, sorted(environ), is_open]))
"""


def inherit(descriptors: list[int], own: bool = True, **variables: str) -> Any:
    """Let a process of its own inherit them from number 3 on.

    Returns which sockets it takes (name, number, port), which variables are left, and what is still open.
    """
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps([descriptors, variables, own])],
        pass_fds=descriptors, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True,
    )  # fmt: skip
    assert not done.stderr
    return json.loads(done.stdout)


def test_a_process_takes_what_the_supervisor_passes_to_it() -> None:
    with listen_tcp(HOST, 0) as tcp, bind_udp(HOST, 0, BUFFER_BYTES) as udp:
        found, left, is_open = inherit([tcp.fileno(), udp.fileno()], LISTEN_FDS="2", LISTEN_FDNAMES="tcp:udp", A="b")
        assert found == [["tcp", 3, port_of(tcp)], ["udp", 4, port_of(udp)]]
        assert (left, is_open) == (["A"], [True, True])


def test_what_has_no_name_or_is_no_socket_is_left_out() -> None:
    reader, writer = os.pipe()
    try:
        with listen_tcp(HOST, 0) as tcp:
            numbers = [writer, tcp.fileno(), reader]
            found, left, is_open = inherit(numbers, LISTEN_FDS="4", LISTEN_FDNAMES="udp")
            assert found == [["unknown", 4, port_of(tcp)]]
            assert (left, is_open) == ([], [False, True, False])
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("count", ["", "-1", "two", "²", str(MAX_DESCRIPTORS + 1)])
def test_a_count_that_is_none_means_nothing(count: str) -> None:
    with listen_tcp(HOST, 0) as tcp:
        assert inherit([tcp.fileno()], LISTEN_FDS=count, LISTEN_FDNAMES="tcp") == [[], [], [True]]


@pytest.mark.parametrize("pid", [{}, {"LISTEN_PID": "1"}, {"LISTEN_PID": "x"}], ids=["none", "another", "no number"])
def test_descriptors_for_another_process_are_left_alone(pid: dict[str, str]) -> None:
    with listen_tcp(HOST, 0) as tcp:
        found = inherit([tcp.fileno()], own=False, LISTEN_FDS="1", LISTEN_FDNAMES="tcp", **pid)
        assert found == [[], [], [True]]


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as ends:
        yield ends


def of_another_type(port: int) -> socket.socket:
    return bind_udp(HOST, port, BUFFER_BYTES)


def of_one_family(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind((HOST, port))
    sock.listen()
    return sock


def that_does_not_listen(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind((f"::ffff:{HOST}", port))
    return sock


def at_another_address(port: int) -> socket.socket:
    return listen_tcp("127.0.0.2", port)


def at_every_address(port: int) -> socket.socket:
    return listen_tcp("::", port)


def at_another_port(_: int) -> socket.socket:
    return listen_tcp(HOST, 0)


def of_this_machine(_: int) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind("")
    sock.listen()
    return sock


@pytest.mark.parametrize(
    "foreign",
    [
        of_another_type, of_one_family, that_does_not_listen, at_another_address, at_every_address, at_another_port,
        of_this_machine,
    ],
)  # fmt: skip
def test_a_socket_that_is_not_wanted_is_closed_and_forgotten(foreign: Callable[[int], socket.socket]) -> None:
    (port,) = free_ports(1)
    forgotten: list[str] = []
    with foreign(port) as sock:
        inherited = Inherited([("tcp", sock)], forgotten.extend)
        assert inherited.choose({"tcp": Wanted(socket.SOCK_STREAM, HOST, port)}) == {}
        assert (sock.fileno(), forgotten) == (-1, ["tcp"])


def test_an_ipv6_socket_without_ipv4_is_not_wanted() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("::", 0))
        sock.listen()
        assert Inherited([("tcp", sock)]).choose({"tcp": Wanted(socket.SOCK_STREAM, "::", port_of(sock))}) == {}


def test_of_two_of_a_name_the_one_that_fits_is_taken() -> None:
    forgotten: list[str] = []
    with listen_tcp(HOST, 0) as old, listen_tcp(HOST, 0) as new, listen_tcp(HOST, 0) as other:
        inherited = Inherited([("tcp", old), ("tcp", new), ("web", other)], forgotten.extend)
        assert inherited.choose({"tcp": Wanted(socket.SOCK_STREAM, HOST, port_of(new))}) == {"tcp": new}
        assert [old.fileno(), other.fileno()] == [-1, -1]
    assert sorted(forgotten) == ["tcp", "web"]


@pytest.mark.parametrize("host", ["::", "", "*", "0.0.0.0", "127.0.0.1", "::1", "localhost"])
def test_what_the_relay_opened_itself_fits(host: str) -> None:
    with listen_tcp(host, 0) as tcp, bind_udp(host, 0, BUFFER_BYTES) as udp:
        tcp.setblocking(True)
        wanted = {
            "tcp": Wanted(socket.SOCK_STREAM, host, port_of(tcp)),
            "udp": Wanted(socket.SOCK_DGRAM, host, port_of(udp)),
        }
        assert Inherited([("tcp", tcp), ("udp", udp)]).choose(wanted) == {"tcp": tcp, "udp": udp}
        assert not tcp.getblocking()


def test_a_name_that_is_not_found_fits_nothing() -> None:
    with listen_tcp(HOST, 0) as tcp:
        wanted = {"tcp": Wanted(socket.SOCK_STREAM, "no-such-host.invalid", port_of(tcp))}
        assert Inherited([("tcp", tcp)]).choose(wanted) == {}


def settings(tmp_path: Path, **changes: object) -> Settings:
    names = ("tcp_port", "udp_port", "lobby_port", "ops_port", "web_port", "link_port")
    fixed: dict[str, object] = {"host": HOST, "admin_socket": str(tmp_path / "admin.sock"), "cluster_url": "nats://one"}
    return Settings(**fixed | dict(zip(names, free_ports(6), strict=True)) | changes)  # type: ignore[arg-type]


def test_a_relay_gives_each_socket_its_name(tmp_path: Path, ends: ExitStack) -> None:
    chosen = settings(tmp_path)
    sockets = open_sockets(chosen)
    for sock in sockets.by_name.values():
        ends.enter_context(sock)
    assert sockets.admin
    ends.enter_context(sockets.admin.sock)
    ports = {"tcp": chosen.tcp_port, "udp": chosen.udp_port, "lobby": chosen.lobby_port, "ops": chosen.ops_port}
    ports |= {"link": chosen.link_port, "web": chosen.web_port}
    assert {name: port_of(sock) for name, sock in sockets.by_name.items()} == ports
    assert sorted(NAMES) == sorted(ports)


def test_a_relay_uses_what_fits_and_opens_the_rest(tmp_path: Path, ends: ExitStack) -> None:
    chosen = settings(tmp_path, cluster_url="", web_port=0, ops_port=0, admin_socket="")
    udp = ends.enter_context(bind_udp(HOST, chosen.udp_port, BUFFER_BYTES))
    elsewhere = ends.enter_context(bind_udp(HOST, 0, BUFFER_BYTES))
    with udp_peer() as peer:
        peer.sendto(b"said meanwhile", udp.getsockname()[:2])
        peer_port = port_of(peer)
    before = udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    sockets = open_sockets(chosen, Inherited([("udp", udp), ("lobby", elsewhere), ("tcp", elsewhere.dup())]))
    for sock in sockets.by_name.values():
        ends.enter_context(sock)
    rooms, lobby = sockets.udp
    assert rooms is udp
    assert rooms.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > before  # as the settings want it
    wait_until_readable(rooms.fileno())
    data, source = rooms.recvfrom(100)
    assert (data, source[1]) == (b"said meanwhile", peer_port)
    assert (port_of(lobby), port_of(sockets.tcp)) == (chosen.lobby_port, chosen.tcp_port)


def test_ports_may_change_places(tmp_path: Path, ends: ExitStack) -> None:
    """What is kept by the wrong name is in the way of nobody, for all of it is closed before anything is opened."""
    chosen = settings(tmp_path, cluster_url="", web_port=0, ops_port=0, admin_socket="")
    udp = bind_udp(HOST, chosen.lobby_port, BUFFER_BYTES)
    lobby = bind_udp(HOST, chosen.udp_port, BUFFER_BYTES)
    sockets = open_sockets(chosen, Inherited([("udp", udp), ("lobby", lobby)]))
    for sock in sockets.by_name.values():
        ends.enter_context(sock)
    assert [port_of(sock) for sock in sockets.udp] == [chosen.udp_port, chosen.lobby_port]


def test_a_start_that_fails_closes_what_was_inherited(tmp_path: Path) -> None:
    chosen = settings(tmp_path, cluster_url="", web_port=0, ops_port=0, admin_socket="")
    udp = bind_udp(HOST, chosen.udp_port, BUFFER_BYTES)
    with listen_tcp(HOST, chosen.tcp_port), pytest.raises(ListenError, match="is in use"):
        open_sockets(chosen, Inherited([("udp", udp)]))
    assert udp.fileno() == -1
