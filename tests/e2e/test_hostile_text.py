"""What drives terminals reaches none: our clients show it harmless, whatever a relay lets through (UDP-11)."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyte
import pytest

from chatproto.text import NEWLINE_SIGN
from conformance.conftest import StartRelay, start_relay
from conformance.people import People
from e2e.hostile import SEQUENCES, HostileRelay, hostile_relay
from e2e.screen import Terminal
from e2e.test_bot_client import environment

__all__ = ["start_relay"]  # the conformance suite's fixture: relays of every setting

pytestmark = pytest.mark.timeout(300)

SECONDS = 30.0
SitDown = Callable[..., "WatchedTerminal"]
BATCH = 20
"""So many datagrams at once fit into any receive buffer, and their lines onto our terminals."""
CONTROL = [f"harmless {number}" for number in range(4 * BATCH)]
"""What shows how a program draws by itself, until long after the first lines are scrolled away."""
DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
NEWLINES = re.compile("\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
OWN = re.compile(r"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\]22;\w+\x07|[()][0-9A-Z]|[=>78])")
"""Escape sequences as programs draw with them; what they do, without the numbers in them, is `kind_of` one."""


def harmless(text: str) -> str:
    """Say how a text is shown; written apart from the code that is tested."""
    return DRIVES.sub("\ufffd", NEWLINES.sub("\u23ce", text))


def kind_of(sequence: str) -> str:
    return "colours" if sequence.endswith("m") else re.sub(r"\d+", "", sequence)


SHAPES: list[Callable[[str], tuple[str, str]]] = [
    lambda text: (f"eve: {text}", f"eve: {text}"),
    lambda text: (f"e{text}ve: hi", f"e{text}ve: hi"),
    lambda text: (f"server: {text} joined", f"{text} joined"),
    lambda text: (f"server: {text} left", f"{text} left"),
    lambda text: (f"server: {text} was disconnected: abuse", f"{text} was disconnected (abuse)"),
    lambda text: (f"server: topic: {text}", f"topic: {text}"),
    lambda text: (f"server: advice, {text}", f"advice, {text}"),
]
"""Everything that a person may see: the text that is sent, and the line that is shown."""


def fact(kind: str, **fields: object) -> str:
    """Write a notice as JSON, which spells out every character that drives a terminal (FEAT-03)."""
    return f"server: {json.dumps({'notice': kind, **fields})}"


FACTS: list[Callable[[str], tuple[str, str]]] = [
    lambda text: (fact("member_joined", name=text), f"{text} joined"),
    lambda text: (fact("topic", text=text), f"topic: {text}"),
    lambda text: (fact("members", members=[{"name": text}], total=1, part=1, more=False), f"1 here: {text}."),
    lambda text: (fact("bans", names=[text], part=1, more=False), f"Banned: {text}."),
    lambda text: (fact("command_done", command="mute", name=text), f"{text} is muted; /unmute takes it back."),
    lambda text: (fact("command_failed", code="not_banned", name=text), f"{text} isn't banned."),
    lambda text: (fact("command_failed", code="of_tomorrow", message=text), text),
    lambda text: (fact("advice", text=text), text),
]
"""The same, from a relay that grants facts."""


def deliveries(texts: list[str]) -> Iterator[tuple[str, str]]:
    """Put each text into one shape, in turn; number it, so that one finds it again."""
    for number, text in enumerate(texts):
        shape = SHAPES[0 if ":" in text else number % len(SHAPES)]  # a colon would end a name (UDP-05)
        sent, shown = shape(f"{number:03}<{text}>")
        yield sent, harmless(shown)


class WatchedTerminal(Terminal):
    """A terminal of which is known what a program did to it."""

    _waited_for = 0
    """Up to here it was read when what was waited for last had come."""

    @property
    def text(self) -> str:
        """All that was written, without what it was drawn with."""
        return OWN.sub("", self.written)

    @property
    def kinds(self) -> set[str]:
        return set(map(kind_of, OWN.findall(self.written)))

    @property
    def state(self) -> tuple[object, ...]:
        """What a sequence could have changed for good."""
        screen = self.screen
        pen = screen.cursor.attrs
        return screen.title, screen.icon_name, screen.mode, screen.margins, screen.charset, screen.g0_charset, pen

    def writes(self, text: str) -> None:
        """Wait until this has been written, after what was waited for before."""
        self.reads_until(lambda: text in OWN.sub("", self.written[self._waited_for :]), text)
        self._waited_for = len(self.written)


@contextmanager
def piped(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of our programs behind pipes until the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def relay() -> Iterator[HostileRelay]:
    with hostile_relay() as relay:
        yield relay


def test_the_corpus_is_large_and_would_do_something() -> None:
    assert len(set(SEQUENCES)) >= 200
    screen = pyte.Screen(80, 24)
    pyte.Stream(screen).feed(next(sequence for sequence in SEQUENCES if "2;title" in sequence))
    assert screen.title == "title"  # the terminal of these tests does take it where it gets it


@pytest.fixture
def sit_down() -> Iterator[SitDown]:
    with ExitStack() as stack:

        def start(*arguments: str) -> WatchedTerminal:
            terminal = WatchedTerminal(*arguments, columns=120, rows=BATCH + 10, environment=environment())
            stack.callback(terminal.process.close, force=True)
            return terminal

        yield start


def rows(text: str) -> list[str]:
    """Split what is shown where a line that was broken goes on in the next row."""
    return re.split(f"(?<={NEWLINE_SIGN})", text)


def chat_hears(terminal: WatchedTerminal, relay: HostileRelay, texts: list[str], *, lobby: bool) -> None:
    """Send each text as the relay may, and wait until the line that it becomes has been written."""
    client = relay.await_client()
    for number, (sent, _) in enumerate(deliveries(texts)):
        if lobby:
            name, _, said = sent.partition(": ")
            relay.say(said, client, lobby_name=name)
        else:
            relay.say(sent, client)
        if number % BATCH == BATCH - 1 or number == len(texts) - 1:
            terminal.writes(rows(f"{number:03}<{harmless(texts[number])}>")[0])
    written = terminal.text
    for number, text in enumerate(texts):
        assert all(row in written for row in rows(f"{number:03}<{harmless(text)}>"))


@pytest.mark.requirement("UDP-11")
@pytest.mark.parametrize("lobby", [False, True])
def test_a_terminal_gets_from_chat_only_what_chat_draws_with(sit_down: SitDown, *, lobby: bool) -> None:
    seen = []
    for texts in (CONTROL, SEQUENCES):
        with hostile_relay() as relay:
            where = ("lobby", "--server", relay.lobby) if lobby else ("join", "demo", "--server", relay.server)
            terminal = sit_down("messenger", *where, "--name", "bob")
            terminal.sees(" Connected| Nothing heard yet")
            chat_hears(terminal, relay, texts, lobby=lobby)
            terminal.enters("still here")
            terminal.writes(": still here")
            terminal.enters("/leave")
            terminal.ends()
            seen.append(terminal)
    control, attacked = seen
    assert attacked.kinds <= control.kinds
    assert attacked.state == control.state
    assert not re.search("[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]", attacked.text)


@pytest.mark.requirement("UDP-11")
@pytest.mark.parametrize("lobby", [False, True])
def test_a_pipe_gets_one_harmless_line_for_each_message(relay: HostileRelay, *, lobby: bool) -> None:
    where = ("lobby", "--server", relay.lobby) if lobby else ("join", "demo", "--server", relay.server)
    with piped("messenger", *where, "--name", "bob", "--stay") as chat:
        assert chat.stdout
        client = relay.await_client()
        assert b"You are in" in chat.stdout.readline()
        for sent, shown in deliveries(SEQUENCES):
            name, _, said = sent.partition(": ")
            relay.say(said if lobby else sent, client, lobby_name=name if lobby else None)
            assert chat.stdout.readline().decode().rstrip("\n") == shown
        chat.terminate()
        assert chat.wait(SECONDS) == 0


@pytest.mark.requirement("UDP-11", "FEAT-03")
def test_a_pipe_gets_one_harmless_line_for_each_fact(relay: HostileRelay) -> None:
    relay.grant = {"features": ["notices"]}
    with piped("messenger", "join", "demo", "--server", relay.server, "--name", "bob", "--stay") as chat:
        assert chat.stdout
        client = relay.await_client()
        assert b"You are in" in chat.stdout.readline()
        for number, text in enumerate(SEQUENCES):
            sent, shown = FACTS[number % len(FACTS)](f"{number:03}<{text}>")
            relay.say(sent, client)
            assert chat.stdout.readline().decode().rstrip("\n") == harmless(shown)
        chat.terminate()
        assert chat.wait(SECONDS) == 3  # the relay told of commands that failed


@pytest.mark.parametrize("program", ["messenger", "relay_server"])
def test_a_refusal_drives_no_terminal(relay: HostileRelay, program: str) -> None:
    relay.refusal = "".join(SEQUENCES)
    arguments = ["join", "demo", "--name", "bob", "--server", relay.server]
    if program == "relay_server":
        arguments = ["healthcheck", "--server", relay.server]
    asked = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    said = (asked.stdout + asked.stderr).decode()
    assert asked.returncode == 1
    assert harmless(relay.refusal) in said
    assert len(said.splitlines()) == 1


SCENARIO = """\
title: "Two bots listen"
rooms: [demo]
bots:
  - {name: Ann, room: demo, steps: [enter, wait: 60]}
"""


def test_the_bots_view_drives_no_terminal(relay: HostileRelay, sit_down: SitDown, tmp_path: Path) -> None:
    (tmp_path / "listen.yaml").write_text(SCENARIO)
    arguments = ("bot_client", "run", "--scenario", str(tmp_path / "listen.yaml"), "--server", relay.server)
    terminal = sit_down(*arguments)
    client = relay.await_client()
    for number, text in enumerate(SEQUENCES):
        shape = SHAPES[0] if number % 2 else SHAPES[-1]
        relay.say(shape(f"{number:03}<{text}>")[0], client)
        if number % BATCH == BATCH - 1 or number == len(SEQUENCES) - 1:
            terminal.writes(f"{number:03}<{harmless(text)}>")
    assert not re.search("[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]", terminal.text)
    assert all(sequence.endswith("m") for sequence in OWN.findall(terminal.written))  # colours, and nothing else
    assert terminal.screen.title == ""


def test_the_bots_view_drives_no_terminal_behind_a_pipe_either(relay: HostileRelay, tmp_path: Path) -> None:
    (tmp_path / "listen.yaml").write_text(SCENARIO)
    with piped("bot_client", "run", "--scenario", str(tmp_path / "listen.yaml"), "--server", relay.server) as bots:
        assert bots.stdout
        client = relay.await_client()
        for number, text in enumerate(SEQUENCES):
            relay.say(f"eve: {number:03}<{text}>", client)
            while (line := bots.stdout.readline().decode().rstrip("\n")) and f"{number:03}<" not in line:
                assert not DRIVES.search(line)
            assert line.endswith(f"eve: {number:03}<{harmless(text)}>")
        bots.terminate()
        bots.wait(SECONDS)


@pytest.mark.requirement("UDP-11")
@pytest.mark.parametrize("sanitize", ["true", "false"])
def test_a_literal_client_is_protected_by_the_relay_and_ours_by_itself(start_relay: StartRelay, sanitize: str) -> None:
    """With the setting off the very bytes reach who asks for them: the setting is what protects, where it is on."""
    own = start_relay(sanitize=sanitize, announce="false")
    room, server = f"hostile-{sanitize}", f"127.0.0.1:{own.relay.tcp_port}"
    with People(own.relay) as people:
        eve, literal = people.create(room.encode(), b"eve"), people.join(room.encode(), b"literal")
        with piped("messenger", "join", room, "--name", "bob", "--stay", "--server", server) as chat:
            assert chat.stdin
            assert chat.stdout
            chat.stdin.write(b"ready\n")
            chat.stdin.flush()
            assert eve.hear() == literal.hear() == b"bob: ready"
            assert b"You are in" in chat.stdout.readline()
            for number, text in enumerate(SEQUENCES):
                raw = f"{number:03}<{text}>"
                eve.say(raw.encode())
                shown = raw if sanitize == "false" else harmless(raw)
                assert literal.hear().decode() == f"eve: {shown}"
                assert chat.stdout.readline().decode().rstrip("\n") == f"eve: {harmless(raw)}"
            chat.terminate()
