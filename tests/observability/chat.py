"""A chat that shows everything the dashboards have panels for, watched by Prometheus."""

import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.relays import OwnRelay, Relay
from e2e.streaming import StreamMember
from observability.prometheus import Prometheus
from ports import free_ports

SCENARIO: Final = Path(__file__).with_name("scenario.yaml")
PROBES_A_SECOND: Final = 10

_STOP_SECONDS: Final = 10.0
_JUNK_SECONDS: Final = (0.05, 2.0)
_SAY_SECONDS: Final = (0.1, 1.0)
_SAID_A_STREAM: Final = 8

# Evictions for silence soon, and the limits that the others of `make run` have but for those on comings.
_SETTINGS: Final = {"RELAY_SILENCE_TIMEOUT_SECONDS": "3", "RELAY_MESSAGE_RATE": "20"}


@dataclass(frozen=True, slots=True)
class WatchedChat:
    """What runs."""

    relay: OwnRelay
    bots: Mapping[str, subprocess.Popen[bytes]]
    prometheus: Prometheus

    def check(self) -> None:
        """Fail if one of the programs has ended."""
        assert self.relay.process.poll() is None, self.relay.said()
        assert {name: bots.poll() for name, bots in self.bots.items()} == dict.fromkeys(self.bots)


@contextmanager
def watched_chat(folder: Path, **settings: str) -> Iterator[WatchedChat]:
    """Run a relay, bots, people on streams, somebody who sends junk, and a Prometheus that scrapes each second."""
    with ExitStack() as stack:
        relay = OwnRelay(folder / "relay.log", _SETTINGS | settings)
        stack.callback(relay.stop)
        bot_port, probe_port = free_ports(2)
        bots = {
            "bot": _bots(relay.relay, str(SCENARIO), bot_port),
            "probe": _bots(relay.relay, "probe", probe_port, rate=PROBES_A_SECOND),
        }
        for process in bots.values():
            stack.callback(_stop, process)
        stack.enter_context(_repeatedly(_send_junk, relay.relay))
        stack.enter_context(_repeatedly(_chat_over_streams, relay.relay))
        targets = {"relay": [relay.ops_port], "bot": [bot_port], "probe": [probe_port]}
        prometheus = stack.enter_context(Prometheus(folder, targets))
        yield WatchedChat(relay, bots, prometheus)


def _bots(relay: Relay, scenario: str, metrics_port: int, *, rate: int = 1) -> subprocess.Popen[bytes]:
    flags = {
        "scenario": scenario,
        "server": f"127.0.0.1:{relay.tcp_port}",
        "lobby-port": relay.lobby_port,
        "rate": rate,
        "report-seconds": 0,
        "metrics-port": metrics_port,
    }
    command = [sys.executable, "-m", "bot_client", "run", *(f"--{name}={value}" for name, value in flags.items())]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    finally:
        process.kill()


def _send_junk(relay: Relay, over: threading.Event) -> None:
    """Send the relay now and then what it must drop: too long, cut short, and with tokens that nobody has."""
    pieces = [b"\xff", b"\x04\x10tea", b"\x03\x08tea" + bytes(8) + b"hello", bytes(4097)]
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        while not over.wait(random.uniform(*_JUNK_SECONDS)):
            sender.sendto(random.choice(pieces), ("127.0.0.1", relay.udp_port))


def _chat_over_streams(relay: Relay, over: threading.Event) -> None:
    """Let two chat over streams; one of them is cut for a line that is none now and then, and comes back."""
    with StreamMember(relay, "stream", "rill", create=True) as rill:
        ticket = ""
        while not over.is_set():
            with StreamMember(relay, "stream", "brook", ticket=ticket) as brook:
                ticket = brook.granted["resume"]
                brook.speak_up()
                number = 0
                while number < _SAID_A_STREAM and not over.wait(random.uniform(*_SAY_SECONDS)):
                    number += 1
                    rill.send(say=f"drop {number}")
                    brook.send(say=f"splash {number}")
                    for member in (rill, brook):
                        member.hear("text")
                brook.send_raw(b"rubble\n")
                brook.hear("bye")


@contextmanager
def _repeatedly(work: Callable[[Relay, threading.Event], None], relay: Relay) -> Iterator[None]:
    """Do this in a thread until the event is set."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(relay, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
