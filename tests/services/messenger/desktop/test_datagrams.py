"""A UDP port on Qt: what comes through, what is kept away, what is an error and what only looks like one."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from PySide6.QtCore import QObject
from PySide6.QtNetwork import QHostAddress
from pytestqt.qtbot import QtBot

from messenger.desktop.datagrams import Datagrams

WAIT_MILLISECONDS = 20_000
LOOPBACK = QHostAddress("127.0.0.1")


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(WAIT_MILLISECONDS / 1000)
        yield peer


class Port:
    """A port that keeps what it hears."""

    def __init__(self, bot: QtBot, peer: socket.socket) -> None:
        self.heard: list[bytes] = []
        self.errors = 0
        self._bot = bot
        self._parent = QObject()
        remote = (LOOPBACK, peer.getsockname()[1])
        self.datagrams = Datagrams(LOOPBACK, remote, self.heard.append, self._count, parent=self._parent)
        assert self.datagrams.send(b"hello")
        self.address = peer.recvfrom(9)[1]

    def _count(self) -> None:
        self.errors += 1

    def wait_for(self, number: int, *, errors: int = 0) -> None:
        self._bot.waitUntil(lambda: len(self.heard) >= number and self.errors >= errors, timeout=WAIT_MILLISECONDS)

    def close(self) -> None:
        self.datagrams.close()
        self._bot.waitUntil(lambda: not self._parent.children(), timeout=WAIT_MILLISECONDS)


@pytest.fixture
def port(qtbot: QtBot, peer: socket.socket) -> Iterator[Port]:
    with closing(Port(qtbot, peer)) as port:
        yield port


def test_what_is_longer_than_any_legal_datagram_is_passed_over(port: Port, peer: socket.socket) -> None:
    for size in (4096, 4097, 5000, 60_000, 0, 1):
        peer.sendto(bytes(size), port.address)
    port.wait_for(3)
    assert [len(data) for data in port.heard] == [4096, 0, 1]
    assert not port.errors


def test_strangers_are_not_heard(port: Port, peer: socket.socket) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"it's me", port.address)
    peer.sendto(b"hi", port.address)
    port.wait_for(1)
    assert port.heard == [b"hi"]


def test_each_answer_that_nobody_listens_is_an_error(port: Port, peer: socket.socket) -> None:
    peer.close()
    for number in (1, 2):
        assert port.datagrams.send(b"anybody?")
        port.wait_for(0, errors=number)


def test_the_answer_to_an_earlier_datagram_does_not_keep_the_next_from_going_out(
    port: Port, peer: socket.socket
) -> None:
    address = peer.getsockname()
    peer.close()
    assert port.datagrams.send(b"anybody?")  # Qt has no time to hear the answer
    with socket.socket(type=socket.SOCK_DGRAM) as later:
        later.bind(address)
        later.settimeout(WAIT_MILLISECONDS / 1000)
        assert port.datagrams.send(b"hello")
        assert later.recv(9) == b"hello"


def test_what_the_system_does_not_send_is_an_error(port: Port) -> None:
    with pytest.raises(OSError, match="too large"):
        port.datagrams.send(bytes(70_000))


@pytest.mark.parametrize(
    ("local", "remote"), [("192.0.2.1", "127.0.0.1"), (None, "fe80::1%nowhere")], ids=["local", "remote"]
)
def test_addresses_that_cannot_be_used_are_an_error(qtbot: QtBot, local: str | None, remote: str) -> None:
    parent = QObject()
    with pytest.raises(OSError, match=r"[a-z]"):
        Datagrams(
            QHostAddress(local) if local else None,
            (QHostAddress(remote), 9),
            lambda _: None,
            lambda: None,
            parent=parent,
        )
    qtbot.waitUntil(lambda: not parent.children(), timeout=WAIT_MILLISECONDS)


@pytest.mark.parametrize("number", [1, 63, 64, 65, 128, 200])
def test_the_end_of_a_batch_is_no_error(port: Port, peer: socket.socket, number: int) -> None:
    for _ in range(number):
        peer.sendto(b"x", port.address)
    port.wait_for(number)
    peer.sendto(b"y", port.address)
    port.wait_for(number + 1)
    assert not port.errors


def test_a_port_that_is_closed_by_what_it_hears_hears_no_more(qtbot: QtBot, peer: socket.socket) -> None:
    port = Port(qtbot, peer)

    def hear(data: bytes) -> None:
        port.heard.append(data)
        port.datagrams.close()

    port.datagrams._on_datagram = hear
    for _ in range(3):
        peer.sendto(b"x", port.address)
    port.wait_for(1)
    port.close()
    assert port.heard == [b"x"]
