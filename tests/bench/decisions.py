"""Measure what the relay's core takes for each kind of message, interpreted and compiled: `make bench-compiled`.

Nothing is sent: the figures are of the decision, and of laying out what would be sent.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from time import process_time
from typing import TYPE_CHECKING, Final

from chatproto import encode_lobby
from chatproto.receipts import encode_numbered
from relay_server.built import BUILD
from relay_server.core.judge import Judge
from relay_server.core.lobby import Lobby
from relay_server.core.model import Member
from relay_server.core.policy import Policy
from relay_server.core.receipts import SaidNumbers
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.core.stream_relay import StreamRelay
from relay_server.net.address import locate, make_address
from relay_server.net.fanout import pack_batches

if TYPE_CHECKING:
    from relay_server.core.audience import Forward

RUNS: Final = 5
"""Of each program; the best one counts, for other programs only ever take time."""
MESSAGES: Final = 6400
TOGETHER: Final = 64
"""So many datagrams are taken from the kernel at once."""
ROOMS, MEMBERS = 20, 20
NOW: Final = 1.0
TEXT: Final = b"Are you coming to the harbour festival on Saturday, or is your sister still ill? Bring a warm coat."
WORDS: Final = "港のお祭りに土曜日に来ますか。それとも妹さんはまだ具合が悪いですか。".encode()
POLICY: Final = Policy(
    silence_timeout_seconds=900.0, pending_timeout_seconds=30.0, max_session_seconds=43_200.0, host_grace_seconds=0.0,
    max_rooms=0, max_members=0, max_members_per_room=0, max_members_per_address=0, max_rooms_per_address=0,
    message_rate=1e9, message_burst=10**9, byte_rate=1e12, join_rate=0.0, password_guesses_per_minute=0.0,
    attribution=True, sanitize=False, leave_commands=True, announce=True, provisional_address=False, max_streams=0,
    resume_seconds=120.0, ring_bytes=0,
)  # fmt: skip


class Wire:
    """A stream's connection that takes whatever there is."""

    def wake(self) -> None:
        """Wait until `Town.read` asks."""

    pump = wake


class Town:
    """Rooms full of members, who have all been heard."""

    def __init__(self, *, streams: bool = False, numbered: bool = False) -> None:
        nonces = count()
        self.registry = Registry(POLICY, lambda _: None, lambda: f"{next(nonces):016x}", locate)
        judge = Judge(self.registry, POLICY)
        self.relay, self.streams = Relay(self.registry, POLICY, judge), StreamRelay(self.registry, judge)
        self.members = [self._enter(number, stream=streams) for number in range(ROOMS * MEMBERS)]
        self.readers = []
        for member in self.members:
            session = member.session
            if numbered:
                session.said = SaidNumbers()
            if streams:
                reader = self.registry.streams.connect(session, Wire(), NOW)
                assert reader is not None
                self.registry.streams.hear(reader, NOW)
                self.readers.append(reader)
            else:
                self.relay.handle_datagram(session.header, self.address(member), NOW)
        self.registry.outbox.clear()

    @staticmethod
    def address(member: Member) -> bytes:
        """Return where a member speaks from."""
        return make_address(member.ip, 49_152)

    def _enter(self, number: int, *, stream: bool) -> Member:
        enter = self.registry.create_room if number % MEMBERS == 0 else self.registry.join_room
        ip = bytes(10) + b"\xff\xff\x0a" + number.to_bytes(3, "big")
        return enter(b"room-%d" % (number // MEMBERS), f"m{number}", b"%022d" % number, ip, NOW, stream=stream)

    def speak(self, texts: Callable[[Member], bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Write a message of each member in turn, of another room each time, and where it comes from."""
        for number in range(MESSAGES):
            member = self.members[number * 7919 % len(self.members)]
            yield member.session.header + texts(member), self.address(member)


def datagrams(text: bytes, *, numbered: bool = False) -> Callable[[], None]:
    """Say something by datagrams."""
    town, numbers = Town(numbered=numbered), count(1)
    said = list(town.speak(lambda _: encode_numbered(next(numbers), text) if numbered else text))

    def run() -> None:
        if numbered:
            for member in town.members:
                member.session.said = SaidNumbers()
        forward(town.relay.handle_datagram, said)
        town.relay.receipts.clear()

    return run


def forward(handle: Callable[[bytes, bytes, float], object], said: list[tuple[bytes, bytes]]) -> None:
    """Do with datagrams as a port does, but for the kernel."""
    for start in range(0, len(said), TOGETHER):
        forwards: list[Forward] = []
        for data, address in said[start : start + TOGETHER]:
            result = handle(data, address, NOW)
            if type(result) is tuple:
                forwards.append(result)
        assert forwards
        pack_batches(forwards, together=True)


def lobby() -> Callable[[], None]:
    """Say something in the lobby, where 20 are."""
    place = Lobby(POLICY, lambda _: None, lambda: "nonce", locate)
    addresses = [make_address(bytes(10) + b"\xff\xff\x0a\0\0" + bytes([number]), 40_000) for number in range(1, 21)]
    said = [(encode_lobby(b"m%d" % (number % 20), TEXT), addresses[number % 20]) for number in range(MESSAGES)]
    return lambda: forward(place.handle_datagram, said)


def streams() -> Callable[[], None]:
    """Say something over streams, and let everybody read."""
    town = Town(streams=True)
    line = json.dumps({"say": TEXT.decode()}).encode()
    readers = [town.readers[number * 7919 % len(town.readers)] for number in range(MESSAGES)]

    def run() -> None:
        for start in range(0, MESSAGES, TOGETHER):
            for reader in readers[start : start + TOGETHER]:
                town.streams.take_line(reader, line, NOW)
            for ring in town.registry.streams.rings.take_woken():
                for reader in ring.readers:
                    reader.take(65_536)
                ring.rest()

    return run


def joins() -> Callable[[], None]:
    """Let members come and go."""
    town = Town()
    ip = bytes(10) + b"\xff\xff\x0b\0\0\1"

    def run() -> None:
        for number in range(MESSAGES):
            room = b"room-%d" % (number % ROOMS)
            town.registry.leave(town.registry.join_room(room, "newcomer", b"%022d" % number, ip, NOW), NOW)
            town.registry.outbox.clear()

    return run


KINDS: Final[Mapping[str, Callable[[], Callable[[], None]]]] = {
    "datagrams": lambda: datagrams(TEXT),
    "datagrams, not ASCII": lambda: datagrams(WORDS),
    "datagrams with numbers": lambda: datagrams(TEXT, numbered=True),
    "lobby": lobby,
    "streams": streams,
    "joins": joins,
}


def measure() -> dict[str, float]:
    """Return what a message of each kind takes, in microseconds of processor time."""
    found = {}
    for kind, prepare in KINDS.items():
        run, best = prepare(), float("inf")
        for _ in range(RUNS):
            began = process_time()
            run()
            best = min(best, process_time() - began)
        found[kind] = best / MESSAGES * 1e6
    return found


def compare(folder: str) -> None:
    """Measure in fresh processes, without this folder of compiled packages and with it in turn, and print the best."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(RUNS):
        for path in ("", folder):
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (path, *sys.path)))}
            done = subprocess.run(
                [sys.executable, "-m", __spec__.name], env=environment, capture_output=True, text=True, check=True
            )
            build, found = json.loads(done.stdout)
            known = best.setdefault(build, found)
            best[build] = {kind: min(known[kind], found[kind]) for kind in found}
    print(f"{'us of CPU a message':24} {'interpreted':>12} {'compiled':>9} {'ratio':>6}")
    for kind, slow in best["interpreted"].items():
        fast = best["compiled"][kind]
        print(f"{kind:24} {slow:12.2f} {fast:9.2f} {slow / fast:6.2f}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="bench.decisions", description="Measure what deciding about messages takes.")
    parser.add_argument("--compiled", metavar="FOLDER", help="compare with the packages in this folder")
    arguments = parser.parse_args()
    if arguments.compiled:
        compare(arguments.compiled)
    else:
        print(json.dumps([BUILD, measure()]))


if __name__ == "__main__":
    main()
