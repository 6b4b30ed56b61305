"""People's brains and a real relay's core in virtual time, with a network in between that does what networks do.

Nothing here reads a clock or waits: a seed gives the same run each time.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf
from random import Random
from typing import Any, cast

from chatbrain import RejoinPolicy, RoomBrain, ServerAddress, Stage
from chatbrain.actions import BindDatagram, CloseDatagram, CloseStream, OpenStream, SendDatagram, SendStream
from chatbrain.driver import HASTY_SECONDS
from chatbrain.events import Delivery, DeliveryState, Event, Message
from chatproto import Operation, ServerTransaction, encode_notice
from relay_server.answers import Consulting, Granted, Waiting
from relay_server.asked import Peer
from relay_server.core.address import parse_ip
from relay_server.core.commands import Commands
from relay_server.core.judge import Judge
from relay_server.core.moderation import Moderation
from relay_server.core.relay import Relay
from relay_server.net.address import UdpAddress, make_address
from services.relay_server.core.policies import unlimited
from services.relay_server.test_control import ControlCase

TURN_SECONDS = 0.5
"""So often the relay looks whether somebody's time is over."""
ROUNDING_SECONDS = 1e-6
"""By so much a timer may come late, so that none comes early by rounding."""


@dataclass
class Network:
    """What becomes of datagrams; TCP loses nothing, and takes two delays."""

    loss: float = 0.0
    duplication: float = 0.0
    delay: tuple[float, float] = (0.01, 0.06)
    """From so many seconds to so many: what is sent later may arrive sooner."""


class World:
    """Virtual time, the relay, and everybody who speaks to it."""

    def __init__(self, seed: int, network: Network, **policy: Any) -> None:
        self.now = 0.0
        self.chance = Random(seed)
        self.network = network
        self.udp_works = True
        self.relayed: Counter[str] = Counter()
        """How often each text was relayed, by any relay."""
        self.clients: dict[UdpAddress, Client] = {}
        """Who is reached at a public address."""
        self._policy = policy
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.relay: RelayEnd | None = None
        self.start_relay()
        self._expire()

    def start_relay(self) -> None:
        """Start a relay that knows nobody."""
        self.relay = RelayEnd(self, **self._policy)

    def stop_relay(self) -> None:
        """Kill the relay, which tells nobody."""
        self.relay = None

    def relay_at(self, server: ServerAddress | None) -> "RelayEnd | None":  # noqa: ARG002 - there is but one
        """Return who is reached at an address; None if nobody is."""
        return self.relay

    def swallows(self, server: ServerAddress | None) -> bool:  # noqa: ARG002 - this one is there or isn't
        """Tell whether the machine at an address is gone, so that nothing ever comes back."""
        return False

    def has(self, relay: "RelayEnd") -> bool:
        """Tell whether a relay runs."""
        return self.relay is relay

    def plan(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._plans, (max(at, self.now), next(self._order), what))

    def run(self, until: float) -> None:
        while self._plans and self._plans[0][0] <= until:
            self.now, _, what = heapq.heappop(self._plans)
            what()
        self.now = until

    def carry(self, arrive: Callable[[], None]) -> None:
        """Carry a datagram, once, twice or never."""
        if not self.udp_works:
            return
        for _ in range(2 if self.chance.random() < self.network.duplication else 1):
            if self.chance.random() >= self.network.loss:
                self.plan(self.now + self.chance.uniform(*self.network.delay), arrive)

    def relays(self) -> "list[RelayEnd]":
        """Return all that run."""
        return [self.relay] if self.relay else []

    def _expire(self) -> None:
        for relay in self.relays():
            relay.registry.expire(self.now)
            relay.flush()
        self.plan(self.now + TURN_SECONDS, self._expire)


class RelayEnd:
    """One relay, from its start to its end."""

    def __init__(self, world: World, **policy: Any) -> None:
        self._world = world
        self.case = ControlCase(**policy)
        self.registry = self.case.registry
        commands = Commands(self.registry, Moderation(self.registry), lambda _: None, hash_aside=lambda _: None)
        judge = Judge(self.registry, unlimited(**policy), commands)
        self._relay = Relay(self.registry, unlimited(**policy), judge)

    def transact(self, request: bytes, ip: str, then: Callable[[bytes], None]) -> None:
        """Answer a request over TCP, at once or later."""
        transaction = ServerTransaction()

        def go_on(answer: object) -> None:
            self.flush()
            if isinstance(answer, Consulting):
                answer.ask(lambda error: go_on(answer.finish(error, self._world.now)))
            elif isinstance(answer, Waiting):
                self._world.plan(answer.until, lambda: go_on(answer.finish(self._world.now)))
            elif isinstance(answer, Granted):
                then(transaction.accept() + transaction.complete(answer.completion))
            else:
                assert isinstance(answer, bytes)
                then(answer)

        go_on(self.case.control.receive(transaction, request, Peer(parse_ip(ip), 40_000), self._world.now))

    def receive(self, data: bytes, source: UdpAddress) -> None:
        if not self._world.has(self):
            return
        result = self._relay.handle_datagram(data, source, self._world.now)
        if isinstance(result, tuple):
            audience, sender, payload = result
            self._world.relayed[payload.decode().partition(": ")[2]] += 1
            for one, address in audience.addresses.items():
                if one is not sender:
                    self._send(payload, cast("UdpAddress", address))
        for address, payload in self._relay.receipts:
            self._send(payload, cast("UdpAddress", address))
        self._relay.receipts.clear()
        self.flush()

    def flush(self) -> None:
        """Send what the relay says by itself."""
        waiting, self.registry.outbox = self.registry.outbox, []
        for notice, audience, but, _ in waiting:
            for one, address in audience.addresses.items():
                if one is not but:
                    self._send(encode_notice(notice, json=one.json_notices), cast("UdpAddress", address))

    def _send(self, payload: bytes, address: UdpAddress) -> None:
        def arrive() -> None:
            if client := self._world.clients.get(address):
                client.hear(payload)

        self._world.carry(arrive)


class Client:
    """A brain with its sockets, behind a router of its own, on a machine that may sleep."""

    def __init__(self, world: World, name: str, ip: str, operation: Operation, *, resumes: bool = True) -> None:
        self.world, self.name, self.ip = world, name, ip
        self.brain = RoomBrain(
            operation, "demo", name, server="relay", random=world.chance.random, rejoin=RejoinPolicy(), receipts=True,
            new_nonce=(lambda: f"{world.chance.getrandbits(128):032x}") if resumes else None,
        )  # fmt: skip
        self.public_ip = ip
        """As the relay sees it; ``ip`` is what the machine knows."""
        self.events: list[tuple[float, Event]] = []
        """With the world's time."""
        self.said: dict[int, str] = {}
        self._slept = 0.0
        self._asleep_from = inf
        self._stream: Any = None
        self._connected: Any = None
        self._server: ServerAddress | None = None  # where the newest stream leads
        self._spoken_with: ServerAddress | None = None
        self._port: UdpAddress | None = None
        self._ports = count(20_000)
        self._timer_at = inf
        self.brain.start(self.now)
        self.pump()

    @property
    def now(self) -> float:
        """The machine's monotonic clock, which stands still while it sleeps."""
        return min(self.world.now, self._asleep_from) - self._slept

    @property
    def awake(self) -> bool:
        return self._asleep_from == inf

    def say(self, text: str) -> None:
        if self.awake and (known := self.brain.say(text, self.now)):
            self.said[known] = text
        self.pump()

    def sleep(self, seconds: float) -> None:
        self._asleep_from = self.world.now

        def wake() -> None:
            self._slept += self.world.now - self._asleep_from
            self._asleep_from = inf
            self._timer_at = inf
            self.pump()

        self.world.plan(self.world.now + seconds, wake)

    def change_address(self, ip: str) -> None:
        """Let the router have another public address; the machine knows nothing of it."""
        self.public_ip = ip
        self.change_port()

    def change_port(self) -> None:
        """Let the router give the way another public port."""
        if self._port:
            del self.world.clients[self._port]
            self._bind()

    def hear(self, data: bytes) -> None:
        if self.awake:
            self.brain.receive_datagram(data, self.now)
            self.pump()

    def fates(self) -> Counter[DeliveryState]:
        """Count in which state each message is now."""
        states = {event.id: event.state for _, event in self.events if isinstance(event, Delivery)}
        return Counter(states.values())

    def texts(self, state: DeliveryState) -> set[str]:
        return {event.text for _, event in self.events if isinstance(event, Delivery) and event.state is state}

    def heard(self) -> Counter[str]:
        return Counter(event.text for _, event in self.events if isinstance(event, Message))

    def first(self, kind: type, since: float = 0.0) -> float:
        """Return when something of this kind happened first; infinity if it never did."""
        return next((at for at, event in self.events if isinstance(event, kind) and at >= since), inf)

    def pump(self) -> None:
        """Do what the brain wants, and set its timer."""
        if not self.awake:
            return
        while actions := self.brain.take_actions():
            for action in actions:
                self._act(action)
        self.events += [(self.world.now, event) for event in self.brain.take_events()]
        deadline = self.brain.next_deadline()
        if deadline < self._timer_at:
            self._timer_at = deadline
            self.world.plan(deadline + self._slept, self._tick)

    def _tick(self) -> None:
        now = self.now + ROUNDING_SECONDS
        if self.awake and now >= self._timer_at:
            self._timer_at = inf
            self.brain.compare_clocks(now, self.world.now)
            self.brain.tick(now)
            self.pump()

    def _act(self, action: object) -> None:
        match action:
            case SendDatagram(data):
                self._send(data)
            case BindDatagram():
                self._unbind()
                self._spoken_with = self._server
                self._bind()
            case CloseDatagram():
                self._unbind()
            case OpenStream(server, _, hasty):
                self._stream, self._server = object(), server
                self._over_tcp(self._connect)
                if hasty:
                    self.world.plan(self.world.now + HASTY_SECONDS, partial(self._give_up, self._stream))
            case SendStream(data):
                self._over_tcp(lambda: self._transact(data))
            case CloseStream():
                self._stream = None

    def _bind(self) -> None:
        self._port = make_address(parse_ip(self.public_ip), next(self._ports))
        self.world.clients[self._port] = self

    def _unbind(self) -> None:
        if self._port:
            del self.world.clients[self._port]
            self._port = None

    def _send(self, data: bytes) -> None:
        source, world, server = self._port, self.world, self._spoken_with
        if source is None:
            return

        def arrive() -> None:
            if relay := world.relay_at(server):
                relay.receive(data, source)

        world.carry(arrive)

    def _over_tcp(self, then: Callable[[], None]) -> None:
        """Go on after a way there and back, unless the stream is given up meanwhile."""
        stream, server = self._stream, self._server

        def arrive() -> None:
            if self._stream is stream and self.awake and not self.world.swallows(server):
                if self.world.relay_at(server):
                    then()
                else:
                    self.brain.stream_closed(self.now)
                self.pump()

        self.world.plan(self.world.now + 2 * self.world.network.delay[1], arrive)

    def _connect(self) -> None:
        self._connected = self._stream
        self.brain.connected(self.ip)

    def _give_up(self, stream: Any) -> None:
        """Wait no longer for a server that takes no connection."""
        if stream in {self._stream} - {self._connected, None} and self.awake:
            self.brain.stream_closed(self.now)
            self.pump()

    def _transact(self, request: bytes) -> None:
        stream, relay = self._stream, self.world.relay_at(self._server)
        assert relay

        def answered(data: bytes) -> None:
            if self._stream is stream and self.awake:
                self.brain.receive_stream(data, self.now)
                self.pump()

        relay.transact(request, self.public_ip, answered)


def pair(world: World, *, resumes: bool = True) -> tuple[Client, Client]:
    """Let ann create a room and bob join it."""
    ann = Client(world, "ann", "10.0.0.1", Operation.CREATE, resumes=resumes)
    world.run(world.now + 1.0)
    bob = Client(world, "bob", "10.0.0.2", Operation.JOIN, resumes=resumes)
    world.run(world.now + 2.0)
    assert (ann.brain.stage, bob.brain.stage) == (Stage.CHATTING, Stage.CHATTING)
    return ann, bob


def converse(world: World, speakers: tuple[Client, ...], messages: int, pause: tuple[float, float]) -> float:
    """Plan what everybody says; returns when the last word is said."""
    last = world.now
    for speaker in speakers:
        at = world.now
        for number in range(messages):
            at += world.chance.uniform(*pause)
            world.plan(at, lambda speaker=speaker, number=number: speaker.say(f"{speaker.name} says {number}"))  # type: ignore[misc]
        last = max(last, at)
    return last


def check_honest(world: World, *clients: Client) -> None:
    """Check that each word is taken or marked, what was taken was relayed, and nothing was relayed twice."""
    assert [text for text, times in world.relayed.items() if times > 1] == []
    for client in clients:
        fates = client.fates()
        assert sum(fates.values()) == len(client.said)
        assert set(fates) <= {DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED}, fates
        assert {text for text in client.texts(DeliveryState.TAKEN) if not world.relayed[text]} == set()


def talk_over_a_bad_network(seed: int) -> Counter[DeliveryState]:
    """Let two people say 200 messages each where one datagram of twenty is lost; returns how they fared."""
    world = World(seed, Network(loss=0.05, duplication=0.02))
    ann, bob = pair(world)
    world.run(converse(world, (ann, bob), 200, (0.05, 0.4)) + 10.0)
    check_honest(world, ann, bob)
    assert len(ann.said) == len(bob.said) == 200
    return ann.fates() + bob.fates()
