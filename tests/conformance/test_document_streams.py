"""The session in docs/protocol.md happens byte for byte, and the client there loses no word over broken connections."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.cuts import Way
from conformance.people import call
from conformance.relays import Relay
from conformance.test_document_client import DOCUMENT, Chatter, save_client
from conformance.tls import Authority

pytestmark = pytest.mark.level("extension")

Talk = Callable[..., Chatter]
OPERATIONS: Final = {"create": wire.CREATE, "join": wire.JOIN}
STATES: Final = {"reply": wire.REPLY, "completion": wire.COMPLETION}
CHOSEN: Final = "token", "resume", "epoch"
"""What a relay chooses for a completion, at random."""


class Stream:
    """A connection whose bytes the test writes and reads itself."""

    def __init__(self, relay: Relay, room: bytes) -> None:
        self.relay = relay
        self.connection = call(relay)
        self._file = self.connection.makefile("rb")
        self._room = room

    def ask(self, operation: int, payload: bytes) -> None:
        self.connection.sendall(wire.frame(operation, wire.REQUEST, self._room, payload))

    def read_payload(self, state: int) -> bytes:
        received = wire.read_frame(self.connection)
        assert received, "expected a frame, saw the connection end"
        assert (received.state, received.room) == (state, self._room)
        return received.payload

    def send(self, line: str) -> None:
        self.connection.sendall(line.encode() + b"\n")

    def read(self) -> str:
        """Return the next line that is no question whether anybody is there; nothing at the end."""
        while (line := self._file.readline().decode()) == '{"ping":0}\n':
            self.send('{"pong":0}')
        return line.removesuffix("\n")

    def close(self) -> None:
        self._file.close()
        self.connection.close()


class Session:
    """Goes through a session that a document shows, with a relay that chooses other tokens, tickets and a port."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._streams: dict[str, Stream] = {}
        self._real = {'"udp_port": 9001': f'"udp_port": {relay.udp_port}'}
        """What stands for what, in this relay's words."""

    def play(self, text: str) -> None:
        for step in re.sub(r"\n +", " ", text).splitlines():
            name, mark, what = (*step.split(" ", 2), "")[:3]
            kind, _, payload = what.partition(" ")
            if mark == "x":
                self._streams.pop(name).close()
            elif mark == ">":
                self._send(name, kind, payload, what)
            elif kind in STATES:
                said = self._streams[name].read_payload(STATES[kind]).decode()
                self._learn(json.loads(payload), json.loads(said))
                assert said == self._translate(payload), step
            else:
                assert self._streams[name].read() == ("" if what == "x" else what), step

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()

    def _send(self, name: str, kind: str, payload: str, what: str) -> None:
        if kind in OPERATIONS:
            self._streams[name] = Stream(self._relay, b"lab")
            self._streams[name].ask(OPERATIONS[kind], self._translate(payload).encode())
        else:
            self._streams[name].send(what)

    def _learn(self, shown: dict[str, str], said: dict[str, str]) -> None:
        for key in CHOSEN:
            if key in shown:
                assert self._real.setdefault(shown[key], said[key]) == said[key]

    def _translate(self, text: str) -> str:
        for shown, real in self._real.items():
            text = text.replace(shown, real)
        return text


@pytest.mark.requirement("STR-01", "STR-02", "STR-03", "STR-05", "STR-06")
def test_the_session_is_real(start_relay: StartRelay) -> None:
    (text,) = re.findall(r"^```transcript\n(.+?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    session = Session(start_relay().relay)
    try:
        session.play(text)
    finally:
        session.close()


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_client("A client for streams", tmp_path_factory.mktemp("stream_client"))


@pytest.mark.requirement("STR-01")
def test_it_has_under_sixty_lines(client: Path) -> None:
    assert sum(bool(line.strip()) for line in client.read_text(encoding="utf-8").splitlines()) < 60


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def talk(client: Path) -> Iterator[Talk]:
    """Start the document's client, as often as it is wanted."""
    chatters = []

    def start(relay: Relay, verb: str, room: bytes, name: str, *options: str, **variables: str) -> Chatter:
        chatters.append(Chatter(client, relay, verb, room, name, *options, **variables))
        return chatters[-1]

    yield start
    for chatter in chatters:
        chatter.process.kill()
        chatter.process.communicate()


@pytest.fixture
def ann(start_relay: StartRelay, authority: Authority, room: bytes) -> Iterator[Stream]:
    """Create the room as Ann, without TLS, on a relay that has a certificate."""
    stream = Stream(start_relay(**authority.settings).relay, room)
    stream.ask(wire.CREATE, b'{"username": "ann", "reply": "json", "features": ["resume"], "chat": "stream"}')
    for state in (wire.REPLY, wire.COMPLETION):
        stream.read_payload(state)
    yield stream
    stream.close()


@pytest.fixture
def way(ann: Stream) -> Iterator[Way]:
    way = Way(ann.relay)
    yield way
    way.close()


def hears(stream: Stream, **expected: str | int) -> None:
    """Check that the next line has this, at whatever place."""
    fields = json.loads(stream.read())
    assert {key: fields.get(key) for key in expected} == expected


@pytest.mark.parametrize("options", [(), ("tls",)], ids=["plain", "tls"])
@pytest.mark.requirement("STR-03", "STR-04", "STR-05", "STR-06")
def test_no_word_is_lost_or_repeated_over_a_broken_connection(
    talk: Talk, ann: Stream, way: Way, room: bytes, authority: Authority, options: tuple[str, ...]
) -> None:
    beside = replace(ann.relay, tcp_port=way.port)
    bob = talk(beside, "join", room, "bob", *options, SSL_CERT_FILE=str(authority.ca_file))
    assert bob.reads() == f"You are in {room.decode()}."
    hears(ann, notice="member_joined", name="bob")
    bob.type("one")
    hears(ann, **{"from": "bob"}, text="one")
    ann.send('{"say":"hi","n":1}')
    hears(ann, took=1)
    assert bob.reads() == "ann: hi"  # and before that, that "one" was taken
    way.swallow_answers()
    bob.type("two")
    hears(ann, **{"from": "bob"}, text="two")
    way.cut()
    assert bob.reads().startswith("Cut off: ")
    bob.type("three")
    ann.send('{"say":"while you were away","n":2}')
    hears(ann, took=2)
    way.mend()
    while (line := bob.reads()).startswith("Cut off: "):
        pass
    assert [line, bob.reads()] == [f"You are in {room.decode()}.", "ann: while you were away"]
    hears(ann, **{"from": "bob"}, text="three")
    assert bob.close() == (0, "")
    hears(ann, notice="member_left", name="bob")


@pytest.mark.requirement("STR-02", "STR-03", "STR-07")
def test_what_is_refused_for_its_rate_is_said_later_in_its_order(
    talk: Talk, start_relay: StartRelay, room: bytes
) -> None:
    relay = start_relay(message_rate=4, message_burst=4).relay
    ann = talk(relay, "create", room, "ann")
    assert ann.reads() == f"You are in {room.decode()}."
    bob = talk(relay, "join", room, "bob")
    assert json.loads(ann.reads())["notice"] == "member_joined"
    words = [f"{number}" for number in range(9)]
    for word in words:
        bob.type(word)
    assert [ann.reads() for _ in words] == [f"bob: {word}" for word in words]
    code, errors = bob.close()
    assert (code, errors) == (0, "")


@pytest.mark.requirement("STR-03")
def test_it_stops_when_it_is_removed_or_refused(talk: Talk, ann: Stream, room: bytes) -> None:
    bob = talk(ann.relay, "join", room, "bob")
    hears(ann, notice="member_joined", name="bob")
    ann.send('{"say":"/kick bob","n":1}')
    assert bob.reads() == f"You are in {room.decode()}."
    assert json.loads(bob.reads())["bye"] == "kicked"
    assert bob.process.wait(wire.WAIT_SECONDS) == 1
    refused = talk(ann.relay, "create", room, "eve")
    assert refused.close() == (1, "A room of this name exists already: join it or choose another name.\n")


@pytest.mark.requirement("UDP-11")
def test_it_prints_no_control_characters(talk: Talk, start_relay: StartRelay, room: bytes) -> None:
    relay = start_relay(sanitize="false").relay
    ann = talk(relay, "create", room, "ann")
    assert ann.reads() == f"You are in {room.decode()}."
    bob = talk(relay, "join", room, "bob")
    assert json.loads(ann.reads())["notice"] == "member_joined"
    bob.type("\x1b[2Jhi\x07")
    assert ann.reads() == "bob: \ufffd[2Jhi\ufffd"
