"""``chat`` on a pseudo-terminal, as a person sees it; most of the others there are of a few lines, by raw bytes."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from conformance import relays
from conformance.people import Member, People
from e2e.screen import SECONDS, Terminal

Relay = Any
SitDown = Callable[..., Terminal]
LONGEST = 4000


@pytest.fixture
def person(tmp_path: Path) -> Iterator[SitDown]:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "LANG": "C.UTF-8"}
    with ExitStack() as stack:

        def sit_down(*arguments: str, **more: Any) -> Terminal:
            terminal = Terminal("messenger", *arguments, environment=environment, **more)
            stack.callback(terminal.process.close, force=True)
            return terminal

        yield sit_down


@pytest.fixture
def others(relay: Relay) -> Iterator[People]:
    with People(relays.Relay("127.0.0.1", relay.tcp_port, relay.udp_port, relay.lobby_port)) as people:
        yield people


@pytest.fixture
def bob_and_ann(person: SitDown, others: People, relay: Relay, room: str) -> tuple[Terminal, Member]:
    """Bob at a terminal, in the room of Ann, who heard him come."""
    ann = others.create(room.encode(), b"ann")
    bob = person("join", room, "--name", "bob", "--server", relay.server)
    bob.sees(f"You are in {room} as bob.", " Connected")
    ann.await_notice(b"bob joined")
    return bob, ann


def leaves_by(act: Callable[[], object], bob: Terminal, ann: Member) -> None:
    """Check that this makes Bob leave; each way to leave ends a test that has somebody at a terminal anyway."""
    act()
    bob.ends(0)
    ann.await_notice(b"bob left")


def test_two_people_at_terminals(person: SitDown, relay: Relay, room: str) -> None:
    ann = person("create", room, "--name", "ann", "--server", relay.server)
    ann.sees(f"You created {room}", r"─ ann \(host\) ─")
    bob = person("join", room, "--name", "ボブ", "--server", relay.server, columns=120, rows=40)
    bob.sees(f"You are in {room} as ボブ.", "2 members")
    ann.sees("ボブ joined")
    bob.types("こんにちは")
    bob.sees("│ こんにちは")
    ann.enters("hi bob")
    bob.sees(r"\d\d:\d\d ann: hi bob", "│ こんにちは")
    bob.enters("、Ann")
    ann.sees(r"\d\d:\d\d ボブ: こんにちは、Ann")
    bob.sees(r"\d\d:\d\d ボブ: こんにちは、Ann")
    bob.misses("│ こんにちは")
    assert sum("こんにちは" in line for line in bob.lines) == 1
    bob.enters("/leave")
    bob.ends(0)
    ann.sees("ボブ left")
    assert bob.said_at_the_end.count("\n") == 0
    ann.types("\x03")
    ann.ends(0)


def test_in_japanese(person: SitDown, relay: Relay, room: str) -> None:
    ann = person("--lang", "ja", "create", room, "--name", "花子", "--server", relay.server, columns=160)
    ann.sees(f"ルーム {room} を作成しました。花子 としてホストになりました。", "花子（ホスト）", "接続済み")
    ann.enters("/help")
    ann.sees("このヘルプ")
    ann.types("\x11")
    ann.ends(0)


def test_the_host_moderates(person: SitDown, others: People, relay: Relay, room: str) -> None:
    ann = person("create", room, "--name", "ann", "--server", relay.server, columns=120)
    ann.sees("You created")
    bob = others.join(room.encode(), b"bob")
    ann.sees("2 members")
    ann.enters("/mute bob")
    bob.await_notice(b"The host muted you: what you say is not relayed.")
    ann.sees("bob .* muted")
    ann.enters("/host bob")
    ann.sees("bob is the host now", "─ ann ─")
    bob.say(b"/kick ann")
    ann.sees("The host removed you.", "Try again +Remove from list", "Not connected")
    ann.types("\x1b[C\r")  # to the right: Close
    ann.ends(1)
    assert "chat: The host removed you. Ask the host before you come back." in ann.said_at_the_end


def test_long_messages_and_ctrl_c(bob_and_ann: tuple[Terminal, Member]) -> None:
    bob, ann = bob_and_ann
    bob.pastes("\N{MATHEMATICAL SCRIPT CAPITAL X}" * 1125)  # four bytes and one column each
    bob.sees(r"4500/\d+ bytes")
    bob.types("\r")
    bob.sees(r"The message has 4500 bytes: use at most \d+.", r"4500/\d+ bytes")
    bob.types("\x15")  # Ctrl-U empties the line
    bob.misses(r"4500/\d+ bytes")
    long = "word " * (LONGEST // 5 - 1) + "end.."
    bob.pastes(long)
    bob.sees(rf"{LONGEST}/\d+ bytes")
    bob.types("\r")
    assert ann.hear() == b"bob: " + long.encode()
    ann.say(("word " * (LONGEST // 5 - 1) + "END").encode())
    bob.sees(" END")
    leaves_by(lambda: bob.types("\x03"), bob, ann)


def test_one_replies_ignores_and_saves(bob_and_ann: tuple[Terminal, Member], tmp_path: Path) -> None:
    bob, ann = bob_and_ann
    ann.say(b"tea, Bob?")
    bob.sees("ann: tea, Bob")
    bob.types("\x12")  # Ctrl-R
    bob.enters("yes")
    assert ann.hear() == "bob: > ann: tea, Bob?⏎yes".encode()
    bob.enters("/ignore Ann")
    bob.sees("You no longer see what Ann says")
    ann.say(b"not for Bob")
    ann.say(b"/topic what comes after it")
    bob.sees("what comes after it")
    file = tmp_path / "said.txt"
    bob.enters(f"/export {file}")
    bob.sees("lines saved to")
    assert "ann: tea, Bob?" in file.read_text()
    assert "not for Bob" not in file.read_text()


def test_hostile_text_moves_no_cursor_and_ctrl_d(bob_and_ann: tuple[Terminal, Member]) -> None:
    bob, ann = bob_and_ann
    bob.pastes("a\nb\x9b2Jc")
    bob.sees("│ a ", "│ b\ufffd2Jc")
    bob.types("\r")
    assert ann.hear() == "bob: a\u23ceb\ufffd2Jc".encode()
    ann.say(b"[bold]d[/bold] \x1b]0;e\x07")
    bob.sees(r"ann: \[bold\]d\[/bold\] \ufffd\]0;e\ufffd")
    leaves_by(lambda: bob.types("\x04"), bob, ann)


def test_the_room_closes(bob_and_ann: tuple[Terminal, Member]) -> None:
    bob, ann = bob_and_ann
    ann.leave()
    bob.sees("The host left, so the room closed.", "Create the room")
    bob.types("\x11")
    bob.ends(1)
    assert "chat: The host left, so the room closed." in bob.said_at_the_end


def test_chat_reconnects_when_a_dead_relay_is_back(person: SitDown, start_relay: Callable[..., Relay]) -> None:
    relay = start_relay()
    ann = person("create", "demo", "--name", "ann", "--server", relay.server)
    ann.sees(r"ann \(host\)", " Connected")
    relay.process.terminate()
    ann.sees("The relay is shutting down.", r"Reconnecting")
    ann.enters("anybody?")
    ann.sees(r"…\d\d:\d\d ann: anybody\?", "What you write is sent once the relay is heard again.", "Try now")
    relay.process.wait(SECONDS)
    start_relay(
        RELAY_TCP_PORT=str(relay.tcp_port), RELAY_UDP_PORT=str(relay.udp_port), RELAY_LOBBY_PORT=str(relay.lobby_port)
    )
    ann.types("\x1b[19~")  # F8: try now
    ann.sees("You are back", " Connected", r"ann \(host\)")
    bob = person("join", "demo", "--name", "bob", "--server", relay.server)  # what was written waits for company
    bob.sees("ann: anybody?")
    ann.sees(r"✓\d\d:\d\d ann: anybody\?")
    for each in (bob, ann):
        each.types("\x03")
        each.ends(0)


def test_a_relay_that_is_not_there_is_said_and_may_be_tried_again(person: SitDown) -> None:
    bob = person("join", "demo", "--name", "bob", "--server", "127.0.0.1:1")
    bob.sees("No relay answers at 127.0.0.1:1", "Try again +Remove from list")
    bob.types("\x03")
    bob.ends(1)
    assert "chat: No relay answers at 127.0.0.1:1" in bob.said_at_the_end


def test_a_terminal_that_is_closed_leaves(bob_and_ann: tuple[Terminal, Member]) -> None:
    bob, ann = bob_and_ann
    bob.process.ptyproc.fileobj.close()  # type: ignore[attr-defined]
    ann.await_notice(b"bob left")
    bob.process.closed = bob.process.ptyproc.closed = True  # type: ignore[attr-defined]
    assert bob.process.wait() == 0


def test_a_room_with_a_password_and_sigterm(person: SitDown, others: People, relay: Relay, room: str) -> None:
    ann = others.create(room.encode(), b"ann", password="open sesame")
    bob = person("join", room, "--name", "bob", "--server", relay.server)
    bob.sees(f"Password for {room}:")
    bob.enters("open, Sesame!")
    bob.sees("The password is wrong", "Enter the password")
    bob.types("\r")
    bob.sees(f"Password for {room}:")
    bob.enters("open sesame")
    bob.sees(f"You are in {room} as bob.")
    bob.enters("hi ann")
    assert ann.hear() == b"bob: hi ann"
    leaves_by(lambda: bob.process.kill(signal.SIGTERM), bob, ann)
    assert "sesame" not in bob.written.lower()


def test_several_rooms_and_a_log(person: SitDown, others: People, relay: Relay, room: str, tmp_path: Path) -> None:
    first, second = others.create(room.encode(), b"ann"), others.create(f"{room} 2".encode(), b"eve")
    log = tmp_path / "log"
    bob = person("--log", str(log), f"chat://{relay.server}/{room.replace(' ', '%20')}", "--name", "bob")
    bob.sees(f"You are in {room} as bob.")
    bob.types("\x1bOQ")  # F2
    bob.sees("Create a room", relay.server)
    bob.enters(f"{room} 2")
    bob.sees(f"You are in {room} 2 as bob.")
    first.say(b"over here")
    second.say(b"look")
    bob.sees("eve: look", "● room .* 1 ")
    bob.types("\x10")  # Ctrl-P
    bob.sees("ann: over here")
    bob.enters("hi")
    assert first.hear() == b"bob: hi"
    bob.types("\x11")
    bob.ends(0)
    first.await_notice(b"bob left")
    second.await_notice(b"bob left")
    kept = log.read_text()
    for line in (f"[{room}] ann: over here", f"[{room}] bob: hi", f"[{room} 2] eve: look"):
        assert line in kept
    assert log.stat().st_mode & 0o777 == 0o600


def test_without_a_command_one_says_where_to_go_and_two_signals(
    person: SitDown, others: People, relay: Relay, room: str
) -> None:
    ann = others.create(room.encode(), b"ann")
    bob = person(f"chat://{relay.server}/{room.replace(' ', '%20')}", "--name", "bob")
    bob.sees(f"You are in {room} as bob.")
    leaves_by(lambda: bob.process.kill(signal.SIGINT), bob, ann)
    bob = person()
    bob.sees("Online Chat Messenger", "Create a room", f"{room} at {relay.server} as bob")
    bob.types("\t" * 6 + "\r")  # past the form, to where one was
    bob.sees(f"Room +{room}", "Your name +bob")
    bob.types("\r")
    bob.sees(f"You are in {room} as bob.")
    ann.await_notice(b"bob joined")
    leaves_by(lambda: bob.process.kill(signal.SIGHUP), bob, ann)
    bob = person()  # and is there again by itself
    bob.sees(f"You are in {room} as bob.")
    ann.await_notice(b"bob joined")


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_cancelling_the_password_question_ends_chat(person: SitDown, relay: Relay, key: str) -> None:
    bob = person("join", "demo", "--password", "--name", "bob", "--server", relay.server)
    bob.sees("Password for demo:")
    bob.insists(lambda: bob.types(key))
    bob.ends(0)


def test_a_signal_ends_the_question_and_leaves_the_terminal_as_it_was(person: SitDown) -> None:
    bob = person("join", "demo", "--password", "--name", "bob")
    bob.sees("Password for demo:")
    bob.process.waitnoecho(SECONDS)
    assert not bob.process.getecho()
    bob.insists(lambda: bob.process.kill(signal.SIGTERM))
    assert bob.process.getecho()
    bob.ends(0)


def test_a_new_password_must_be_typed_twice(person: SitDown) -> None:
    ann = person("create", "demo", "--password", "--name", "ann", "--server", "127.0.0.1:1")
    for number, (first, second) in enumerate((("", None), ("a", "b"), ("b", "a")), start=1):
        ann.sees_times("New password for demo:", number)
        ann.enters(first)
        if second is not None:
            ann.sees_times("Repeat the password:", number - 1)
            ann.enters(second)
    ann.ends(2)
    assert ann.lines[-1] == "chat: No password was set: try again."
    assert "chat: The password is empty: type at least one character." in ann.lines
    assert ann.lines.count("chat: The passwords differ.") == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xe9", b""),
        (b"\xff\xfe\x80", b""),
        (b"\x1b[M \xc8\x22", b""),
        (b"\x1b[M \xc3\xa9", b""),
        (b"\x1b[M", b" \xc8\x22"),
        (b"\x1b[97:65;2u", b""),
        (b"\x1b[99999999;1u", b""),
    ],
    ids=[
        "latin-1",
        "no-utf-8",
        "old-mouse",
        "old-mouse-as-utf-8",
        "in-two-pieces",
        "key-of-two",
        "key-of-no-character",
    ],
)
def test_bytes_that_are_no_keys_are_ignored(bob_and_ann: tuple[Terminal, Member], before: bytes, after: bytes) -> None:
    bob, ann = bob_and_ann
    bob.sends_bytes(before)
    bob.sends_bytes(after)
    bob.enters("still here")
    assert ann.hear() == b"bob: still here"


def test_lines_that_come_at_once_are_as_many_messages(bob_and_ann: tuple[Terminal, Member]) -> None:
    bob, ann = bob_and_ann
    bob.types("quick 1\rquick 2\rquicker\x7f\x7f 3\r")
    assert [ann.hear() for _ in range(3)] == [b"bob: quick 1", b"bob: quick 2", b"bob: quick 3"]


def test_a_password_typed_ahead_is_never_said(person: SitDown, others: People, relay: Relay, room: str) -> None:
    ann = person("create", room, "--name", "ann", "--server", relay.server)
    ann.sees("You created", "Connected")
    bob = others.join(room.encode(), b"bob")
    ann.sees("2 members", "bob joined")
    ann.types("/password\rs3cret\rs3cret\rhi bob\r")
    assert bob.hear() == b"ann: hi bob"
    ann.sees("The room has a new password")


def test_what_is_typed_beside_the_buttons_of_a_refusal_goes_where_one_types(person: SitDown, relay: Relay) -> None:
    bob = person("join", f"te {uuid4().hex[:8]}", "--name", "bob", "--server", relay.server)
    bob.sees("There is no room with this name", "Create the room")
    bob.types("/who\r")
    bob.sees("You are not in the room right now", "│ /who")
    bob.sees("Create the room")
    bob.misses("You created")


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_where_nothing_can_be_drawn_chat_is_a_filter(
    person: SitDown, relay: Relay, room: str, term: str | None
) -> None:
    ann = person("create", room, "--password", "--name", "ann", "--server", relay.server, term=term)
    for question in ("New password", "Repeat the password"):
        ann.sees(question)
        ann.enters("s3cret")
    ann.sees("You created")
    assert "\x1b[" not in ann.written
    ann.types("\x04")
    ann.ends(0)
