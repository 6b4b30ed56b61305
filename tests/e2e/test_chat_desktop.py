"""``chat-desktop`` against a real relay, from the form to the last datagram."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:  # Qt may be missing
    from e2e.desktop_window import Onlooker

pytestmark = pytest.mark.needs("desktop")

Relay = Any
Windows = Callable[[], "Onlooker"]
END_SECONDS = 30
HOSTILE = '<b>bold</b> <img src="http://127.0.0.1/x"> \x1b[31mred \u202edlrow <a href="javascript:1">'


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Windows]:
    """Open windows of one's own."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    from e2e.desktop_window import Onlooker  # noqa: PLC0415 - Qt may be missing

    opened: list[Onlooker] = []

    def open_window() -> Onlooker:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Onlooker(folder))
        return opened[-1]

    yield open_window
    for window in opened:
        window.end()


def pair(windows: Windows, relay: Relay, room: str) -> "tuple[Onlooker, Onlooker]":
    """Have a host and a guest in a room."""
    from messenger.desktop.form import Mode  # noqa: PLC0415 - Qt may be missing

    host, guest = windows(), windows()
    host.enter(Mode.CREATE, relay.server, room, "ann")
    guest.enter(Mode.JOIN, relay.server, room, "さくら")
    host.sees_members("ann", "さくら")
    guest.sees_members("ann", "さくら")
    return host, guest


def test_two_talk_both_ways_also_long_and_hostile_words(windows: Windows, relay: Relay, room: str) -> None:
    host, guest = pair(windows, relay, room)
    host.says("hello")
    guest.sees("hello")
    guest.says("こんにちは")
    host.sees("こんにちは")
    long = "x" * 4000
    guest.says(long)
    host.sees(long)
    guest.says(HOSTILE)
    host.sees('<b>bold</b> <img src="http://127.0.0.1/x"> \ufffd[31mred \ufffddlrow <a href="javascript:1">')
    limit = guest.window.chat.composer.limit_bytes
    guest.says("y" * (limit + 1))
    guest.sees(f"The message has {limit + 1} bytes")
    assert "yyy" not in host.text


def test_one_replies_and_ignores(windows: Windows, relay: Relay, room: str) -> None:
    from messenger.desktop.actions import Do  # noqa: PLC0415 - Qt may be missing

    host, guest = pair(windows, relay, room)
    guest.says("Ann, お茶？")
    host.sees("Ann, お茶？")
    host.window.actions_by_name[Do.REPLY].trigger()
    host.says(f"{host.window.chat.composer.text}はい")
    guest.sees("さくら: Ann, お茶？\nはい")
    guest.says("/ignore ann")
    host.says("hidden")
    host.says("/topic what comes after it")
    guest.sees("what comes after it")
    assert "hidden" not in guest.text


def test_a_wrong_password_or_a_taken_name_is_shown_in_the_form(windows: Windows, relay: Relay, room: str) -> None:
    from messenger.desktop.form import Mode  # noqa: PLC0415 - Qt may be missing

    host, guest = windows(), windows()
    host.enter(Mode.CREATE, relay.server, room, "ann", "sesame")
    guest.fill(Mode.JOIN, relay.server, room, "bob", "simsim")
    guest.is_refused("The password is wrong.")
    guest.fill(Mode.JOIN, relay.server, room, "ann", "sesame")
    guest.is_refused("A member of the room already has this name")
    guest.fill(Mode.JOIN, relay.server, "no such " + room, "bob")
    guest.is_refused("There is no room with this name.")
    guest.enter(Mode.JOIN, relay.server, room, "bob", "sesame")
    host.sees_members("ann", "bob")


def test_a_kicked_member_is_told_and_may_join_again(windows: Windows, relay: Relay, room: str) -> None:
    host, guest = pair(windows, relay, room)
    host.kicks("さくら")
    guest.is_told("The host removed you.")
    host.sees_members("ann")
    guest.presses("Try again")
    host.sees_members("ann", "さくら")
    guest.says("sorry")
    host.sees("sorry")


def test_closing_the_window_leaves_the_room(windows: Windows, relay: Relay, room: str) -> None:
    host, guest = pair(windows, relay, room)
    guest.closes()
    host.sees("さくら left")
    host.sees_members("ann")


def test_when_the_host_closes_the_window_the_room_is_over(windows: Windows, relay: Relay, room: str) -> None:
    host, guest = pair(windows, relay, room)
    host.closes()
    guest.is_told("The host left, so the room closed.")
    guest.presses("Create the room")
    guest.sees("You created")


def test_people_come_back_by_themselves_when_the_relay_does(windows: Windows, start_relay: Any, room: str) -> None:
    relay = start_relay(RELAY_JOIN_RATE="0")
    host, guest = pair(windows, relay, room)
    relay.process.kill()
    relay.process.wait()
    for person in (host, guest):
        person.says("is anybody there?")
        person.is_told("No relay answers at")
    ports = {"RELAY_TCP_PORT": relay.tcp_port, "RELAY_UDP_PORT": relay.udp_port, "RELAY_LOBBY_PORT": relay.lobby_port}
    start_relay(RELAY_JOIN_RATE="0", **{name: str(port) for name, port in ports.items()})
    host.sees("You are back")
    guest.sees("You are back")
    host.sees_members("ann", "さくら")
    guest.says("there you are")
    host.sees("there you are")


def test_the_lobby_is_for_everybody(windows: Windows, relay: Relay) -> None:
    from messenger.desktop.form import Mode  # noqa: PLC0415 - Qt may be missing

    one, other = windows(), windows()
    for window, name in ((one, "ann"), (other, "bob")):
        window.enter(Mode.LOBBY, relay.lobby, "", name)
    word = uuid4().hex
    one.says(word)
    other.sees(word)


@pytest.mark.skipif(os.name != "posix", reason="other systems don't send signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_properly(
    windows: Windows, relay: Relay, tmp_path: Path, number: signal.Signals
) -> None:
    from e2e.desktop_window import wait_until  # noqa: PLC0415 - Qt may be missing
    from messenger.desktop.form import Mode  # noqa: PLC0415 - Qt may be missing

    room, log = uuid4().hex, tmp_path / "chat.log"
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": "tests", "LANGUAGE": "en"}
    program = subprocess.Popen(
        [sys.executable, "-m", "e2e.desktop_session", f"chat://{relay.server}/{room}", str(log), str(int(number))],
        env=environment,
    )
    try:
        guest = windows()
        wait_until(lambda: log.exists() and "You created" in log.read_text(encoding="utf-8"), lambda: "no room")
        guest.enter(Mode.JOIN, relay.server, room, "guest")
        guest.sees_members("ann", "guest")
        second = [sys.executable, "-m", "messenger.desktop", f"chat://{relay.server}/elsewhere"]
        assert subprocess.run(second, env=environment, timeout=END_SECONDS, check=False).returncode == 0  # not a window
        guest.says("hello")
        guest.is_told("The host left, so the room closed.")
        assert program.wait(END_SECONDS) == 0
    finally:
        program.kill()
        program.wait()
    assert "hello" in log.read_text(encoding="utf-8")
