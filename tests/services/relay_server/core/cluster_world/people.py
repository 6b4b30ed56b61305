"""People who come by any node, take their seats again when their node is gone, and do what hosts do."""

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from chatproto import ProtocolError
from relay_server.core.errors import NoSeatError, NoSuchRoomError
from relay_server.core.model import Member
from relay_server.core.moderation import Moderation, ModerationError
from relay_server.core.tickets import Seat

if TYPE_CHECKING:
    from services.relay_server.core.cluster_world.node import SimNode
    from services.relay_server.core.cluster_world.world import World

PATIENCE_SECONDS = 2.0


class Person:
    """Somebody with one name, who is in one room at a time or wants to be."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        self.name = f"person{number}"
        self.ip = bytes(10) + b"\xff\xff\x0a\x00\x00" + bytes([number])
        self.room: bytes | None = None
        self.seat: Seat | None = None
        self.node: SimNode | None = None
        self.member: Member | None = None
        self._asked_at: float | None = None
        self._question = 0

    @property
    def is_in(self) -> bool:
        """Whether the node of its seat serves it, as far as it can tell."""
        if self.node is None or self.member is None or not self.node.runs:
            return False
        room = self.member.room
        return self.node.registry.rooms.get(room.raw_name) is room and self.member in room.members

    def step(self) -> None:
        """Do one thing, or wait for an answer."""
        world = self.world
        if self._asked_at is not None and world.clock.now - self._asked_at < PATIENCE_SECONDS:
            return
        self._asked_at = None
        nodes = [node for node in world.nodes if node.alive]
        if not nodes:
            return
        node = world.clock.chance.choice(nodes)
        if self.room is None:
            if not world.quiet:
                self._come(node)
        elif not self.is_in:
            self._ask(node, "enter", self.seat)
        elif not world.quiet:
            self._act()

    def _come(self, node: "SimNode") -> None:
        self.room, self.seat = self.world.clock.chance.choice(self.world.names), None
        self._ask(node, "enter" if self.world.clock.chance.random() < 0.6 else "create", None)

    def _ask(self, node: "SimNode", what: str, seat: Seat | None) -> None:
        self._asked_at = self.world.clock.now
        self._question += 1
        done = partial(self._take, self._question)
        room, question = self.room, self._question
        assert room is not None

        def ask() -> None:
            if question != self._question:  # its connection is closed by now
                return
            if what == "create":
                node.create(room, self.name, self.ip, done)
            else:
                node.enter(room, self.name, self.ip, seat, done)

        node.deliver(ask, 0.005)

    def _take(self, question: int, answer: Member | ProtocolError) -> None:
        if question != self._question or self._asked_at is None:
            return
        self._asked_at = None
        if isinstance(answer, ProtocolError):
            if isinstance(answer, NoSeatError | NoSuchRoomError) or self.seat is None:
                self.room = self.seat = self.member = None
            return
        node = next(one for one in self.world.nodes if one.registry.rooms.get(answer.room.raw_name) is answer.room)
        residence = answer.room.residence
        assert residence is not None
        self.node, self.member = node, answer
        self.seat = Seat(
            answer.room.raw_name, self.name, answer.seat, answer.session.turn, residence.password_revision, self.ip,
            False, 0,
        )  # fmt: skip

    def _act(self) -> None:
        """Be a member or a host for a moment."""
        member, node = self.member, self.node
        assert member is not None
        assert node is not None
        dice = self.world.clock.chance.random()
        if dice < 0.03:
            node.registry.leave(member, self.world.clock.now)
            self.room = self.seat = self.member = None
        elif member.room.host is member:
            with suppress(ModerationError):
                self._moderate(member, node, dice)
        node.settle()

    def _moderate(self, host: Member, node: "SimNode", dice: float) -> None:
        room, now, moderation = host.room, self.world.clock.now, Moderation(node.registry)
        assert room.residence is not None
        others = [member for member in room.members if member is not host]
        if dice < 0.3:
            moderation.set_topic(host, f"{self.name} {now:.3f}")
        elif dice < 0.4 and others:
            kicked = self.world.clock.chance.choice(others)
            self.world.note_kick(kicked)
            moderation.kick(kicked, now)
        elif dice < 0.45:
            moderation.ban(room, f"nobody{now:.3f}", now)
        elif dice < 0.5 and others:
            moderation.mute(self.world.clock.chance.choice(others))
        elif dice < 0.52:
            room.password_hash = f"hash{now:.3f}"
            room.residence.password_revision += 1
            node.registry.change(room)
