"""Rooms whose members chat over streams, without sockets: each connection is a list of lines, on a clock of floats."""

import json
from typing import Any

from chatproto import Operation, encode_datagram
from chatproto.payloads import decode_status
from relay_server.answers import Granted
from relay_server.asked import Peer
from relay_server.core.address import parse_ip
from relay_server.core.commands import Commands
from relay_server.core.judge import Judge
from relay_server.core.moderation import Moderation
from relay_server.core.reader import MAX_UNREAD_BYTES
from relay_server.core.relay import Relay
from relay_server.core.ring import Ring
from relay_server.core.stream_relay import StreamRelay
from relay_server.net.address import make_address
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import Heard, delivered, take_out
from services.relay_server.test_control import ControlCase, frame_of

Line = dict[str, Any]
FEATURES = ["resume", "notices", "receipts"]


def peer(name: str, *, encrypted: bool = False) -> Peer:
    """Return where somebody is: an address for each first letter."""
    return Peer(parse_ip(f"10.0.0.{ord(name[0])}"), 40_000, encrypted=encrypted)


class Client:
    """A member's connection, which reads when it likes."""

    def __init__(self, case: "StreamCase", granted: Granted) -> None:
        self.case, self.granted = case, granted
        self.woken = 0
        reader = case.registry.streams.connect(granted.session, self, case.now)
        assert reader is not None
        self.reader = reader

    def wake(self) -> None:
        self.woken += 1

    def pump(self) -> None:
        raise AssertionError("nobody here is to be pumped")

    @property
    def seq(self) -> int:
        """The number that the completion told."""
        return self.granted.completion.seq

    def line(self, line: bytes) -> Any:
        return self.case.streams.take_line(self.reader, line, self.case.now)

    def send(self, **fields: Any) -> Any:
        return self.line(json.dumps(fields).encode())

    def say(self, text: str, n: int | None = None) -> Any:
        return self.send(say=text) if n is None else self.send(say=text, n=n)

    def read(self) -> list[Line]:
        """Return all that is there for it."""
        taken = b""
        while self.reader.has_more:
            taken += self.reader.take(MAX_UNREAD_BYTES)
        return [json.loads(line) for line in taken.splitlines()]

    def lose(self) -> None:
        """Let the connection break."""
        if not self.case.registry.streams.disconnect(self.reader, self.case.now):
            self.case.control.undo(self.granted, self.case.now)


class StreamCase(ControlCase):
    """A control and both data paths. The clock is where it is set to."""

    def __init__(self, *, attribution: bool = True, **policy: Any) -> None:
        super().__init__(attribution=attribution, **policy)
        self.now = 0.0
        limits = unlimited(attribution=attribution, **policy)
        commands = Commands(self.registry, Moderation(self.registry), self.events.append, hash_aside=lambda _: None)
        judge = Judge(self.registry, limits, commands)
        self.relay = Relay(self.registry, limits, judge)
        self.streams = StreamRelay(self.registry, judge)

    def begin(self, *arguments: Any, **named: Any) -> Any:
        return super().begin(*arguments, **{"now": self.now, **named})

    def request(self, name: str, **fields: Any) -> Line:
        return {"username": name, "reply": "json", "chat": "stream", "features": FEATURES, **fields}

    def enter(self, name: str, at: Peer | None = None, **fields: Any) -> Granted:
        """Create the room, or join it, and don't open the stream."""
        operation = Operation.JOIN if b"demo" in self.registry.rooms else Operation.CREATE
        return self.grant(operation, self.request(name, **fields), at or peer(name))

    def join(self, name: str, at: Peer | None = None, **fields: Any) -> Client:
        """Let somebody in who has spoken; nothing waits for it."""
        client = Client(self, self.enter(name, at, **fields))
        client.send(pong=0)
        client.read()
        return client

    def trio(self) -> tuple[Client, Client, Client]:
        """Put ann, the host, bob and eve in a room."""
        clients = self.join("ann"), self.join("bob"), self.join("eve")
        for client in clients:
            client.read()
        return clients

    def resume(self, client: Client, at: Peer | None = None, **fields: Any) -> Client:
        """Take a seat again; the new connection says nothing yet."""
        return Client(self, self.again(client, at, **fields))

    def again(self, client: Client, at: Peer | None = None, **fields: Any) -> Granted:
        granted = self.knock(client, at, **fields)
        assert isinstance(granted, Granted), granted
        return granted

    def knock(self, client: Client, at: Peer | None = None, **fields: Any) -> Any:
        """Show a client's ticket: returns a grant, a wait, or a refusal's status."""
        return self.show(client.granted.member.name, client.granted.completion.ticket, at, **fields)

    def show(self, name: str, ticket: str, at: Peer | None = None, **fields: Any) -> Any:
        """Show a ticket."""
        result = self.begin(Operation.JOIN, self.request(name, resume=ticket, **fields), at or peer(name))
        return decode_status(frame_of(result).payload)[0] if isinstance(result, bytes) else result

    def over_udp(self, granted: Granted, text: str = "") -> Any:
        """Say something over UDP; returns who gets what of it there."""
        data = encode_datagram(b"demo", granted.completion.token, text.encode())
        return delivered(self.relay.handle_datagram(data, make_address(granted.session.ip, 5000), self.now))

    def heard(self) -> list[Heard]:
        """Take out what the relay says over UDP."""
        return take_out(self.registry.outbox)

    @property
    def ring(self) -> Ring:
        ring = self.registry.rooms[b"demo"].ring
        assert ring is not None
        return ring

    def check_books(self) -> None:
        """Check that every message and every copy is accounted for, whatever goes on (STR-08)."""
        counters, rings = self.registry.stream_counters, self.registry.streams.rings
        assert counters.received == counters.accepted + sum(counters.dropped.values())
        readers = [reader for ring in rings._all.values() for reader in ring.readers]
        waiting = [reader.waiting for reader in readers]
        assert min(waiting, default=0) >= 0
        assert min([counters.sent, *counters.send_failures.values()]) >= 0
        due = sum(size * count for size, count in counters.fanout.items())
        assert due == counters.sent + sum(counters.send_failures.values()) + sum(waiting)
        assert rings.kept_bytes == sum(ring.kept_bytes for ring in rings._all.values())
        sessions = [one for one in self.registry.sessions_by_token.values() if one.place is not None]
        assert self.registry.streams.total == len(sessions)
        assert all((room.ring is not None) == bool(room.stream_sessions) for room in self.registry.rooms.values())


def texts(lines: list[Line]) -> list[str]:
    """Return what others said, as people see it."""
    said = [line for line in lines if "from" in line]
    return [f"{line['from']}: {line['text']}" if line["from"] else line["text"] for line in said]


def after(case: StreamCase, seconds: float) -> None:
    """Let time pass; whatever is due happens."""
    until = case.now + seconds
    while (due := case.registry.next_deadline()) <= until:
        case.now = max(case.now, due)
        case.registry.expire(case.now)
    case.now = until


def talk(speaker: Client, *words: str) -> None:
    for word in words:
        speaker.say(word)


def names(case: StreamCase) -> list[str]:
    room = case.registry.rooms.get(b"demo")
    return [member.name for member in room.members] if room else []


def host_of(case: StreamCase) -> str:
    host = case.registry.rooms[b"demo"].host
    return host.name if host else ""


def seqs(lines: list[Line]) -> list[int]:
    return [line["seq"] for line in lines if "seq" in line]
