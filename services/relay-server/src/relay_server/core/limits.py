"""Token buckets: how much somebody may do, and how fast they may go on (LIM-01)."""

from collections import OrderedDict
from typing import Final, TypeAlias

from chatproto.constants import MAX_DATAGRAM_BYTES
from relay_server.core.address import networks_around
from relay_server.core.counters import DropReason
from relay_server.core.policy import Policy

MAX_TRACKED: Final = 16_384
"""Buckets kept per kind; the longest unused is forgotten, so that spoofed sources can't fill the memory."""

SMALL_AUDIENCE: Final = 64
"""A message to so many others costs little, so its copies aren't counted: a school's room is as free as ever."""
COPIES_PER_MESSAGE: Final = 500
"""The members of one address may cause so many copies a second in larger rooms for each message a second that one of
them may say, or ten messages to 1,000 others by default. Without a bound one address could use up the processor."""
COPIES_AT_ONCE_PER_MESSAGE: Final = 250
"""The same for the burst: as many as in a second by default, so that ten messages at once pass in a room of 1,000."""

AROUND_FACTORS: Final = (4, 16)
"""What the /56 and the /48 around an IPv6 /64 may have, in times of what one /64 may.

Providers give a home a /56 and a site a /48, with 256 and 65,536 times as many /64: whoever has one would be as many
addresses. Four lets a home's several networks be several; sixteen lets neighbours under one /48 not be felt, as some
providers give homes no more than a /64 each.
"""


class TokenBucket:
    """Holds up to ``burst`` units and gains ``rate`` of them a second."""

    __slots__ = ("_burst", "_level", "_rate", "_updated")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._updated = now

    def take(self, amount: float, now: float) -> bool:
        """Take units out; False, and nothing taken, if there are too few."""
        level = min(self._burst, self._level + (now - self._updated) * self._rate)
        self._updated = now
        if level < amount:
            self._level = level
            return False
        self._level = level - amount
        return True

    def give_back(self, amount: float) -> None:
        """Put units back that were taken for nothing."""
        self._level = min(self._burst, self._level + amount)


class Buckets:
    """One bucket per key; ``rate`` 0 allows everything."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[bytes, TokenBucket] = OrderedDict()

    def take(self, key: bytes, now: float) -> bool:
        """Take one unit of the key's bucket; False if it is empty."""
        return not self._rate or self.bucket_of(key, now).take(1, now)

    def bucket_of(self, key: bytes, now: float) -> TokenBucket:
        """Return the key's bucket, a full one if it wasn't used for long."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._rate, self._burst, now)
            if len(self._buckets) > MAX_TRACKED:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket


class NestedBucket:
    """The bucket of a network and those of the networks around it, as one: a unit is taken out of all or of none."""

    __slots__ = ("_buckets",)

    def __init__(self, *buckets: TokenBucket) -> None:
        self._buckets = buckets

    def take(self, amount: float, now: float) -> bool:
        """Take units out; False, and nothing taken, if there are too few in any."""
        for place, bucket in enumerate(self._buckets):
            if not bucket.take(amount, now):
                for taken in self._buckets[:place]:
                    taken.give_back(amount)
                return False
        return True

    def give_back(self, amount: float) -> None:
        """Put units back that were taken for nothing."""
        for bucket in self._buckets:
            bucket.give_back(amount)


class NetworkBuckets:
    """Buckets by network (see `address.network_of`); an IPv6 /64 also draws on larger ones of its /56 and its /48."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._own = Buckets(rate, burst)
        self._around = [Buckets(factor * rate, factor * burst) for factor in AROUND_FACTORS]

    def take(self, network: bytes, now: float, amount: float = 1) -> bool:
        """Take units; False if the network's bucket has too few, or one around it."""
        return not self._rate or self.bucket_of(network, now).take(amount, now)

    def bucket_of(self, network: bytes, now: float) -> TokenBucket | NestedBucket:
        """Return what the network draws on."""
        own = self._own.bucket_of(network, now)
        around = networks_around(network)
        if not around:
            return own
        larger = [buckets.bucket_of(key, now) for buckets, key in zip(self._around, around, strict=True)]
        return NestedBucket(own, *larger)


def copy_rate(policy: Policy) -> tuple[float, float]:
    """Return how many copies a second may be caused in a large room, and how many at once; 0 is no limit."""
    return COPIES_PER_MESSAGE * policy.message_rate, COPIES_AT_ONCE_PER_MESSAGE * policy.message_burst


class SpeechLimit:
    """What one member may say: messages a second and bytes a second."""

    __slots__ = ("_bytes", "_messages")

    def __init__(self, policy: Policy, now: float) -> None:
        self._messages = TokenBucket(policy.message_rate, policy.message_burst, now) if policy.message_rate else None
        # Two seconds' worth, and never less than two whole datagrams, or a slow rate would silence for good.
        burst = max(2 * policy.byte_rate, 2 * MAX_DATAGRAM_BYTES)
        self._bytes = TokenBucket(policy.byte_rate, burst, now) if policy.byte_rate else None

    def exceeded(self, size: int, now: float) -> DropReason | None:
        """Count one message of so many bytes; returns which limit it is over, or None."""
        if self._messages is not None and not self._messages.take(1, now):
            return DropReason.MESSAGE_RATE
        if self._bytes is not None and not self._bytes.take(size, now):
            return DropReason.BYTE_RATE
        return None


class Halted:
    """The limit of a member whose room moves to another node (CLU-05): nothing counts for a moment.

    What was said before is all that the new home goes on from; a client that isn't answered says it again there.
    """

    __slots__ = ("_until", "inner")

    def __init__(self, limit: "AnyLimit | None", until: float) -> None:
        self.inner = limit
        """Its own, for the case that the room stays."""
        self._until = until

    def exceeded(self, size: int, now: float) -> DropReason | None:
        """Count one message of so many bytes."""
        if now < self._until:
            return DropReason.MOVING
        return None if self.inner is None else self.inner.exceeded(size, now)


class Muted:
    """The limit of a member that may say nothing: all is over it, and the relay looks closer (MOD-05).

    So who isn't muted costs the data path nothing.
    """

    __slots__ = ("inner",)

    def __init__(self, limit: "AnyLimit | None") -> None:
        self.inner = limit
        """Its own, which counts as ever."""

    def exceeded(self, size: int, now: float) -> DropReason:
        """Count one message of so many bytes; it is over a limit in any case."""
        return (self.inner and self.inner.exceeded(size, now)) or DropReason.MUTED


AnyLimit: TypeAlias = SpeechLimit | Muted | Halted
