"""Links that others were started with."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from messenger.core.invite import Invite, parse_invite
from messenger.desktop import doorbell
from messenger.desktop.doorbell import Doorbell, ring

RING = """
import sys
from pathlib import Path
from messenger.core.invite import parse_invite
from messenger.desktop.doorbell import ring
print(ring(Path(sys.argv[1]), parse_invite(sys.argv[2])))
"""
INVITE = parse_invite("chats://chat.example.org:9000/%E8%8C%B6%20room")


class Bell:
    """One that keeps what it heard."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Invite] = []
        self._doorbell = Doorbell(path)
        self._doorbell.rung.connect(self.heard.append)

    def is_rung(self, bot: QtBot, invite: Invite = INVITE) -> bool:
        """Have another program ring, which waits for the answer while Qt works here."""
        with subprocess.Popen(
            [sys.executable, "-c", RING, str(self.path), str(invite)], stdout=subprocess.PIPE
        ) as other:
            bot.waitUntil(lambda: other.poll() is not None, timeout=20_000)
            assert other.stdout
            return other.stdout.read() == b"True\n"

    def end(self) -> None:
        self._doorbell.end()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "window.sock"


def a_bell(stack: ExitStack, path: Path) -> Bell:
    bell = Bell(path)
    stack.callback(bell.end)
    return bell


def test_where_no_window_is_nobody_answers(path: Path) -> None:
    assert not ring(path, INVITE)


@pytest.mark.parametrize("invite", [INVITE, parse_invite("chat://127.0.0.1:9002")])
def test_the_window_hears_the_link(stack: ExitStack, qtbot: QtBot, path: Path, invite: Invite) -> None:
    bell = a_bell(stack, path)
    assert bell.is_rung(qtbot, invite)
    assert bell.heard == [invite]


def test_the_first_window_keeps_the_bell_until_it_ends(stack: ExitStack, qtbot: QtBot, path: Path) -> None:
    first, second = a_bell(stack, path), a_bell(stack, path)
    assert first.is_rung(qtbot)
    assert (len(first.heard), len(second.heard)) == (1, 0)
    first.end()
    assert not first.is_rung(qtbot)
    assert a_bell(stack, path).is_rung(qtbot)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no file is left behind")
def test_what_a_crashed_window_left_is_taken_over(stack: ExitStack, qtbot: QtBot, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))
    assert path.exists()
    assert a_bell(stack, path).is_rung(qtbot)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere there is no file")
def test_only_its_user_may_ring(stack: ExitStack, path: Path) -> None:
    a_bell(stack, path)
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("said", [b"hello\n", b"\xff\n", b"chat://h/" + b"x" * 5000 + b"\n"])
def test_what_is_no_invitation_is_not_heard(stack: ExitStack, qtbot: QtBot, path: Path, said: bytes) -> None:
    bell = a_bell(stack, path)
    visitor = QLocalSocket()
    visitor.connectToServer(str(path))
    visitor.write(said)
    assert bell.is_rung(qtbot)
    assert bell.heard == [INVITE]


def test_a_window_that_hangs_is_not_waited_for_long(
    stack: ExitStack, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "_ANSWER_MILLISECONDS", 1)
    a_bell(stack, path)
    assert not ring(path, INVITE)  # Qt doesn't get to work meanwhile


def test_without_a_place_for_the_bell_there_is_none(stack: ExitStack, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    a_bell(stack, tmp_path / "file" / "window.sock")
    a_bell(stack, tmp_path / ("x" * 200))
