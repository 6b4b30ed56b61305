"""A directory that compares and sets, and that loses answers, writes and connections."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from relay_server.core.home_actions import AskOverBus, BusFailure, Call, CallFailure, Create, Found, Get, Put
from relay_server.core.records import RoomRecord
from services.relay_server.core.cluster_world.clock import Clock

if TYPE_CHECKING:
    from services.relay_server.core.cluster_world.node import SimNode

ANSWER_SECONDS = 0.5
NOTICED_SECONDS = (1.0, 5.0)
"""After so long a side notices that the other is cut off."""
LOST = 0.02
"""So many requests, and as many answers, get lost."""


class SimDirectory:
    """Entries by key with revisions, the bus, and a connection to each node."""

    def __init__(
        self, clock: Clock, on_write: "Callable[[SimNode, RoomRecord | None, RoomRecord | None], None]"
    ) -> None:
        self.clock = clock
        self.up = True
        self.nodes: list[SimNode] = []
        self.cut: set[str] = set()
        """Nodes that don't reach it."""
        self.loses = LOST
        self.compares = True
        """False breaks a rule: it writes whatever the revision is."""
        self.sequence = 0
        self._entries: dict[str, tuple[int, RoomRecord | None]] = {}
        self._undo: list[tuple[str, tuple[int, RoomRecord | None] | None]] = []
        self._on_write = on_write

    def record(self, key: str) -> RoomRecord | None:
        return self._entries.get(key, (0, None))[1]

    @property
    def records(self) -> list[RoomRecord]:
        return [record for _, record in self._entries.values() if record is not None]

    def reaches(self, node: "SimNode") -> bool:
        return self.up and node.name not in self.cut

    def call(self, node: "SimNode", call: Call, reply: Callable[[Any], None]) -> None:
        clock, chance, session = self.clock, self.clock.chance, node.session
        if session is None:
            clock.after(0.0, lambda: reply(CallFailure.AWAY))
            return
        answered: list[bool] = []

        def answer(value: Any) -> None:
            if not answered:
                answered.append(True)
                reply(value)

        def arrive() -> None:
            if self.reaches(node) and node.session == session:
                result = self._apply(node, call)
                if chance.random() >= self.loses:
                    clock.after(chance.uniform(0.001, 0.02), lambda: answer(result))

        clock.after(ANSWER_SECONDS, lambda: answer(CallFailure.AWAY))
        if chance.random() >= self.loses:
            late = chance.random() < self.loses
            clock.after(chance.uniform(0.4, 3.0) if late else chance.uniform(0.001, 0.02), arrive)

    def ask(self, node: "SimNode", ask: AskOverBus, reply: Callable[[Any], None]) -> None:
        clock, target = self.clock, next(one for one in self.nodes if one.name == ask.node)
        if node.session is None or not self.reaches(node):
            clock.after(ANSWER_SECONDS if node.session else 0.0, lambda: reply(BusFailure.AWAY))
        elif not target.on_bus:
            clock.after(0.004, lambda: reply(BusFailure.GONE))
        elif target.runs and self.reaches(target):
            told = target.told
            clock.after(clock.chance.uniform(0.002, 0.02), lambda: reply(told))
        else:
            clock.after(ANSWER_SECONDS, lambda: reply(BusFailure.SILENT))

    def beat(self, node: "SimNode") -> None:
        if node.session is None or not self.reaches(node):
            return
        for other in self.nodes:
            if other is not node and other.session is not None and self.reaches(other):
                other.hear_beat(node.told, self.clock.chance.uniform(0.001, 0.03))

    def cut_off(self, node: "SimNode") -> None:
        """Cut a node off; both sides notice later."""
        self.cut.add(node.name)
        session, uniform = node.session, self.clock.chance.uniform
        self.clock.after(uniform(*NOTICED_SECONDS), lambda: node.lose(session) if not self.reaches(node) else None)
        self.clock.after(uniform(*NOTICED_SECONDS), lambda: node.leave_bus(session) if not self.reaches(node) else None)

    def restart(self, seconds: float, lost_writes: int) -> None:
        """Stop for a while, and come back without the newest writes."""
        self.up = False
        for _ in range(min(lost_writes, len(self._undo))):
            key, before = self._undo.pop()
            self.sequence -= 1
            if before is None:
                del self._entries[key]
            else:
                self._entries[key] = before
        for node in self.nodes:
            node.leave_bus(node.session)
            node.lose(node.session)
        self.clock.after(seconds, self._come_back)

    def listing(self) -> list[tuple[str, int, RoomRecord | None]]:
        return [(key, *entry) for key, entry in self._entries.items()]

    def _come_back(self) -> None:
        self.up = True

    def _apply(self, node: "SimNode", call: Call) -> Any:
        revision, record = self._entries.get(call.key, (0, None))
        if isinstance(call, Get):
            return Found(revision, record) if record is not None else None
        if isinstance(call, Create):
            return CallFailure.TAKEN if record is not None else self._write(node, call.key, call.record)
        if self.compares and (record is None or revision != call.revision):
            return CallFailure.STALE
        if isinstance(call, Put):
            return self._write(node, call.key, call.record)
        self._write(node, call.key, None)
        return None

    def _write(self, node: "SimNode", key: str, record: RoomRecord | None) -> int:
        self._on_write(node, self.record(key), record)
        self._undo.append((key, self._entries.get(key)))
        self.sequence += 1
        revision = self.sequence
        self._entries[key] = (revision, record)
        for one in self.nodes:
            one.watch(key, revision, record)
        return revision
