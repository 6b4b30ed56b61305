"""Whether there is a place for one more: how many there may be, and how fast they may come (ROOM-05, LIM-01)."""

from typing import Final

from chatproto import RefusalCode
from relay_server.core.address import network_of, networks_around
from relay_server.core.errors import BusyError, ShuttingDownError, TooManyError
from relay_server.core.limits import AROUND_FACTORS, NetworkBuckets
from relay_server.core.policy import Policy

JOIN_BURST_SECONDS: Final = 5
"""An address may spend this many seconds' worth of joins at once: a class that starts together."""
CONNECTIONS_PER_JOIN: Final = 2
"""An address may connect so many times as often as it may join: who joins too often is told so first (LIM-01)."""
CONNECTIONS_AT_ONCE: Final = 200
"""Twice as many as join at once when a class starts together by default."""
TOLD_PER_JOIN: Final = 50
"""A join counts once more for each 50 members who are told of it, and later that the newcomer left: in a room of 1,000
both together are as much work as 2,000 messages between two (LIM-01)."""
NEW_PASSWORDS_PER_GUESS: Final = 4
"""An address may have so many new passwords hashed for each wrong one that it may try in a minute."""
NEW_PASSWORDS_BURST_SECONDS: Final = 30
"""An address may spend this many seconds' worth at once, so that the processor is soon free again for everybody."""


class Census:
    """Counts how many there are, in all and of each network (see `address.network_of`); a limit of 0 is none.

    An IPv6 /64 also counts for its /56 and its /48, which may have more (see `limits.AROUND_FACTORS`).
    """

    def __init__(self, limit: int, limit_per_network: int) -> None:
        self._limit = limit
        self._limit_per_network = limit_per_network
        self.total = 0
        self.by_network: dict[bytes, int] = {}
        self._around: dict[bytes, int] = {}

    def is_full(self) -> bool:
        """Tell whether there are as many as there may be."""
        return 0 < self._limit <= self.total

    def is_full_for(self, network: bytes) -> bool:
        """Tell whether the network has as many as it may, or one around it."""
        limit = self._limit_per_network
        if not limit:
            return False
        around = zip(AROUND_FACTORS, networks_around(network), strict=False)
        return limit <= self.by_network.get(network, 0) or any(
            factor * limit <= self._around.get(larger, 0) for factor, larger in around
        )

    def add(self, network: bytes) -> None:
        """Count one more."""
        self.total += 1
        self.arrive(network)

    def remove(self, network: bytes) -> None:
        """Count one less."""
        self.total -= 1
        self.depart(network)

    def arrive(self, network: bytes) -> None:
        """Count one who is there already for this network, too: it is about to move there."""
        self.by_network[network] = self.by_network.get(network, 0) + 1
        for larger in networks_around(network):
            self._around[larger] = self._around.get(larger, 0) + 1

    def depart(self, network: bytes) -> None:
        """Count one for this network no more: it moved away, or never came."""
        _count_down(self.by_network, network)
        for larger in networks_around(network):
            _count_down(self._around, larger)


class Admission:
    """Says whether one more may come in; who counts the members and rooms that do is the registry."""

    def __init__(self, policy: Policy) -> None:
        self.members = Census(policy.max_members, policy.max_members_per_address)
        self.rooms = Census(policy.max_rooms, policy.max_rooms_per_address)
        self._join_burst = JOIN_BURST_SECONDS * policy.join_rate
        self._join_rate = NetworkBuckets(policy.join_rate, self._join_burst)
        connection_rate = CONNECTIONS_PER_JOIN * policy.join_rate
        burst = max(CONNECTIONS_AT_ONCE, JOIN_BURST_SECONDS * connection_rate)
        self._connection_rate = NetworkBuckets(connection_rate, burst)
        new_passwords = NEW_PASSWORDS_PER_GUESS * policy.password_guesses_per_minute / 60
        self._new_passwords = NetworkBuckets(new_passwords, max(1.0, NEW_PASSWORDS_BURST_SECONDS * new_passwords))
        self._closed = self._forwards = False

    def close(self, *, forwards: bool = False) -> None:
        """Let nobody in from now on; with ``forwards`` people are still told which other node has their room."""
        self._closed, self._forwards = True, forwards

    def admits_connection(self, ip: bytes, now: float) -> bool:
        """Count a connection of this address; False if there are too many (LIM-01)."""
        return self._connection_rate.take(network_of(ip), now)

    def check_rate(self, ip: bytes, now: float) -> None:
        """Count a create or join of this address; to be called once for each (LIM-01).

        Raises:
            ProtocolError: there were too many, or the relay is about to end.

        """
        if not self._forwards:
            self.check_open()
        self._take_joins(ip, 1, now)

    def check_announcement(self, ip: bytes, members: int, now: float) -> None:
        """Count a join of a room with so many members as the work that it is to tell them (LIM-01).

        Raises:
            BusyError: this address joins too much.

        """
        if members >= TOLD_PER_JOIN:
            self._take_joins(ip, min(members // TOLD_PER_JOIN, self._join_burst / 2), now)

    def check_new_password(self, ip: bytes, now: float) -> None:
        """Count a new password of this address that is to be hashed (PWD-03).

        Raises:
            BusyError: there were too many.

        """
        if not self._new_passwords.take(network_of(ip), now):
            raise BusyError(RefusalCode.TOO_MANY_NEW_PASSWORDS)

    def check_member(self, ip: bytes) -> None:
        """Check that there is a place for one more member from this address (ROOM-05).

        Raises:
            ProtocolError: there is none, or the relay is about to end.

        """
        self.check_open()
        if self.members.is_full():
            raise TooManyError(RefusalCode.TOO_MANY_MEMBERS)
        if self.members.is_full_for(network_of(ip)):
            raise TooManyError(RefusalCode.TOO_MANY_MEMBERS_OF_ADDRESS)

    def check_room(self, ip: bytes) -> None:
        """Check that there is a place for one more room of this address (ROOM-05).

        Raises:
            TooManyError: there is none.

        """
        if self.rooms.is_full():
            raise TooManyError(RefusalCode.TOO_MANY_ROOMS)
        if self.rooms.is_full_for(network_of(ip)):
            raise TooManyError(RefusalCode.TOO_MANY_ROOMS_OF_ADDRESS)

    def check_open(self) -> None:
        """Check that people are let in.

        Raises:
            ShuttingDownError: the relay is about to end.

        """
        if self._closed:
            raise ShuttingDownError

    def _take_joins(self, ip: bytes, count: float, now: float) -> None:
        if not self._join_rate.take(network_of(ip), now, count):
            raise BusyError(RefusalCode.TOO_MANY_JOINS)


def _count_down(counts: dict[bytes, int], key: bytes) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
