"""People's brains and the cores of several nodes in virtual time, with a directory that always answers.

Nodes die, hang, come back and lie; what the directory does when it is away is no matter of the clients.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from chatbrain import ServerAddress, Stage
from chatbrain.events import DeliveryState, Rejoined
from chatproto import EvictionReason, Operation, Server, ServerTransaction
from chatproto.errors import ElsewhereError
from libs.chatbrain.simulator import Client, Network, RelayEnd, World, converse
from relay_server.control import Control
from relay_server.core.counters import ClusterCounters
from relay_server.core.errors import BusyError, RoomExistsError
from relay_server.core.guesses import Guesses
from relay_server.core.model import Residence, Room, Session
from relay_server.core.places import NewRoom, Node, Places, Told
from relay_server.core.records import SEATS_A_SECOND, RoomRecord, record_of
from relay_server.core.tickets import Seat, Tickets
from relay_server.net.address import UdpAddress, make_address
from relay_server.passwords import Passwords
from services.relay_server.test_control import GUESSES_PER_MINUTE

KEY = b"k" * 32
NAMES = ("a", "b", "c")
KILLED_SECONDS = 0.05
"""So soon all know that a node was killed."""
HUNG_SECONDS = 3.5
"""So soon all know that a node hangs."""


class Cluster(World):
    """Some nodes, by the names of their machines; the configured server is node a."""

    def __init__(self, seed: int, network: Network | None = None, names: tuple[str, ...] = NAMES) -> None:
        self.nodes: dict[str, NodeEnd] = {}
        self.records: dict[bytes, RoomRecord] = {}
        self.gone: set[str] = set()
        """The nodes that all know to be gone."""
        self.lost_machines: set[str] = set()
        self.asked: list[str] = []
        """At which nodes somebody asked over TCP, in order."""
        super().__init__(seed, network or Network())
        for name in names:
            self.start(name)

    def start_relay(self) -> None:
        """Leave that to `start`."""

    def start(self, name: str) -> None:
        self.nodes[name] = NodeEnd(self, name)
        self.gone.discard(name)
        self.lost_machines.discard(name)

    def kill(self, name: str, *, machine: bool = False) -> None:
        """Kill a node; with its ``machine`` nothing answers there any more."""
        del self.nodes[name]
        if machine:
            self.lost_machines.add(name)
        self.plan(self.now + KILLED_SECONDS, partial(self.gone.add, name))

    def hang(self, name: str, seconds: float) -> None:
        """Let a node do nothing for a while, as if it were stopped."""
        node = self.nodes[name]
        node.hangs = True
        self.plan(self.now + HUNG_SECONDS, partial(self.gone.add, name))
        self.plan(self.now + seconds, node.go_on)

    def move(self, room: bytes, to: str) -> None:
        """Let a room have another home, as when an operator empties a node."""
        home = self.nodes[self.records[room].home]
        self.records[room] = replace(self.records[room], home=to)
        self.nodes[to].places.open(room)
        home.places.yield_rooms()

    def relay_at(self, server: ServerAddress | None) -> "NodeEnd | None":
        return self.nodes.get(server.host if server else "a")

    def swallows(self, server: ServerAddress | None) -> bool:
        return (server.host if server else "a") in self.lost_machines

    def has(self, relay: RelayEnd) -> bool:
        return isinstance(relay, NodeEnd) and self.nodes.get(relay.name) is relay and not relay.hangs

    def relays(self) -> list[RelayEnd]:
        return [node for node in self.nodes.values() if not node.hangs]

    def home(self, room: bytes = b"demo") -> str:
        return self.records[room].home


class NodeEnd(RelayEnd):
    """One node."""

    def __init__(self, world: Cluster, name: str) -> None:
        super().__init__(world)
        self.name = name
        self.cluster = world
        self.hangs = False
        self.lies_to: str | None = None
        """Where it sends everybody, if it isn't sane."""
        self.places = FakePlaces(self)
        self.registry.on_change, self.registry.on_close = self.places.changed, self.places.closed
        self.case.control = Control(
            self.registry,
            passwords=Passwords(),
            guesses=Guesses(GUESSES_PER_MINUTE),
            make_address=make_address,
            hide_rooms=False,
            new_token=self._new_token,
            on_transaction=lambda _operation, _status: None,
            udp_port=9001,
            silence_timeout_seconds=300.0,
            attribution=True,
            moderation=True,
            places=self.places,
        )

    def _new_token(self) -> bytes:
        return f"{self.cluster.chance.getrandbits(128):032x}".encode()

    def transact(self, request: bytes, ip: str, then: Callable[[bytes], None]) -> None:
        self.cluster.asked.append(self.name)
        if self.hangs:
            return
        if self.lies_to:
            transaction = ServerTransaction()
            transaction.feed(request)
            then(transaction.refuse(ElsewhereError(Server(f"{self.lies_to}:9000"))))
            return
        super().transact(request, ip, then)

    def receive(self, data: bytes, source: UdpAddress) -> None:
        if not self.hangs:
            super().receive(data, source)

    def go_on(self) -> None:
        """Wake up, and find that rooms have another home."""
        self.hangs = False
        self.cluster.gone.discard(self.name)
        self.places.yield_rooms()


class FakePlaces:
    """The cluster as one node sees it: all see the same, at once."""

    def __init__(self, node: NodeEnd) -> None:
        self._node, self._cluster = node, node.cluster
        self._tickets = Tickets(KEY)
        self.counters = ClusterCounters()
        _: Places = self

    def servers(self, room: bytes) -> tuple[Server, ...]:  # noqa: ARG002
        """Return where the living nodes are, this one first."""
        others = [name for name in sorted(self._cluster.nodes) if name != self._node.name]
        return tuple(Server(f"{name}:9000") for name in (self._node.name, *others))

    def check_new(self, room: bytes) -> None:
        if room in self._cluster.records:
            raise RoomExistsError

    def claim(self, new: NewRoom, done: Told) -> None:
        if new.name in self._cluster.records:
            done(RoomExistsError())
            return
        first = self._number()
        self._cluster.records[new.name] = RoomRecord(
            room=new.name, home=self._node.name, home_since=0.0, first_seat=first, term=1, changes=0,
            host_seat=first + 1, host=new.host, host_ip=new.ip,
        )  # fmt: skip
        done(None)

    def residence(self, room: bytes) -> Residence:
        first = self._cluster.records[room].first_seat
        return Residence(first_seat=first, seats=first)

    def release(self, room: bytes) -> None:
        del self._cluster.records[room]

    def find(self, room: bytes, *, doubted: bool = False) -> Node | None:  # noqa: ARG002 - who is gone is known here
        record = self._cluster.records.get(room)
        if record is None or record.home in {self._node.name, *self._cluster.gone}:
            return None
        server = Server(f"{record.home}:9000")
        return Node(record.home, server, record.home, 9001, 9004, "", 0.0)

    def look(self, room: bytes, done: Told) -> None:
        if room in self._cluster.records:
            if self.find(room):
                done(BusyError())
                return
            self._cluster.records[room] = replace(self._cluster.records[room], home=self._node.name)
            self.open(room)
        done(None)

    def new_ticket(self, session: Session, *, encrypted: bool) -> str:
        member = session.member
        seat = Seat(
            member.room.raw_name, member.name, member.seat, session.turn, 0, session.ip, encrypted, 10**12
        )  # fmt: skip
        return self._tickets.issue(seat, self._cluster.chance.randbytes(16))

    def read_ticket(self, text: str) -> Seat | None:
        return self._tickets.read(text)

    def changed(self, room: Room) -> None:
        if room.residence is not None and self._cluster.records[room.raw_name].home == self._node.name:
            record = record_of(room, room.residence, home=self._node.name, home_since=0.0)
            self._cluster.records[room.raw_name] = record

    def closed(self, room: Room) -> None:
        record = self._cluster.records.get(room.raw_name)
        if record and record.home == self._node.name:
            del self._cluster.records[room.raw_name]

    def open(self, room: bytes) -> None:
        """Be a room's home from now on."""
        record = self._cluster.records[room]
        self._node.registry.returning.open_room(record, self._number(), self._cluster.now)

    def yield_rooms(self) -> None:
        """Close what has another home."""
        registry = self._node.registry
        for name, room in list(registry.rooms.items()):
            if self._cluster.records[name].home != self._node.name:
                registry.close_room(room, EvictionReason.MOVED, members_see=EvictionReason.MOVED)
        self._node.flush()

    def _number(self) -> int:
        return int(self._cluster.now * SEATS_A_SECOND)


def crowd(world: Cluster) -> tuple[Client, Client, Client]:
    """Let ann create a room, and bob and eve join it."""
    ann = Client(world, "ann", "10.0.0.1", Operation.CREATE)
    world.run(world.now + 1.0)
    others = tuple(Client(world, name, f"10.0.0.{ord(name[0])}", Operation.JOIN) for name in ("bob", "eve"))
    world.run(world.now + 2.0)
    return (ann, *others)  # type: ignore[return-value]  # there are three


def check_all_back(world: Cluster, *clients: Client) -> None:
    """Check that all are in one room, that each word of theirs arrives, and that what was taken was relayed."""
    world.network = Network()  # which loses none of these
    world.run(world.now + 1.0)
    assert [client.brain.stage for client in clients] == [Stage.CHATTING] * len(clients)
    for client in clients:
        client.say(f"{client.name} is back")
    world.run(world.now + 5.0)
    for client in clients:
        others = {f"{other.name} is back" for other in clients if other is not client}
        assert others <= set(client.heard())
        assert f"{client.name} is back" in client.texts(DeliveryState.TAKEN)
        fates = client.fates()
        assert sum(fates.values()) == len(client.said)
        assert set(fates) <= {DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED}
        assert {text for text in client.texts(DeliveryState.TAKEN) if not world.relayed[text]} == set()
        assert client.first(Rejoined) > 1e9, "a seat was lost"
    assert [len(node.registry.rooms) for node in world.nodes.values()].count(1) == 1


def talk_while_nodes_die(seed: int) -> Counter[DeliveryState]:
    """Let three people say 200 messages each while one machine after the other is gone; returns how they fared."""
    world = Cluster(seed, Network(loss=0.05, duplication=0.05))
    people = crowd(world)
    end = converse(world, people, 200, (0.1, 0.6))
    for number, name in enumerate("abcabc"):
        at = world.now + 4.0 + 10.0 * number
        world.plan(at, lambda name=name: world.kill(name, machine=True))  # type: ignore[misc]
        world.plan(at + 6.0, lambda name=name: world.start(name))  # type: ignore[misc]
    world.run(end + 40.0)
    check_all_back(world, *people)
    return sum((person.fates() for person in people), Counter[DeliveryState]())
