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
from messenger.desktop import single_instance
from messenger.desktop.single_instance import SingleInstance, hand_over

HAND_OVER = """
import sys
from pathlib import Path
from messenger.core.invite import parse_invite
from messenger.desktop.single_instance import hand_over
print(hand_over(Path(sys.argv[1]), parse_invite(sys.argv[2])))
"""
INVITE = parse_invite("chats://chat.example.org:9000/%E8%8C%B6%20room")


class First:
    """One that keeps what it heard."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Invite] = []
        self._instance = SingleInstance(path)
        self._instance.invited.connect(self.heard.append)

    def is_asked(self, bot: QtBot, invite: Invite = INVITE) -> bool:
        """Have another program hand a link over, which waits for the answer while Qt works here."""
        with subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, str(self.path), str(invite)], stdout=subprocess.PIPE
        ) as other:
            bot.waitUntil(lambda: other.poll() is not None, timeout=20_000)
            assert other.stdout
            return other.stdout.read() == b"True\n"

    def end(self) -> None:
        self._instance.end()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "window.sock"


def an_instance(stack: ExitStack, path: Path) -> First:
    window = First(path)
    stack.callback(window.end)
    return window


def test_where_no_window_is_nobody_answers(path: Path) -> None:
    assert not hand_over(path, INVITE)


@pytest.mark.parametrize("invite", [INVITE, parse_invite("chat://127.0.0.1:9002")])
def test_the_window_hears_the_link(stack: ExitStack, qtbot: QtBot, path: Path, invite: Invite) -> None:
    window = an_instance(stack, path)
    assert window.is_asked(qtbot, invite)
    assert window.heard == [invite]


def test_the_first_window_listens_until_it_ends(stack: ExitStack, qtbot: QtBot, path: Path) -> None:
    first, second = an_instance(stack, path), an_instance(stack, path)
    assert first.is_asked(qtbot)
    assert (len(first.heard), len(second.heard)) == (1, 0)
    first.end()
    assert not first.is_asked(qtbot)
    assert an_instance(stack, path).is_asked(qtbot)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no file is left behind")
def test_what_a_crashed_window_left_is_taken_over(stack: ExitStack, qtbot: QtBot, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))
    assert path.exists()
    assert an_instance(stack, path).is_asked(qtbot)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere there is no file")
def test_only_its_user_may_come(stack: ExitStack, path: Path) -> None:
    an_instance(stack, path)
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("said", [b"hello\n", b"\xff\n", b"chat://h/" + b"x" * 5000 + b"\n"])
def test_what_is_no_invitation_is_not_heard(stack: ExitStack, qtbot: QtBot, path: Path, said: bytes) -> None:
    window = an_instance(stack, path)
    visitor = QLocalSocket()
    visitor.connectToServer(str(path))
    visitor.write(said)
    assert window.is_asked(qtbot)
    assert window.heard == [INVITE]


def test_a_window_that_hangs_is_not_waited_for_long(
    stack: ExitStack, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_instance, "_ANSWER_MILLISECONDS", 1)
    an_instance(stack, path)
    assert not hand_over(path, INVITE)  # Qt doesn't get to work meanwhile


def test_where_nothing_can_listen_nothing_fails(stack: ExitStack, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    an_instance(stack, tmp_path / "file" / "window.sock")
    an_instance(stack, tmp_path / ("x" * 200))
