"""Rooms that a keeper keeps in a directory, without a relay's sockets."""

import asyncio
import secrets
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chatproto import EvictionReason
from relay_server.core.address import parse_ip
from relay_server.core.lobby import Lobby
from relay_server.core.registry import Registry
from relay_server.core.restoring import Restoring
from relay_server.core.saving import Saving
from relay_server.net.address import locate, make_address
from relay_server.state.journal import Journal
from relay_server.state.keeper import Keeper
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces

LIFETIME_SECONDS = 300.0
DEADLINE_SECONDS = 20.0
IP = parse_ip("192.0.2.1")


class Kept:
    """Rooms, and what keeps them in a directory."""

    def __init__(self, directory: Path, lifetime_seconds: float = LIFETIME_SECONDS) -> None:
        policy = unlimited()
        self.registry = Registry(policy, lambda _: None, new_nonces(), locate)
        lobby = Lobby(policy, lambda _: None, new_nonces(), locate)
        self.keeper = Keeper(
            Journal(directory),
            Saving(self.registry, lobby, locate),
            partial(Restoring, self.registry, lobby, make_address, handed_over=False),
            lifetime_seconds=lifetime_seconds,
        )
        self.keeper.restore()
        self.now = asyncio.get_running_loop().time

    def create(self, room: str) -> None:
        self.registry.create_room(room.encode(), "ann", secrets.token_bytes(16).hex().encode(), IP, self.now())

    def join(self, room: str, name: str) -> None:
        self.registry.join_room(room.encode(), name, secrets.token_bytes(16).hex().encode(), IP, self.now())

    def leave(self, room: str, name: str) -> None:
        (member,) = [one for one in self.registry.rooms[room.encode()].members if one.name == name]
        self.registry.leave(member, self.now())

    def close_room(self, room: str) -> None:
        reason = EvictionReason.KICKED
        self.registry.close_room(self.registry.rooms[room.encode()], reason, members_see=reason)

    def people(self) -> dict[str, dict[str, bytes]]:
        """Return the members of each room with their tokens."""
        return {
            room.name: {member.name: session.token for member, session in room.members.items()}
            for room in self.registry.rooms.values()
        }


async def until(holds: Callable[[], object]) -> None:
    """Let the loop turn until something holds, and not once more."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while not holds():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0)


async def killed_and_back(kept: Kept, directory: Path) -> Kept:
    """Let the loop go round once, as for what was answered, and let a new process find what the old one left."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    copy = directory.with_name(f"{directory.name}-later")
    shutil.copytree(directory, copy)
    kept.keeper.close()
    return Kept(copy)
