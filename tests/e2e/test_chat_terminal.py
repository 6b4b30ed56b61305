"""``chat`` on a pseudo-terminal, as a person sees it."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any
from uuid import uuid4

import pexpect
import pyte
import pytest

Relay = Any
SECONDS = 15
AGAIN_SECONDS = 3
TIME = r"\d\d:\d\d:\d\d "


class _Screen(pyte.Screen):
    """A screen that answers where its cursor is, as terminals do."""

    def __init__(self, answer: Callable[[str], object]) -> None:
        super().__init__(100, 24)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class Person:
    """Somebody at a terminal of 24 lines."""

    def __init__(self, *arguments: str) -> None:
        self.terminal = pexpect.spawn(
            sys.executable,
            ["-m", "messenger", *arguments],
            env={**os.environ, "TERM": "xterm-256color"},
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(24, 100),
        )
        self._screen = _Screen(self.types)
        self._stream = pyte.Stream(self._screen)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without the empty lines."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def sees(self, pattern: str) -> None:
        """Wait until a line of the screen matches as a whole."""
        self.sees_times(pattern, 1)

    def sees_times(self, pattern: str, times: int) -> None:
        """Wait until so many lines match."""
        while sum(bool(re.fullmatch(pattern, line)) for line in self.lines) < times:
            try:
                self._stream.feed(self.terminal.read_nonblocking(4096, SECONDS))
            except (pexpect.EOF, pexpect.TIMEOUT) as error:
                raise AssertionError(f"No line {pattern!r} in {self.lines}") from error

    def types(self, text: str) -> None:
        self.terminal.send(text)

    def enters(self, line: str) -> None:
        self.types(line + "\r")

    def insists(self, act: Callable[[], object]) -> None:
        """Act until the program ends: a signal just before Python waits for input is noticed only with the next."""
        while True:
            act()
            with suppress(pexpect.TIMEOUT):
                try:
                    while True:
                        self._stream.feed(self.terminal.read_nonblocking(4096, AGAIN_SECONDS))
                except pexpect.EOF:
                    return

    def ends(self, code: int) -> None:
        while True:
            try:
                self._stream.feed(self.terminal.read_nonblocking(4096, SECONDS))
            except pexpect.EOF:
                break
        self.terminal.close()
        assert self.terminal.exitstatus == code


@pytest.fixture
def person() -> Iterator[Callable[..., Person]]:
    with ExitStack() as stack:

        def sit_down(*arguments: str) -> Person:
            person = Person(*arguments)
            stack.callback(person.terminal.close, force=True)
            return person

        yield sit_down


@pytest.fixture
def pair(person: Callable[..., Person], relay: Relay) -> tuple[Person, Person]:
    room = f"room {uuid4().hex[:8]}"
    ann = person("create", room, "--name", "ann", "--server", relay.server)
    ann.sees(TIME + "You created .*")
    bob = person("join", room, "--name", "bob", "--server", relay.server)
    bob.sees(TIME + f"You are in {room} as bob.")
    ann.sees(TIME + "bob joined")
    return ann, bob


def test_a_conversation_in_which_each_line_stands_once(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    bob.enters("hi ann")
    ann.sees(TIME + "bob: hi ann")
    ann.enters("hi bob")
    bob.sees(TIME + "ann: hi bob")
    bob.enters("/leave")
    bob.ends(0)
    said = [line for line in bob.lines if "hi " in line]
    assert len(said) == 2
    assert re.fullmatch(TIME + "bob: hi ann", said[0])
    assert re.fullmatch(TIME + "ann: hi bob", said[1])


def test_what_comes_in_doesnt_tear_the_line_being_typed(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    bob.types("half a sent")
    bob.sees("> half a sent")
    ann.enters("interruption")
    bob.sees(TIME + "ann: interruption")
    bob.sees("> half a sent")
    bob.types("ence\r")
    ann.sees(TIME + "bob: half a sentence")
    bob.sees(TIME + "bob: half a sentence")
    assert not [line for line in bob.lines if line.startswith("> half")]


def test_in_japanese(person: Callable[..., Person], relay: Relay) -> None:
    room = f"room {uuid4().hex[:8]}"
    ann = person("--lang", "ja", "create", room, "--name", "花子", "--server", relay.server)
    ann.sees(TIME + f"ルーム {room} を作成しました。花子 としてホストになりました。.*")
    ann.sees(rf" {room} \| 花子（ホスト） \| 接続中 \| 0/\d+ バイト \| /help")
    ann.enters("/help")
    ann.sees("/leave +退室します.*")
    ann.enters("/leave")
    ann.ends(0)


def test_history_is_an_arrow_away(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    bob.enters("again")
    ann.sees(TIME + "bob: again")
    bob.types("\x1b[A")
    bob.sees("> again")
    bob.enters(" and again")
    ann.sees(TIME + "bob: again and again")


def test_commands(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    bob.enters("/help")
    bob.sees("/leave +leave .*")
    bob.enters("/leaf")
    bob.sees(TIME + "There is no /leaf: /help lists the commands, // says a slash.")
    bob.enters("//shrug")
    ann.sees(TIME + "bob: /shrug")
    assert not [line for line in ann.lines if "leaf" in line]
    bob.enters("/quit")
    bob.ends(0)
    ann.sees(TIME + "bob left")


def test_the_host_keeps_order(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    bob.enters("/who")
    bob.sees(TIME + r"2 here: ann \(host\), bob\.")
    ann.enters("/mute bob")
    bob.sees(TIME + "The host muted you: what you say is not relayed.")
    ann.enters("/host bob")
    ann.sees(TIME + "bob is the host now")
    bob.sees(r".* \| bob \(host\) \| connected .*")
    bob.enters("/kick ann")
    ann.sees("chat: The host removed you. Ask the host before you come back.")
    ann.ends(1)


def test_a_new_password_is_set_unseen_and_not_among_what_was_typed(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    ann.enters("hello")
    bob.sees(TIME + "ann: hello")
    for again, answer in (("another", "The two differ.*"), ("open sesame", "The room has a new password.*")):
        ann.enters("/password")
        ann.sees("New password for the room .*")
        ann.enters("open sesame")
        ann.sees("The same again:.*")
        bob.enters("an interruption")
        ann.sees(TIME + "bob: an interruption")
        ann.enters(again)
        ann.sees(TIME + answer)
    ann.enters("/password simsalabim")
    ann.sees_times(TIME + "The room has a new password.*", 2)
    assert not [line for line in ann.lines if "sesame" in line or "simsalabim" in line]
    ann.types("\x1b[A")
    ann.sees("> hello")


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_control_c_and_d_leave(pair: tuple[Person, Person], key: str) -> None:
    ann, bob = pair
    bob.sees(".* /help")  # the status line: the prompt is up
    bob.types(key)
    bob.ends(0)
    ann.sees(TIME + "bob left")


def test_a_message_too_long_is_refused_and_stays_to_be_shortened(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    bob.sees(r".* 0/\d+ bytes .*")
    # Letters of four bytes and one column, so that what is said about them stands on the screen beside them.
    bob.types("\x1b[200~" + "\N{MATHEMATICAL SCRIPT CAPITAL X}" * 1125 + "\x1b[201~")
    bob.types("\r")
    bob.sees(TIME + r"The message has 4500 bytes: use at most \d+.")
    bob.sees(r".* 4500/\d+ bytes .*")
    bob.types("\x15")  # Ctrl-U empties the line
    bob.enters("short")
    ann.sees(TIME + "bob: short")


def test_the_status_line_says_where_one_is(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    ann.sees(r" room \w+ \| ann \(host\) \| connected \| .*")
    bob.sees(r" room \w+ \| bob \| connected \| .*")


def test_hostile_text_moves_no_cursor(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    bob.types("\x1b[200~a\nb\x9b2Jc\x1b[201~\r")  # pasted, so that nothing of it is a key
    for person in pair:
        person.sees(TIME + "bob: a\u23ceb\ufffd2Jc")
    assert ann.lines


def test_the_room_closes(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    ann.enters("/leave")
    ann.ends(0)
    bob.ends(1)
    assert "chat: The host left, so the room closed. Create it anew, or join another." in bob.lines


def test_a_relay_that_dies_is_named_and_waited_for(
    person: Callable[..., Person], start_relay: Callable[..., Relay]
) -> None:
    relay = start_relay()
    ann = person("create", "demo", "--name", "ann", "--server", relay.server)
    ann.sees(r" demo \| ann \(host\) \| connected \| .*")
    relay.process.terminate()
    ann.sees(TIME + r"The relay is shutting down. Trying again in \d s \(attempt 1\).")
    ann.sees(r" demo \| ann \(host\) \| waiting to reconnect \| .*")
    ann.enters("anybody?")
    ann.sees(TIME + "You are not in the room at the moment: try again when you are back.")
    ann.types("\x03")
    ann.ends(0)


def test_sigterm_leaves(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    bob.sees(".* /help")
    bob.terminal.kill(signal.SIGTERM)
    bob.ends(0)
    ann.sees(TIME + "bob left")


@pytest.fixture
def closed_room(person: Callable[..., Person], relay: Relay) -> tuple[Person, str]:
    """Ann, and the name of her room, whose password is "open sesame"."""
    room = f"room {uuid4().hex[:8]}"
    ann = person("create", room, "--password", "--name", "ann", "--server", relay.server)
    ann.sees(f"New password for {room}:")
    ann.enters("open sesame")
    ann.sees("The same again:")
    ann.enters("open sesame")
    ann.sees(TIME + "You created .*")
    return ann, room


def test_a_room_with_a_password(person: Callable[..., Person], relay: Relay, closed_room: tuple[Person, str]) -> None:
    ann, room = closed_room
    bob = person("join", room, "--name", "bob", "--server", relay.server)
    bob.sees(f"Password for {room}:")
    bob.enters("open, Sesame!")
    bob.sees("chat: The password is wrong.")
    bob.sees(f"Password for {room}:")
    bob.enters("open sesame")
    bob.sees(TIME + f"You are in {room} as bob.")
    bob.enters("hi ann")
    ann.sees(TIME + "bob: hi ann")
    for one in (ann, bob):
        assert not [line for line in one.lines if "sesame" in line.lower()]


def test_three_wrong_passwords_are_enough(
    person: Callable[..., Person], relay: Relay, closed_room: tuple[Person, str]
) -> None:
    _, room = closed_room
    bob = person("join", room, "--name", "bob", "--server", relay.server)
    for number in range(3):
        bob.sees_times(f"Password for {room}:", number + 1)
        bob.enters("a guess")
    bob.ends(1)
    assert bob.lines == [f"Password for {room}:", "chat: The password is wrong."] * 3


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_who_doesnt_know_the_password_may_go(
    person: Callable[..., Person], relay: Relay, closed_room: tuple[Person, str], key: str
) -> None:
    _, room = closed_room
    bob = person("join", room, "--password", "--name", "bob", "--server", relay.server)
    bob.sees(f"Password for {room}:")
    bob.insists(lambda: bob.types(key))
    bob.ends(0)


def test_a_signal_ends_the_question_and_leaves_the_terminal_as_it_was(person: Callable[..., Person]) -> None:
    bob = person("join", "demo", "--password", "--name", "bob")
    bob.sees("Password for demo:")
    bob.terminal.waitnoecho(SECONDS)
    assert not bob.terminal.getecho()
    bob.insists(lambda: bob.terminal.kill(signal.SIGTERM))
    assert bob.terminal.getecho()
    bob.ends(0)


def test_a_new_password_is_typed_twice_alike(person: Callable[..., Person]) -> None:
    ann = person("create", "demo", "--password", "--name", "ann", "--server", "127.0.0.1:1")
    for number, (first, second) in enumerate((("", None), ("a", "b"), ("b", "a")), start=1):
        ann.sees_times("New password for demo:", number)
        ann.enters(first)
        if second is not None:
            ann.sees_times("The same again:", number - 1)
            ann.enters(second)
    ann.ends(2)
    assert ann.lines[-1] == "chat: No password was chosen: try again."
    assert "chat: The password is empty: type at least one character." in ann.lines
    assert ann.lines.count("chat: The two differ.") == 2
