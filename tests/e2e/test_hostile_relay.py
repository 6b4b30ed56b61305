"""Our clients and a relay that wants them to hang, to fill their memory or to call it without an end."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import chain, count, cycle, repeat

import pytest

from conformance import wire
from e2e.hostile import HostileRelay, hostile_relay
from e2e.piped import Chat
from e2e.screen import Terminal
from e2e.test_bot_client import environment

pytestmark = pytest.mark.timeout(300)

ENOUGH = 5000
"""Datagrams of a flood: more than a client keeps of anything."""
LONGEST = 4090
"""Bytes of a text that still goes into a datagram."""
Flood = Callable[[], Iterator[bytes]]


def numbered(shape: str) -> Flood:
    return lambda: (shape.format(number).encode() for number in count())


def repeated(*texts: str) -> Flood:
    return lambda: cycle([text.encode()[:LONGEST] for text in texts])


def endless_list() -> Iterator[bytes]:
    return chain(
        [b"server: 3 here: ann (host),"],
        (f"server: ... {', '.join(map(str, range(at, at + 200)))},".encode() for at in count(step=200)),
    )


FLOODS: dict[str, Flood] = {
    "members": numbered("server: {} joined"),
    "members with endless names": numbered("server: {}" + "x" * 4000 + " joined"),
    "members who come and go": repeated(
        *(f"server: {name} {went}" for went in ("joined", "left") for name in range(2000))
    ),
    "hosts": numbered("server: {} is the host now"),
    "a list without an end": endless_list,
    "messages": numbered("eve: {}"),
    "marks": repeated("eve: " + ("a" + "\u0301" * 4) * 450),
    "joined faces": repeated("eve: " + "\U0001f469\u200d" * 580),
    "control characters": repeated("eve: " + "\x01" * LONGEST),
    "links": repeated("eve: " + "http://example.com/ " * 200),
    "topics": numbered("server: topic: {}" + "y" * 4000),
    "questions": numbered("server: can you hear me? /here {:016x}"),
}


@pytest.fixture
def relay() -> Iterator[HostileRelay]:
    with hostile_relay() as relay:
        yield relay


@pytest.fixture
def terminal(relay: HostileRelay) -> Iterator[Terminal]:
    where = ("join", "demo", "--server", relay.server, "--name", "bob")
    terminal = Terminal("messenger", *where, columns=120, environment=environment())
    yield terminal
    terminal.process.close(force=True)


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_under_a_flood_chat_takes_what_is_typed_and_ends(relay: HostileRelay, terminal: Terminal, flood: Flood) -> None:
    client = relay.await_client()
    terminal.sees(" Connected")
    heard = threading.Event()

    def hear() -> None:
        relay.hears("still here")
        heard.set()

    hearing = threading.Thread(target=hear)
    hearing.start()  # from now on, or answers to the flood would leave no room for what is typed
    with relay.flood(flood(), client):
        terminal.reads_until(lambda: relay.sent > ENOUGH, "the flood")
        terminal.enters("still here")
        terminal.reads_until(heard.is_set, "what was typed")
        hearing.join()
        terminal.enters("/leave")
        terminal.ends()


def test_the_client_backs_off_from_a_relay_that_evicts_after_every_join(
    relay: HostileRelay, terminal: Terminal
) -> None:
    throwing = threading.Event()

    def throw_out() -> None:
        while not throwing.is_set():
            with suppress(TimeoutError):
                relay.say("server: disconnected: silence", relay.await_client())

    thrower = threading.Thread(target=throw_out)
    thrower.start()
    # Half a second at first, twice as long each time, by chance up to half less: this is the fifth pause or the sixth.
    terminal.sees(r"Reconnecting in ([5-9]|1\d) s")
    assert relay.joins <= 6
    terminal.enters("/leave")
    terminal.ends()
    throwing.set()
    relay.say("stop", ("127.0.0.1", int(relay.lobby.rpartition(":")[2])))
    thrower.join()


WRONG_GRANTS = {
    "no message": {"max_message_bytes": 0},
    "messages of less than nothing": {"max_message_bytes": -1},
    "no port": {"udp_port": 0},
    "a port beyond all": {"udp_port": 65536},
    "an endless port": {"udp_port": float("inf")},
    "no time": {"silence_timeout_seconds": float("nan")},
    "endless time": {"silence_timeout_seconds": float("inf")},
    "time that goes back": {"silence_timeout_seconds": -1e308},
    "a number of 4000 digits": {"udp_port": 10**3999},
    "words for numbers": {"max_message_bytes": "many"},
    "an endless token": {"token": "t" * 256},
    "no token": {"token": ""},
}
STRANGE_GRANTS = {
    "long messages": {"max_message_bytes": 2**63},
    "much time": {"silence_timeout_seconds": 1e308},
    "little time": {"silence_timeout_seconds": 1e-308},
}


@pytest.fixture(params=["in the clear", "by TLS"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "by TLS")


def joining(relay: HostileRelay, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "messenger", "join", "demo", "--name", "bob", "--server", relay.server, *options],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def check_one_sentence(asked: "subprocess.CompletedProcess[str]", part: str) -> None:
    assert (asked.returncode, asked.stdout) == (1, ""), asked
    assert re.fullmatch(rf"chat: .*{part}.*\n", asked.stderr), asked


@pytest.mark.parametrize("grant", WRONG_GRANTS.values(), ids=WRONG_GRANTS)
def test_an_invalid_completion_is_one_clear_error(relay: HostileRelay, grant: dict[str, object]) -> None:
    relay.grant = grant
    check_one_sentence(joining(relay), "what answers isn't a chat relay")


@pytest.mark.parametrize("grant", STRANGE_GRANTS.values(), ids=STRANGE_GRANTS)
def test_an_unusual_completion_does_no_harm(relay: HostileRelay, grant: dict[str, object]) -> None:
    relay.grant = grant
    asked = joining(relay)
    assert (asked.returncode, asked.stdout) == (0, "")


def megabyte_of_status() -> Iterator[bytes]:
    status = json.dumps({"status": 5, "message": "x" * 2**20}).encode()
    yield wire.frame(wire.JOIN, wire.REPLY, b"demo", status)


def trickle(data: bytes) -> Iterator[bytes]:
    """Send five bytes a second: no pause is long, and the end never comes."""
    pace = threading.Event()
    for byte in data:
        pace.wait(0.2)
        yield bytes([byte])


REPLIES: dict[str, tuple[Callable[[], Iterator[bytes]], str, str]] = {
    "byte by byte": (lambda: trickle(wire.frame(wire.JOIN, wire.REPLY, b"demo", bytes(4000))), "in time", "over TLS"),
    "a TLS record byte by byte": (lambda: trickle(b"\x16\x03\x03\x40\x00" + bytes(16_384)), "in time", "in time"),
    "without an end": (lambda: repeat(b"\x04\x02\x01" * 10_000), "isn't a chat relay", "over TLS"),
    "nothing but noughts": (lambda: repeat(bytes(65536)), "isn't a chat relay", "over TLS"),
    "a megabyte of status": (megabyte_of_status, "isn't a chat relay", "over TLS"),
    "half a TLS record": (lambda: repeat(b"\x16\x03\x03\x40\x00" + b"\x02" * 16_384), "chat relay", "over TLS"),
}


@pytest.mark.parametrize(("reply", "plain", "encrypted"), REPLIES.values(), ids=REPLIES)
def test_the_client_gives_up_on_an_invalid_answer(
    relay: HostileRelay, reply: Callable[[], Iterator[bytes]], plain: str, encrypted: str, *, secure: bool
) -> None:
    relay.reply = reply()
    check_one_sentence(joining(relay, *(["--tls"] if secure else [])), encrypted if secure else plain)


def test_datagrams_from_other_addresses_are_ignored(relay: HostileRelay) -> None:
    with (
        closing(Chat("join", "demo", "--name", "bob", "--stay", "--server", relay.server)) as chat,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        client = relay.await_client()
        stranger.sendto(b"eve: I am the relay", client)
        stranger.sendto(b"server: disconnected: kicked", client)
        relay.say("eve: hi", client)
        chat.hears("eve: hi")
