"""Brains whose chat is a stream, a relay in memory that keeps its promises, and connections that break.

Nothing here reads a clock or waits: a seed gives the same run each time.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable
from itertools import count
from math import inf
from random import Random

from chatbrain import RoomBrain, Stage, Transport
from chatbrain.actions import CloseStream, OpenStream, SendStream
from chatbrain.events import Delivery, DeliveryState, Event, Message, Missed
from chatproto import Completion, Feature, Operation, ProtocolError, Request, ServerTransaction, Status
from chatproto.stream import (
    STREAM_WINDOW,
    Leave,
    LineDecoder,
    Ping,
    Pong,
    Say,
    encode_bye,
    encode_entry,
    encode_gone,
    encode_heartbeat,
    encode_refused,
    encode_took,
    parse_to_relay,
)

FEATURES = frozenset({Feature.NOTICES, Feature.RECEIPTS, Feature.RESUME})
DELAY_SECONDS = (0.005, 0.06)
ROUNDING_SECONDS = 1e-6
WORDS = 60
"""So many everybody says."""


class _RefusedError(ProtocolError):
    def __init__(self, status: Status) -> None:
        self.status = status  # type: ignore[misc]  # one class for all of them
        super().__init__(status.message)


class World:
    """Virtual time, and what is planned in it."""

    def __init__(self, seed: int, *, ring: int = 1024, refused: float = 0.0) -> None:
        self.now = 0.0
        self.chance = Random(seed)
        self.relay = FakeRelay(self, ring, refused)
        self.blocked = False
        """Whether nobody reaches the relay."""
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def plan(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._plans, (max(at, self.now), next(self._order), what))

    def run(self, until: float) -> None:
        while self._plans and self._plans[0][0] <= until:
            self.now, _, what = heapq.heappop(self._plans)
            what()
        self.now = until


class FakeRelay:
    """One room, its numbering and its ring."""

    def __init__(self, world: World, ring: int, refused: float) -> None:
        self.world = world
        self.refused = refused
        self.epoch, self.seq = "e1", 0
        self.entries: deque[tuple[int, str, str]] = deque(maxlen=ring)
        self.taken: dict[str, int] = {}
        """The place of each text that was ever taken."""
        self.seats: dict[str, FakeSeat] = {}
        self.tickets: dict[str, FakeSeat] = {}
        self.numbers = count(1)

    def forget(self, name: str) -> None:
        """Give up a seat whose stream was away for too long."""
        seat = self.seats.pop(name)
        self.tickets = {ticket: other for ticket, other in self.tickets.items() if other is not seat}
        if seat.link:
            seat.link.end("slow")

    def renumber(self) -> None:
        """Count anew, as after a restart that kept the seats."""
        self.epoch += "x"
        self.seq = 0
        self.entries.clear()

    def admit(self, link: "FakeLink", request: Request) -> Completion | Status:
        if request.ticket:
            seat = self.tickets.get(request.ticket)
            if seat is None:
                return Status.NO_SEAT
            link.heard = request.heard if request.epoch == self.epoch else None
        else:
            seat = self.seats.get(request.username)
            if seat is None:
                seat = self.seats[request.username] = FakeSeat(request.username, request.attempt)
            elif seat.attempt != request.attempt:  # it would be the same answer again (RES-02)
                return Status.NAME_TAKEN
            seat.link, link.used = link, True
        link.seat, link.ticket = seat, f"ticket {next(self.numbers)}"
        self.tickets[link.ticket] = seat
        return Completion(
            b"token", False, 9001, 300.0, 100, True, FEATURES, link.ticket, stream=True, epoch=self.epoch, seq=self.seq
        )

    def take(self, seat: "FakeSeat", said: Say) -> bytes:
        """Take what somebody says; returns the answer."""
        assert said.n
        if said.n in seat.window:
            return encode_took(said.n, seat.window[said.n])
        if self.world.chance.random() < self.refused:
            return encode_refused(said.n, "message_rate", "Slow down.")
        assert said.text not in self.taken, f"{said.text} was relayed twice"
        self.seq += 1
        self.entries.append((self.seq, seat.name, said.text))
        self.taken[said.text] = seat.window[said.n] = self.seq
        if len(seat.window) > STREAM_WINDOW:
            del seat.window[min(seat.window)]
        for other in self.seats.values():
            if other is not seat and other.link:
                other.link.send(encode_entry(self.seq, seat.name, said.text))
        return encode_took(said.n, self.seq)

    def replay(self, link: "FakeLink", seat: "FakeSeat") -> None:
        if link.heard is None:
            link.send(encode_gone())
            return
        first = self.entries[0][0] if self.entries else self.seq + 1
        if link.heard + 1 < first:
            link.send(encode_gone(link.heard + 1, first - 1))
        numbers = {seq: n for n, seq in seat.window.items()}
        for seq, name, text in self.entries:
            if seq > link.heard:
                own = name == seat.name and seq in numbers
                link.send(encode_took(numbers[seq], seq) if own else encode_entry(seq, name, text))


class FakeSeat:
    def __init__(self, name: str, attempt: str) -> None:
        self.name, self.attempt = name, attempt
        self.window: dict[int, int] = {}
        self.link: FakeLink | None = None


class FakeLink:
    """The relay's end of one connection."""

    def __init__(self, world: World, client: "Client") -> None:
        self.world, self.client = world, client
        self.seat: FakeSeat | None = None
        self.ticket = ""
        self.heard: int | None = 0
        self.used = False
        self.cut = self.dead = False
        self._transaction: ServerTransaction | None = ServerTransaction()
        self._lines = LineDecoder()
        self._arrives_at = {True: 0.0, False: 0.0}

    def carry(self, what: Callable[[], None], *, to_relay: bool) -> None:
        """Have something arrive after a while, in order."""
        at = max(self._arrives_at[to_relay], self.world.now + self.world.chance.uniform(*DELAY_SECONDS))
        self._arrives_at[to_relay] = at
        self.world.plan(at, what)

    def pass_to_relay(self, data: bytes) -> None:
        self.carry(lambda: self._receive(self._what_arrives(data)), to_relay=True)

    def send(self, data: bytes) -> None:
        self.carry(lambda: self.client.hear(self, self._what_arrives(data)), to_relay=False)

    def end(self, reason: str) -> None:
        """Let the relay end it."""
        self.send(encode_bye(reason, "It ends."))
        self.carry(lambda: self.client.lose(self), to_relay=False)
        self._forget()

    def _what_arrives(self, data: bytes) -> bytes:
        """Return what is left of bytes on a way that may be cut in their midst, after which nothing comes."""
        if self.dead:
            return b""
        if self.cut:
            self.dead = True
            return data[: self.world.chance.randrange(len(data))]
        return data

    def close(self) -> None:
        """Take note that the client closed it."""
        self.carry(self._forget, to_relay=True)

    def _forget(self) -> None:
        if self.seat and self.seat.link is self:
            self.seat.link = None

    def _receive(self, data: bytes) -> None:
        if self._transaction:
            asked = self._transaction.feed(data)
            if asked:
                granted = self.world.relay.admit(self, asked[2])
                if isinstance(granted, Status):
                    self.send(self._transaction.refuse(_RefusedError(granted)))
                else:
                    self.send(self._transaction.accept() + self._transaction.complete(granted))
                self._transaction = None
        else:
            for line in self._lines.feed(data):
                self._take(line)

    def _take(self, line: bytes) -> None:
        relay, seat = self.world.relay, self.seat
        assert seat
        said = parse_to_relay(line)
        if not self.used:  # the first use: what was granted before is good for nothing
            self.used = True
            if seat.link:
                seat.link.end("resumed_elsewhere")
            relay.tickets = {text: other for text, other in relay.tickets.items() if other is not seat}
            relay.tickets[self.ticket], seat.link = seat, self
            relay.replay(self, seat)
        if isinstance(said, Ping):
            self.send(encode_heartbeat(Pong(said.number)))
        elif isinstance(said, Leave):
            relay.forget(seat.name)
        else:
            assert isinstance(said, Say)
            self.send(relay.take(seat, said))


class Client:
    """A brain and its connection."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.brain = RoomBrain(
            Operation.JOIN, "demo", name, server="relay", random=world.chance.random,
            new_nonce=lambda: f"{world.chance.getrandbits(128):032x}", transport=Transport.STREAM,
        )  # fmt: skip
        self.events: list[Event] = []
        self.said: dict[int, str] = {}
        self.link: FakeLink | None = None
        self._timer_at = inf
        self.brain.start(world.now)
        self.pump()

    def say(self, text: str) -> None:
        if known := self.brain.say(text, self.world.now):
            self.said[known] = text
        self.pump()

    def cut(self, *, silently: bool) -> None:
        """Cut the connection somewhere in what is on the way; ``silently``: nobody is told."""
        if link := self.link:
            link.cut = True
            if not silently:
                self.world.plan(self.world.now + 0.2, lambda: self.lose(link))

    def lose(self, link: FakeLink) -> None:
        if self.link is link:
            self.link = None
            self.brain.stream_closed(self.world.now)
            self.pump()

    def hear(self, link: FakeLink, data: bytes) -> None:
        if self.link is link and data:
            self.brain.receive_stream(data, self.world.now)
            self.pump()

    def pump(self) -> None:
        while actions := self.brain.take_actions():
            for action in actions:
                self._act(action)
        self.events += self.brain.take_events()
        deadline = self.brain.next_deadline()
        if deadline < self._timer_at:
            self._timer_at = deadline
            self.world.plan(deadline + ROUNDING_SECONDS, self._tick)

    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Message)]

    def fates(self) -> Counter[DeliveryState]:
        states = {event.id: event.state for event in self.events if isinstance(event, Delivery)}
        return Counter(states.values())

    def missed(self) -> set[int]:
        """Return the numbers that are known to be lost; zero if nobody knows which."""
        ranges = [(event.first or 0, event.last or 0) for event in self.events if isinstance(event, Missed)]
        return {number for first, last in ranges for number in range(first, last + 1)}

    def _tick(self) -> None:
        if self.world.now >= self._timer_at:
            self._timer_at = inf
            self.brain.tick(self.world.now)
            self.pump()

    def _act(self, action: object) -> None:
        match action:
            case OpenStream():
                link = self.link = FakeLink(self.world, self)
                link.carry(lambda: self._connected(link), to_relay=False)
            case SendStream(data):
                assert self.link
                self.link.pass_to_relay(data)
            case CloseStream() if self.link:
                self.link.close()
                self.link = None

    def _connected(self, link: FakeLink) -> None:
        if self.link is link:
            if self.world.blocked:
                self.lose(link)
            else:
                self.brain.connected("10.0.0.1")
            self.pump()


def check_promise(world: World, *clients: Client) -> None:
    """Check that what was taken was heard once and in order, or told to be gone, and that own words have one end."""
    places = world.relay.taken
    for client in clients:
        heard = client.texts()
        assert len(set(heard)) == len(heard), "something was shown twice"
        assert [places[text] for text in heard] == sorted(places[text] for text in heard)
        others = {text: place for text, place in places.items() if not text.startswith(f"{client.name} ")}
        lost = client.missed()
        assert {text for text, place in others.items() if place not in lost} <= set(heard)
        fates = client.fates()
        assert set(fates) <= {DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED}, fates
        assert sum(fates.values()) == len(client.said)
        taken = [event.text for event in client.events if isinstance(event, Delivery) and event.state == "taken"]
        assert len(set(taken)) == len(taken), "own words were shown taken twice"
        assert set(taken) <= set(places)


def talk(world: World, *clients: Client, pause: tuple[float, float] = (0.02, 0.8)) -> float:
    """Plan what everybody says; returns when the last word is said."""
    last = world.now
    for client in clients:
        at = world.now
        for number in range(WORDS):
            at += world.chance.uniform(*pause)
            text = f"{client.name} says {number}"
            world.plan(at, lambda client=client, text=text: client.say(text))  # type: ignore[misc]
        last = max(last, at)
    return last


def crowd(world: World) -> tuple[Client, Client, Client]:
    clients = (Client(world, "ann"), Client(world, "bob"), Client(world, "eve"))
    world.run(1.0)
    assert {client.brain.stage for client in clients} == {Stage.CHATTING}
    return clients


def cut_now_and_then(world: World, until: float, *clients: Client, pause: tuple[float, float], silently: float) -> None:
    for client in clients:
        at = world.now
        while (at := at + world.chance.uniform(*pause)) < until:
            still = world.chance.random() < silently
            world.plan(at, lambda client=client, still=still: client.cut(silently=still))  # type: ignore[misc]


def talk_over_breaking_connections(seed: int) -> tuple[Counter[DeliveryState], tuple[Client, ...]]:
    """Let three people say 60 messages each while their connections are cut; returns how they fared."""
    world = World(seed, refused=0.02)
    clients = crowd(world)
    end = talk(world, *clients)
    cut_now_and_then(world, end, *clients, pause=(0.3, 12.0), silently=0.3)
    world.run(end + 90.0)
    check_promise(world, *clients)
    assert {client.brain.stage for client in clients} == {Stage.CHATTING}
    return sum((client.fates() for client in clients), Counter[DeliveryState]()), clients
