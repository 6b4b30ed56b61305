"""The folder that `make desktop-bundle` yields: it starts, somebody comes into a room by it, talks and leaves."""

import asyncio
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from chatclient import Connection, MemberJoined, MemberLeft, Message, create_room
from chatproto.fingerprint import fingerprint_of
from conformance.relays import OwnRelay
from conformance.tls import Authority
from conftest import BUNDLE
from e2e.relay_metrics import await_metrics
from e2e.x11 import Screen, screen
from waiting import wait_until

pytestmark = pytest.mark.needs("bundle", "desktop")

Kind = TypeVar("Kind", MemberJoined, MemberLeft, Message)

SECONDS = 30.0
PROGRAM = BUNDLE / "chat-desktop"
ROOM, HOST, GUEST = "tea", "Ann", "Bob"


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return nothing of what a developer's shell has, so that the folder has to bring all."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen", **more}


def say(home: Path, *words: str) -> str:
    command: list[str | Path] = [PROGRAM, *words]
    ended = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@contextmanager
def started(home: Path, *words: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([PROGRAM, *words], env=environment(home, **more), stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes]) -> str:
    """Ask it to end; returns what it said on the standard error, when it has ended well."""
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=SECONDS)[1].decode()
    assert process.returncode == 0, said
    return said


def loaded(process: subprocess.Popen[bytes]) -> set[Path]:
    """Return the libraries and translations that it has in memory."""
    maps = Path("/proc", str(process.pid), "maps").read_text(encoding="utf-8")
    return {Path(path) for path in re.findall(r" (/\S+)$", maps, re.MULTILINE)}


def from_elsewhere(process: subprocess.Popen[bytes]) -> set[Path]:
    """Return what it has loaded of the system though the folder has to bring it."""
    ours = {path for path in loaded(process) if re.search("Qt|PySide|python|libssl|libcrypto", path.name)}
    return {path for path in ours if not path.is_relative_to(BUNDLE)}


def minds_signals(process: subprocess.Popen[bytes]) -> bool:
    (caught,) = re.findall(r"^SigCgt:\s+(\w+)$", Path("/proc", str(process.pid), "status").read_text(), re.MULTILINE)
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def test_it_says_its_version_and_helps_in_both_languages(tmp_path: Path) -> None:
    assert re.fullmatch(r"chat-desktop \d+\.\d+\.\d+\n", say(tmp_path, "--version"))
    assert "Chat in a window" in say(tmp_path, "--help")
    helped = say(tmp_path, "--help", "--lang", "ja")
    assert "招待" in helped
    assert "invitation" not in helped


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_opens_without_a_screen_and_ends_when_asked(language: str, tmp_path: Path) -> None:
    with started(tmp_path, "--lang", language) as process:
        wait_until(
            lambda: process.poll() is not None or minds_signals(process), SECONDS, said=lambda: "it doesn't open"
        )
        assert process.poll() is None, process.communicate()[1].decode()
        assert from_elsewhere(process) == set()
        assert any(path.name == "qtbase_ja.qm" for path in loaded(process)) == (language == "ja")
        assert end(process) == ""


@pytest.mark.needs("x11")
@pytest.mark.parametrize(("language", "scheme"), [("en", "chat"), ("ja", "chats")])
def test_by_an_invitation_one_comes_into_a_room_and_talks(language: str, scheme: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    relay = OwnRelay(tmp_path / "log", {f"RELAY_{name.upper()}": value for name, value in authority.settings.items()})
    try:
        server = f"127.0.0.1:{relay.relay.tcp_port}"
        known = tmp_path / ".local/state/chat/known_servers"
        known.parent.mkdir(parents=True)
        known.write_text(f"{server} {fingerprint(authority)}\n", encoding="utf-8")
        words = [f"{scheme}://{server}/{ROOM}", "--name", GUEST, "--lang", language]
        with screen() as shown:
            asyncio.run(receive_a_guest(server, tmp_path, words, shown))
        assert await_metrics(relay, lambda now: now.value("relay_members") == 0).value("relay_rooms") == 0
    finally:
        assert relay.stop() == 0, relay.said()


async def receive_a_guest(server: str, home: Path, words: list[str], shown: Screen) -> None:
    """Be the host of a room into which the program comes."""
    async with create_room(ROOM, HOST, server=server) as room:
        with started(home, *words, **shown.environment) as process:
            window = await asyncio.to_thread(shown.await_window, "--class", "chat-desktop")
            shown.focus(window)
            shown.type("")  # all that the form asks for is in it
            assert (await heard(room, MemberJoined)).name == GUEST
            await asyncio.to_thread(shown.await_window, "--name", ROOM)
            room.say("the kettle is on")
            shown.type("good evening")
            message = await heard(room, Message)
            assert (message.sender, message.text) == (GUEST, "good evening")
            assert from_elsewhere(process) == set()
            assert await asyncio.to_thread(end, process) == ""
            assert (await heard(room, MemberLeft)).name == GUEST


async def heard(room: Connection, kind: type[Kind]) -> Kind:
    """Wait for the next event of a kind."""
    async with asyncio.timeout(SECONDS):
        async for event in room:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the room is over, without {kind.__name__}")


def fingerprint(authority: Authority) -> str:
    first, *_ = re.findall(r"-+BEGIN.+?END CERTIFICATE-+\n", authority.certificate.read_text(), re.DOTALL)
    return fingerprint_of(ssl.PEM_cert_to_DER_cert(first))


def test_nothing_of_terminals_and_no_other_part_of_qt_is_inside() -> None:
    viewer = Path(sys.executable).with_name("pyi-archive_viewer")
    asked: list[str | Path] = [viewer, "--recursive", "--brief", PROGRAM]
    archive = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=SECONDS).stdout
    assert "messenger.desktop.window" in archive
    assert not re.search(r"\b(textual|prompt_toolkit|relay_server|bot_client|pytest)\b", archive)
    files = [os.fspath(path.relative_to(BUNDLE)) for path in BUNDLE.rglob("*")]
    assert not [file for file in files if re.search(r"Qml|Quick|Pdf|Designer|Sql|VirtualKeyboard|Test|Help", file)]
    assert any(file.endswith("ja/LC_MESSAGES/messenger.mo") for file in files)
    assert not [path for path in BUNDLE.rglob("*") if path.is_symlink() and not path.exists()]


def test_the_licences_go_along() -> None:
    licences = BUNDLE / "licences"
    for name, words in (("LGPL-3.0.txt", "GNU LESSER"), ("GPL-3.0.txt", "GNU GENERAL"), ("LICENSE", "MIT License")):
        assert words in (licences / name).read_text(encoding="utf-8")
    for library in ("Python", "cryptography", "keyring", "linkify-it-py", "pyinstaller"):
        (folder,) = licences.glob(f"{library}-[0-9]*")
        assert any(folder.iterdir()), library
