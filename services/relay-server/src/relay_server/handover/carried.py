"""Members whom a node carries, for the process that takes over: each has a socket to its home (CLU-04)."""

import os
import socket
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeAlias, cast

from pydantic import ConfigDict, TypeAdapter, with_config

from relay_server.core.carried import CarriedMember
from relay_server.core.places import Node
from relay_server.core.state import SavedAddress
from relay_server.net.address import locate, make_address
from relay_server.net.edge import Edge
from relay_server.net.homeward import HomeWay, Route

AT_ONCE: Final = 50
"""So many go in one frame, each with a descriptor."""

Frames: TypeAlias = Generator[tuple[bytes, list[int]], None, None]
"""The bodies of frames, and the descriptors of each, which are open until the next one."""

_told: Final = with_config(ConfigDict(ser_json_bytes="hex", val_json_bytes="hex", ser_json_inf_nan="constants"))


@_told
@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """Somebody whom a node carries; times are monotonic, for both processes have the same clock."""

    ip: bytes
    room: bytes
    token: bytes = field(repr=False)
    address: SavedAddress | None
    seen_at: float
    moved_at: float
    silence_seconds: float
    patience_seconds: float
    json_notices: bool
    follows: bool
    home: Node
    route: Route
    is_open: bool
    """Whether its socket is among the descriptors that come along, in the order of the members."""


@_told
@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What one frame tells."""

    gone: tuple[bytes, ...]
    """The tokens of those who were told of before, and who aren't carried any more."""
    members: tuple[Carrying, ...]


_FRAME: Final = TypeAdapter(Frame)


class CarriedSaving:
    """Tells of all whom a relay carries, and then of those about whom something changed."""

    def __init__(self, edge: Edge | None) -> None:
        self._edge = edge
        self._marks: dict[CarriedMember, Hashable] = {}
        """What changes of those who were told of."""

    def frames(self) -> Frames:
        """Yield what isn't told yet."""
        if self._edge is None:
            return
        gone = tuple(member.token for member in self._marks if not member.has_place)
        self._marks = {member: mark for member, mark in self._marks.items() if member.has_place}
        changed = iter([member for member in self._edge.members if self._marks.get(member) != _mark(member)])
        while (some := list(islice(changed, AT_ONCE))) or gone:
            yield from self._frame(gone, [member for member in some if member.has_place])
            gone = ()

    def _frame(self, gone: tuple[bytes, ...], members: list[CarriedMember]) -> Frames:
        self._marks.update((member, _mark(member)) for member in members)
        told = Frame(gone=gone, members=tuple(map(_describe, members)))
        numbers = [_way_of(member).descriptor for member in members]
        copies = [os.dup(number) for number in numbers if number is not None]  # ours may be closed before they are sent
        try:
            yield _FRAME.dump_json(told), copies
        finally:
            for copy in copies:
                os.close(copy)


def load_carried(edge: Edge, body: bytes, take: Callable[[int], list[int]]) -> None:
    """Take what a frame tells; ``take`` returns so many of the descriptors that came."""
    told = _FRAME.validate_json(body)
    for token in told.gone:
        edge.members.end_by_token(token)
    descriptors = iter(take(sum(each.is_open for each in told.members)))
    for each in told.members:
        sock = None
        if each.is_open:
            sock = socket.socket(fileno=next(descriptors))
            sock.setblocking(False)
        member = _restored(each)
        member.homeward = edge.way_of(member, each.route, sock)
        edge.members.take_over(member)


def _way_of(member: CarriedMember) -> HomeWay:
    return cast("HomeWay", member.homeward)


def _mark(member: CarriedMember) -> Hashable:
    return member.seen_at, member.address, member.patience_seconds, _way_of(member).descriptor


def _restored(told: Carrying) -> CarriedMember:
    address = None
    if (at := told.address) is not None:
        address = make_address(at.ip, at.port, scope=at.scope, local_ip=at.local_ip)
    return CarriedMember(
        told.ip, told.room, told.token, silence_seconds=told.silence_seconds, patience_seconds=told.patience_seconds,
        moved_at=told.moved_at, home=told.home, follows=told.follows, address=address, seen_at=told.seen_at,
        json_notices=told.json_notices,
    )  # fmt: skip


def _describe(member: CarriedMember) -> Carrying:
    address, way = None, _way_of(member)
    if member.address is not None:
        ip, port, scope, _, local_ip = locate(member.address)
        address = SavedAddress(ip=ip, port=port, scope=scope, local_ip=local_ip)
    return Carrying(
        ip=member.ip, room=member.room, token=member.token, address=address, seen_at=member.seen_at,
        moved_at=member.moved_at, silence_seconds=member.silence_seconds, patience_seconds=member.patience_seconds,
        json_notices=member.json_notices, follows=member.follows, home=cast("Node", member.home), route=way.route,
        is_open=way.descriptor is not None,
    )  # fmt: skip
