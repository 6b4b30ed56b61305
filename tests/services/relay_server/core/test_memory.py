"""What a member costs in memory, so that a relay of thousands stays small: growth is to be noticed and decided upon."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from chatproto import encode_datagram
from relay_server.built import BUILD
from relay_server.core.judge import Judge
from relay_server.core.model import Member
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net.address import locate, make_address
from services.relay_server.core.policies import unlimited

ROOMS, MEMBERS_PER_ROOM = 200, 10
JOINED_BYTES = 1024
"""A member that has not spoken. Of members who share an address a process takes 0.83 KiB each, and may take 0.9 KiB."""
SPOKEN_BYTES = 1536
"""One that has, with its address and its limits."""
COMPILED_BYTES = 80 if BUILD == "compiled" else 0
"""So much more both may take: each object of a compiled class has a pointer to its methods."""


class Crowd:
    """Rooms of ten whose members come from everywhere, each with a name, a token and an address of its own."""

    def __init__(self) -> None:
        policy = unlimited(message_rate=20.0, byte_rate=65_536.0, max_session_seconds=43_200.0)
        self.registry = Registry(policy, lambda _: None, lambda: "0123456789abcdef", locate)
        self.relay = Relay(self.registry, policy, Judge(self.registry, policy))
        self._count = 0

    def join(self, rooms: int) -> None:
        """Fill so many rooms more."""
        for _ in range(rooms):
            self._enter_by(self.registry.create_room)
            for _ in range(MEMBERS_PER_ROOM - 1):
                self._enter_by(self.registry.join_room)

    def speak(self) -> None:
        """Let everybody be heard."""
        for number, session in enumerate(list(self.registry.sessions_by_token.values())):
            member = session.member
            source = make_address(member.ip, 49_152 + number, local_ip=member.ip)
            self.relay.handle_datagram(encode_datagram(member.room.raw_name, session.token), source, 1.0 + number)

    def _enter_by(self, enter: Callable[..., Member]) -> None:
        number = self._count
        self._count += 1
        ip = bytes(10) + b"\xff\xff\x0a" + number.to_bytes(3, "big")
        enter(b"room-%d" % (number // MEMBERS_PER_ROOM), f"member-{number}", b"%022d" % number, ip, 1.0 + number)


@pytest.fixture
def measure() -> Iterator[Callable[[], int]]:
    """Return what tells how many bytes are in use, of those taken from now on."""

    def in_use() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    yield in_use
    tracemalloc.stop()


@pytest.mark.slow
def test_a_member_takes_little_memory(measure: Callable[[], int]) -> None:
    crowd = Crowd()
    crowd.join(1)  # what is made once is no member's
    before = measure()
    crowd.join(ROOMS)
    joined = measure()
    crowd.speak()
    spoken = measure()
    assert not any(crowd.registry.counters.dropped.values())
    assert (joined - before) / (ROOMS * MEMBERS_PER_ROOM) < JOINED_BYTES + COMPILED_BYTES
    assert (spoken - before) / (ROOMS * MEMBERS_PER_ROOM) < SPOKEN_BYTES + COMPILED_BYTES
