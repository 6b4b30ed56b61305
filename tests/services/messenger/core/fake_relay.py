"""A relay and the links to it, all in memory: what happens, happens at once, and the time is a number."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from chatbrain import (
    BindDatagram,
    Brain,
    CloseDatagram,
    CloseStream,
    Event,
    LobbyBrain,
    OpenStream,
    Presented,
    RoomBrain,
    SendDatagram,
    SendStream,
    ServerAddress,
    Tls,
)
from chatproto import (
    Completion,
    Operation,
    ProtocolError,
    ServerTransaction,
    Status,
    encode_notice,
    parse_datagram,
    parse_lobby,
)
from messenger.core.conversation import Conversation, Presence
from messenger.core.entry import Entry
from messenger.core.links import Look
from messenger.core.messenger import Messenger
from messenger.known_servers import KnownServersError

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
        self.limit = 100
        self.certificate: Look = Presented(SHOWN, None)
        self.asked: list[tuple[Operation, str, str, str | None]] = []
        self.heard: list[bytes] = []
        self.links: list[FakeLink] = []

    def answer(self, request: bytes) -> bytes:
        transaction = ServerTransaction()
        asked = transaction.feed(request)
        assert asked
        operation, room, form = asked
        self.asked.append((operation, room, form.username, form.password))
        assert self.verdict is not None
        if self.verdict is not Status.OK:
            return transaction.refuse(RefusalError(self.verdict))
        grant = Completion(b"token", operation is Operation.CREATE, 9001, 300.0, self.limit, self.moderation)
        return transaction.accept() + transaction.complete(grant)

    def hear(self, datagram: bytes) -> None:
        parsed = parse_datagram(datagram) if datagram[1:2] == b"\x05" else parse_lobby(datagram)
        assert parsed
        self.heard.append(bytes(parsed[-1]))

    @property
    def words(self) -> list[str]:
        """What was said or asked; keep-alives aside."""
        return [words.decode() for words in self.heard if words]

    def says(self, text: str, link: int = -1) -> None:
        """Send a room's datagram to one of those who came, the newest first."""
        self.links[link].receive(text.encode())

    def notices(self, notice: Any, link: int = -1) -> None:
        self.links[link].receive(encode_notice(notice))


class FakeLink:
    def __init__(self, links: "FakeLinks", brain: Brain, tls: Tls | None, on_event: Callable[[Event], None]) -> None:
        self.brain = brain
        self.tls = tls
        self.closed = False
        self._links = links
        self._on_event = on_event

    def start(self) -> None:
        assert isinstance(self.brain, RoomBrain | LobbyBrain)
        self.brain.start(self._links.now)
        self.pump()

    def pump(self) -> None:
        while actions := self.brain.take_actions():
            for action in actions:
                self._carry_out(action)
        for event in self.brain.take_events():
            self._on_event(event)

    def _carry_out(self, action: Any) -> None:
        relay, now, brain = self._links.relay, self._links.now, self.brain
        match action:
            case OpenStream():
                assert isinstance(brain, RoomBrain)
                if relay.verdict is None:
                    brain.stream_closed(now)
                else:
                    brain.connected("10.0.0.1")
            case SendStream(data):
                assert isinstance(brain, RoomBrain)
                brain.receive_stream(relay.answer(data), now)
            case SendDatagram(data) if not self.closed:
                relay.hear(data)
            case BindDatagram() | CloseDatagram() | CloseStream():
                pass

    def receive(self, data: bytes) -> None:
        assert not self.closed
        self.brain.receive_datagram(data, self._links.now)
        self.pump()

    def close(self) -> None:
        self.closed = True


class _Looking:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLinks:
    def __init__(self, relay: FakeRelay) -> None:
        self.relay = relay
        self.now = 0.0
        self.looks: list[tuple[_Looking, Callable[[Look], None]]] = []
        self.fault: ValueError | None = None

    def open(self, brain: Brain, server: ServerAddress, tls: Tls | None, on_event: Callable[[Event], None]) -> FakeLink:
        assert server.port
        if self.fault:
            raise self.fault
        link = FakeLink(self, brain, tls, on_event)
        self.relay.links.append(link)
        link.start()
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

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for link in self.relay.links:
            if not link.closed:
                link.brain.tick(self.now)
                link.pump()


class FakeTrust:
    place = "known_servers"

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


class Case:
    """A person's messenger, and a relay that it speaks to."""

    def __init__(self) -> None:
        self.relay = FakeRelay()
        self.links = FakeLinks(self.relay)
        self.trust = FakeTrust()
        self.today = NOON
        self.messenger = Messenger(self.links, self.trust, random=lambda: 1.0, clock=self._clock)
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


def texts(lines: Iterable[Any]) -> list[str]:
    return [line.text for line in lines]


def at(conversation: Conversation, presence: Presence) -> bool:
    """Tell whether somebody is as far in; a function, for the type checker takes an attribute for unchanged."""
    return conversation.presence is presence
