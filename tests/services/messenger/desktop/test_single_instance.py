"""A link that is opened elsewhere comes to the window that is there."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from messenger.core.invite import Invite, parse_invite
from messenger.desktop.single_instance import SingleInstance, hand_over

LINK = parse_invite("chats://relay.example:7000/tea")
SECONDS = 20.0
RINGER = """
import sys
from pathlib import Path
from messenger.core.invite import parse_invite
from messenger.desktop.single_instance import hand_over
sys.exit(not hand_over(Path(sys.argv[1]), parse_invite(sys.argv[2])))
"""

STRANGER = """
import socket, sys
with socket.socket(socket.AF_UNIX) as bell:
    bell.bind(sys.argv[1])
    bell.listen()
    print("ready", flush=True)
    visitor, _ = bell.accept()
    print(visitor.recv(1000).decode(), end="", flush=True)
    visitor.sendall(b"no" + bytes([10]))
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="elsewhere it is no file that could be looked at")


class Bell:
    """The first window's; and what it was told."""

    def __init__(self, bot: QtBot, path: Path) -> None:
        self.told: list[Invite] = []
        self.path = path
        self._bot = bot
        self.instance = SingleInstance(path)
        self.instance.invited.connect(self.told.append)

    def ring(self) -> bool:
        """Hand a link over, as a program does that is started with it."""
        with subprocess.Popen([sys.executable, "-c", RINGER, os.fspath(self.path), LINK.link]) as ringer:
            self._bot.waitUntil(lambda: ringer.poll() is not None, timeout=round(SECONDS * 1000))
        return ringer.returncode == 0

    def send(self, *pieces: bytes) -> bytes:
        """Send bytes, each after the window has had time for those before; returns what it answers."""
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(os.fspath(self.path))
            visitor.setblocking(False)
            for piece in pieces:
                visitor.send(piece)
                for _ in range(20):
                    self._bot.wait(1)
            answers: list[bytes] = []
            self._bot.waitUntil(lambda: _reads(visitor, answers), timeout=round(SECONDS * 1000))
            return answers[0]


def _reads(visitor: socket.socket, answers: list[bytes]) -> bool:
    try:
        answers.append(visitor.recv(100))
    except BlockingIOError:
        return False
    except ConnectionResetError:
        answers.append(b"")
    return True


@pytest.fixture
def bell(qtbot: QtBot, tmp_path: Path) -> Iterator[Bell]:
    bell = Bell(qtbot, tmp_path / "chat" / "window.sock")
    yield bell
    bell.instance.end()


def test_a_link_comes_to_the_window_whose_socket_nobody_else_may_use(bell: Bell) -> None:
    assert bell.ring()
    assert bell.told == [LINK]
    assert bell.path.parent.stat().st_mode & 0o077 == 0
    assert bell.path.stat().st_mode & 0o077 == 0


def test_a_link_may_come_in_pieces(bell: Bell) -> None:
    link = f"{LINK.link}\n".encode()
    assert bell.send(link[:9], link[9:]) == b"ok\n"
    assert bell.told == [LINK]


@pytest.mark.parametrize("junk", [b"\n", b"hello\n", b"\xff\n", b"chat:\n"])
def test_what_is_no_link_is_not_taken(bell: Bell, junk: bytes) -> None:
    assert bell.send(junk) == b""
    assert bell.told == []
    assert bell.ring(), "and harms nobody"


def test_a_second_window_leaves_it_to_the_first(qtbot: QtBot, bell: Bell) -> None:
    second = Bell(qtbot, bell.path)
    assert bell.ring()
    assert (bell.told, second.told) == ([LINK], [])
    second.instance.end()
    assert bell.ring()


def test_where_no_window_is_nobody_takes_it(bell: Bell) -> None:
    bell.instance.end()
    assert not hand_over(bell.path, LINK)


def test_the_file_of_a_window_that_crashed_is_in_nobodys_way(qtbot: QtBot, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(os.fspath(tmp_path / "window.sock"))
    bell = Bell(qtbot, tmp_path / "window.sock")
    assert bell.ring()
    bell.instance.end()


def test_who_takes_it_and_says_something_else_has_not_taken_it(tmp_path: Path) -> None:
    path = tmp_path / "window.sock"
    command = [sys.executable, "-c", STRANGER, os.fspath(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stranger:
        assert stranger.stdout
        assert stranger.stdout.readline() == "ready\n"
        assert not hand_over(path, LINK)
        assert stranger.stdout.read() == f"{LINK.link}\n"
