"""One node's view of a cluster, a directory that answers as it is told, and other nodes."""

from dataclasses import replace
from typing import Any, TypeVar

from chatproto import Server
from relay_server.core.counters import ClusterCounters
from relay_server.core.home_actions import AskOverBus, BusFailure, Create, ProbeDirectly, Tell
from relay_server.core.homes import Homes
from relay_server.core.places import Node
from relay_server.core.records import RoomRecord

RESUME_SECONDS = 60.0
A = TypeVar("A")


def node(name: str, started_at: float = 1.0) -> Node:
    return Node(name, Server(f"{name}:9000"), name, 9001, 9004, f"{name}{started_at}", started_at)


ME, OTHER, THIRD = node("me", 5.0), node("other"), node("third")


def record(home: Node = OTHER, **more: Any) -> RoomRecord:
    """Return a record of the room demo."""
    told = RoomRecord(
        room=b"demo", home=home.name, home_since=home.started_at, first_seat=10, term=1, changes=2, host_seat=11,
        host="ann", host_ip=bytes(16),
    )  # fmt: skip
    return replace(told, **more)


class HomesCase:
    """The view of the node `ME`, which reaches its directory; all times are set here."""

    def __init__(self, *, connected: bool = True) -> None:
        self.now = 100.0
        self.counters = ClusterCounters()
        self.homes: Homes[str] = Homes(
            ME, key_of=bytes.decode, resume_seconds=RESUME_SECONDS, counters=self.counters, began_at=self.now
        )
        self.told: dict[str, str] = {}
        """What each waiter was told."""
        self.done: list[Any] = []
        """Everything else that is to be done, in its order; what is awaited is taken out of it."""
        if connected:
            self.homes.on_listing(self.now)
            self.homes.on_caught_up(self.now)

    def settle(self) -> None:
        for action in self.homes.take_actions():
            if isinstance(action, Tell):
                assert action.waiter not in self.told
                self.told[action.waiter] = action.outcome.name
            else:
                self.done.append(action)

    def next(self, kind: type[A]) -> A:
        """Take the next thing that is to be done, which is of this kind."""
        self.settle()
        assert self.done, f"no {kind.__name__} is to be done"
        action = self.done.pop(0)
        assert isinstance(action, kind), action
        return action

    def is_idle(self) -> bool:
        self.settle()
        return not self.done

    def answer(self, kind: type[A], answer: Any) -> A:
        """Answer the next call, which is of this kind."""
        call: Any = self.next(kind)
        self.homes.answer(call, answer, self.now)
        self.settle()
        return call  # type: ignore[no-any-return]

    def answer_ask(self, answer: Node | BusFailure) -> None:
        self.homes.answer_ask(self.next(AskOverBus), answer, self.now)

    def answer_probe(self, *, alive: bool) -> None:
        self.homes.answer_probe(self.next(ProbeDirectly), alive=alive, now=self.now)

    def show(self, told: RoomRecord | None, revision: int) -> None:
        """Let the directory tell of a record by itself."""
        self.homes.on_change("demo", revision, told, self.now)

    def hold(self, **more: Any) -> RoomRecord:
        """Be the home of a new room; its revision is 1."""
        self.homes.claim(record(ME, **more), "creator", self.now)
        self.answer(Create, 1)
        self.told.clear()
        held = self.homes.held(b"demo")
        assert held is not None
        return held

    def find_gone(self) -> None:
        """Find out that the other node is gone."""
        self.answer_ask(BusFailure.GONE)
        for _ in range(2):  # what fails at once is repeated
            self.answer_probe(alive=False)
