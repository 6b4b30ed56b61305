"""A relay and the links to it, all in memory: what happens, happens at once, and the time is a number."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chatbrain import Brain, DeliveryState, Driver, Event, Look, Presented, RoomsAnswer, ServerAddress, Tls
from chatproto import (
    Completion,
    Feature,
    ListedMember,
    ListedRoom,
    MemberList,
    Operation,
    ProtocolError,
    Refusal,
    RefusedError,
    Server,
    ServerTransaction,
    Status,
    encode_notice,
    parse_datagram,
    parse_lobby,
)
from chatproto.receipts import encode_receipt, parse_numbered
from chatproto.stream import Leave, Ping, Pong, Say, encode_heartbeat, encode_to_relay, encode_took, parse_to_relay
from libs.chatbrain.fake_toolkit import FakePort, FakeToolkit, FakeWire
from messenger.core.conversation import Conversation
from messenger.core.entry import Entry
from messenger.core.facts import Presence
from messenger.core.history import Kind
from messenger.core.ignoring import IgnoredError
from messenger.core.messenger import Messenger
from messenger.core.trusting import KnownServersError
from messenger.presentation.wording import word

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SHOWN = ":".join(["AA"] * 32)


class RefusalError(ProtocolError):
    def __init__(self, status: Status) -> None:
        self.status = status  # type: ignore[misc]  # one class for all of them
        super().__init__()


class FakeRelay:
    """Grants what it is told to, and notes what it hears."""

    def __init__(self) -> None:
        self.verdict: Status | None = Status.OK
        """None: it isn't there."""
        self.moderation = True
        self.facts = True
        """Whether it tells facts; if not, it speaks prose."""
        self.limit = 100
        self.certificate: Look = Presented(SHOWN, None)
        self.asked: list[tuple[Operation, str, str, str | None]] = []
        self.heard: list[bytes] = []
        self.links: list[FakeLink] = []
        self.answers = True
        """Whether it answers messages that have a number (RCP-01)."""
        self.seals = True
        """Whether it knows sealed rooms."""
        self.web = ""
        """The address of its page, if it tells it (WEB-05)."""
        self.refusal = ""
        """The reason for which it takes none."""
        self.streams = False
        """Whether it carries chats over TCP, if it is asked to (STR-01)."""
        self.servers: tuple[Server, ...] = ()
        """The nodes, this one first, if it is one of several."""
        self.given_back = 0
        """How often somebody left over TCP (STR-01)."""
        self.wires: list[FakeWire] = []
        """Those of streams."""

    def called(self, wire: FakeWire) -> None:
        if self.verdict is None:
            wire.end()
        else:
            wire.open()

    def told(self, wire: FakeWire, data: bytes) -> None:
        if data == encode_to_relay(Leave()):
            self.given_back += 1
        elif wire not in self.wires:
            wire.deliver(self.answer(data, wire))
        else:
            self._take_lines(wire, data)

    def _take_lines(self, wire: FakeWire, data: bytes) -> None:
        for line in data.splitlines():
            said = parse_to_relay(line)
            if isinstance(said, Say) and said.n:
                self.heard.append(said.text.encode())
                wire.deliver(encode_took(said.n))
            elif isinstance(said, Ping):
                wire.deliver(encode_heartbeat(Pong(said.number)))

    def heard_datagram(self, port: FakePort, data: bytes) -> None:
        number = self.hear(data)
        if number and self.answers:
            port.deliver(encode_receipt(number, self.refusal))

    def answer(self, request: bytes, wire: FakeWire | None = None) -> bytes:
        transaction = ServerTransaction()
        asked = transaction.feed(request)
        assert asked
        operation, room, form = asked
        self.asked.append((operation, room, form.username, form.password))
        assert self.verdict is not None
        if self.verdict is not Status.OK:
            return transaction.refuse(RefusalError(self.verdict))
        features = form.features if self.facts else frozenset[Feature]()
        host = operation is Operation.CREATE
        stream = self.streams and form.stream and wire is not None
        if stream and wire:
            self.wires.append(wire)
        ticket = "ticket" if Feature.RESUME in features and self.streams else ""
        grant = Completion(
            b"token", host, 9001, 300.0, self.limit, self.moderation, features, ticket, stream=stream, epoch="e",
            sealed=form.sealed and self.seals, servers=self.servers, web=self.web,
        )  # fmt: skip
        return transaction.accept() + transaction.complete(grant)

    def hear(self, datagram: bytes) -> int:
        """Take a datagram; returns the number that it has, if any."""
        parsed = parse_datagram(datagram) if datagram[1:2] == b"\x05" else parse_lobby(datagram)
        assert parsed
        number, text = parse_numbered(bytes(parsed[-1])) or (0, bytes(parsed[-1]))
        self.heard.append(text)
        return number

    @property
    def words(self) -> list[str]:
        """What was said or asked; keep-alives aside."""
        return [words.decode() for words in self.heard if words]

    def says(self, text: str, link: int = -1) -> None:
        """Send a room's datagram to one of those who came, the newest first."""
        self.links[link].receive(text.encode())

    def notices(self, notice: Any, link: int = -1) -> None:
        self.links[link].receive(encode_notice(notice, json=self.facts))


class FakeLink(Driver):
    """A driver on sockets in memory, that tells what it was asked for."""

    closed = False
    tls: Tls | None = None

    def receive(self, data: bytes) -> None:
        assert not self.closed
        self.brain.receive_datagram(data, self.now)
        self.pump()

    def lose(self) -> None:
        """Let a datagram come back as undeliverable."""
        self.brain.datagram_error(self.now)
        self.pump()

    def close(self) -> None:
        self.closed = True
        super().close()


class _Looking:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class _Asking:
    """Somebody asks which rooms there are."""

    server: str
    tls: Tls | None
    on_answer: Callable[[RoomsAnswer], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLinks:
    def __init__(self, relay: FakeRelay) -> None:
        self.relay = relay
        self._toolkit = FakeToolkit(relay)
        self.looks: list[tuple[_Looking, Callable[[Look], None]]] = []
        self.fault: ValueError | None = None
        self.askings: list[_Asking] = []
        """Questions for the rooms that wait for an answer."""
        self.rooms: RoomsAnswer = RefusedError(Refusal(Status.NOT_SUPPORTED))
        """What is answered."""

    @property
    def now(self) -> float:
        return self._toolkit.now

    @now.setter
    def now(self, now: float) -> None:
        self._toolkit.now = now

    def open(self, brain: Brain, server: ServerAddress, tls: Tls | None, on_event: Callable[[Event], None]) -> FakeLink:
        assert server.port
        if self.fault:
            raise self.fault
        link = FakeLink(self._toolkit, brain, server, on_event)
        link.tls = tls
        self.relay.links.append(link)
        link.start()
        self._toolkit.pass_time()  # it begins at once
        return link

    def look_at(self, server: ServerAddress, on_look: Callable[[Look], None]) -> _Looking:
        assert server.port
        looking = _Looking()
        self.looks.append((looking, on_look))
        return looking

    def show(self) -> None:
        """Show the relay's certificate to everybody who wants to look at it."""
        looks, self.looks = self.looks, []
        for looking, on_look in looks:
            if not looking.cancelled:
                on_look(self.relay.certificate)

    def list_rooms(self, server: ServerAddress, tls: Tls | None, on_answer: Callable[[RoomsAnswer], None]) -> _Asking:
        self.askings.append(_Asking(str(server), tls, on_answer))
        return self.askings[-1]

    def tell_rooms(self, *rooms: ListedRoom) -> list[tuple[str, Tls | None]]:
        """Answer all questions for the rooms, perhaps with others than before; returns what was asked."""
        self.rooms = rooms or self.rooms
        asked = [asking for asking in self.askings if not asking.cancelled]
        self.askings = []
        for asking in asked:
            asking.on_answer(self.rooms)
        return [(asking.server, asking.tls) for asking in asked]

    def pass_time(self, seconds: float) -> None:
        self._toolkit.pass_time(seconds)


class FakeTrust:
    file = "known_servers"

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.broken = False

    def find(self, server: str) -> str | None:
        if self.broken:
            raise KnownServersError("The file can't be read.")
        return self.known.get(server)

    def remember(self, server: str, fingerprint: str) -> None:
        if self.broken:
            raise KnownServersError("The file can't be written.")
        self.known[server] = fingerprint


class FakeIgnored:
    def __init__(self) -> None:
        self.kept: dict[str, list[str]] = {}
        self.broken = False

    def names(self, host: str) -> Sequence[str]:
        if self.broken:
            raise IgnoredError("The names can't be read.")
        return self.kept.get(host, [])

    def keep(self, host: str, names: Sequence[str]) -> None:
        self.kept[host] = list(names)


class Case:
    """A person's messenger, and a relay that it speaks to."""

    def __init__(self) -> None:
        self.relay = FakeRelay()
        self.links = FakeLinks(self.relay)
        self.trust, self.ignored = FakeTrust(), FakeIgnored()
        self.today = NOON
        self.messenger = Messenger(
            self.links, self.trust, self.ignored, word=word, random=lambda: 1.0, clock=self._clock
        )
        self.changes = 0
        self.alerts: list[str] = []
        self.logged: list[str] = []
        self.messenger.on_change = self._note_change
        self.messenger.on_alert = lambda conversation, line: self.alerts.append(f"{conversation.title}: {line.text}")
        self.messenger.on_line = lambda conversation, line: self.logged.append(f"{conversation.title}: {line.text}")

    def _clock(self) -> datetime:
        return self.today + timedelta(seconds=self.links.now)

    def _note_change(self) -> None:
        self.changes += 1


def entry(room: str | None = "demo", name: str = "ann", **options: Any) -> Entry:
    return Entry.read("relay.example", room, name, **options)


def listing(*people: str, total: int = 0) -> MemberList:
    """List people, each perhaps with a mark behind the name."""
    marked = [(name.removesuffix(" (host)").removesuffix(" (muted)"), name) for name in people]
    members = [ListedMember(name, whole == f"{name} (host)", whole == f"{name} (muted)") for name, whole in marked]
    return MemberList(tuple(members), total or len(people), part=1, more=False)


def texts(lines: Iterable[Any]) -> list[str]:
    return [line.text for line in lines]


def states(conversation: Conversation) -> list[DeliveryState | None]:
    return [line.state for line in conversation.history.since(0) if line.kind is Kind.OWN]


def at(conversation: Conversation, presence: Presence) -> bool:
    """Tell whether somebody is as far in; a function, for the type checker takes an attribute for unchanged."""
    return conversation.presence is presence
