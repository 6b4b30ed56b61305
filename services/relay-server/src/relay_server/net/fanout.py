"""How an audience is reached: its addresses in a row, and its messages in batches that the kernel cuts.

That is UDP GSO: the kernel takes several datagrams for one address in one piece, and goes through its protocols, its
routes and its filters once for all of them. Who receives them sees no difference.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from relay_server.core.audience import Audience, Forward, Listener
from relay_server.net.address import TARGET_BYTES, pack_targets, targets_but

MAX_SEGMENT_BYTES: Final = 1200
"""What is longer goes on its own: a piece must fit a packet, on any path (IPv6's least is 1280, 48 of it headers)."""
MAX_BATCH_SEGMENTS: Final = 64
"""The kernel cuts no batch into more pieces."""
MAX_BATCH_BYTES: Final = 65_000
"""The kernel takes no batch that would not fit an IP packet."""

GsoBatch: TypeAlias = tuple[bytes, bytes, int]
"""One or more messages' bytes, a row of targets, and the size to cut by: each message's, the last may be shorter.

0 doesn't cut.
"""
Said: TypeAlias = tuple[bytes, int]
"""A payload, and where the sender's target ends in the row; 0 if it has none there."""


class Route:
    """The addresses of an audience's listeners on UDP in a row, and where in it each one's target ends."""

    __slots__ = ("ends", "row")

    def __init__(self, audience: Audience) -> None:
        addresses = {one: address for one, address in audience.addresses.items() if isinstance(address, bytes)}
        self.row = pack_targets(addresses.values())
        ends = range(TARGET_BYTES, len(self.row) + TARGET_BYTES, TARGET_BYTES)
        self.ends: dict[Listener, int] = dict(zip(addresses, ends, strict=True))


def route_of(audience: Audience) -> Route:
    """Return the way to an audience; it is worked out once, and kept with it."""
    route: Route | None = audience.route
    if route is None:
        route = audience.route = Route(audience)
    return route


def row_but(audience: Audience, listener: Listener | None) -> bytes:
    """Return an audience's targets, without those of one listener."""
    route = route_of(audience)
    return targets_but(route.row, route.ends.get(listener, 0)) if listener else route.row


def rows_by_form(audience: Audience, listener: Listener | None) -> list[tuple[bool, bytes]]:
    """Return the targets of an audience without one listener, by whether they read notices as JSON objects."""
    addresses = audience.addresses
    forms = {each.json_notices for each in addresses}
    if len(forms) == 1:  # as in most rooms: there the row is ready
        return [(forms.pop(), row_but(audience, listener))]
    others = [
        (each.json_notices, address)
        for each, address in addresses.items()
        if each is not listener and isinstance(address, bytes)
    ]
    rows = [(form, pack_targets(address for json, address in others if json is form)) for form in (False, True)]
    return [(form, row) for form, row in rows if row]


def pack_batches(forwards: Iterable[Forward], *, together: bool) -> list[GsoBatch]:
    """Lay out what is to be sent: to every listener each message once, in the order of arrival (UDP-04).

    If not ``together``, each message is a batch of its own.
    """
    if not together:
        return [(payload, row_but(audience, sender), 0) for audience, sender, payload in forwards]
    forwards_by_audience: defaultdict[Audience, list[Forward]] = defaultdict(list)
    for forward in forwards:
        forwards_by_audience[forward[0]].append(forward)
    batches: list[GsoBatch] = []
    for audience, same_way in forwards_by_audience.items():
        route: Route = audience.route or route_of(audience)
        row, end_of = route.row, route.ends.get
        if len(same_way) == 1:
            _, sender, payload = same_way[0]
            batches.append((payload, targets_but(row, end_of(sender, 0)), 0))
        else:
            for run in divide([(payload, end_of(sender, 0)) for _, sender, payload in same_way]):
                if len(run) == 1:
                    payload, end = run[0]
                    batches.append((payload, targets_but(row, end), 0))
                else:
                    batches += _pack_run(row, run)
    return batches


def divide(said: list[Said]) -> list[list[Said]]:
    """Divide a row's messages, of which there is one at least, into runs that fit a batch."""
    sizes = [len(payload) for payload, _ in said]
    count, size = len(sizes), sizes[0]
    most = _most(size)
    if sizes.count(size) == count <= most:
        return [said]
    runs = []
    first = 0
    for index in range(1, count):
        length = sizes[index]
        if index - first >= most or length > size:
            runs.append(said[first:index])
            first, size, most = index, length, _most(length)
        elif length < size:
            most = 0  # it is the last one
    return [*runs, said[first:]]


def has_room(length: int, size: int) -> bool:
    """Tell whether a batch of so many bytes, cut by this size, takes one datagram more, as its last one."""
    return length % size == 0 and length < size * _most(size)


def _most(size: int) -> int:
    """Return how many messages of this size fit a batch."""
    return min(MAX_BATCH_SEGMENTS, MAX_BATCH_BYTES // size) if size <= MAX_SEGMENT_BYTES else 1


def _pack_run(row: bytes, run: Sequence[Said]) -> list[GsoBatch]:
    """Give all of it to those who said nothing in this run, and to each sender what the others said."""
    payloads, ends = zip(*run, strict=True)
    text, size = b"".join(payloads), len(payloads[0])
    batches: list[GsoBatch] = []
    senders = {0, *ends}
    if len(senders) > len(ends):  # each said one thing, as is usual: that is cut out fastest
        start = 0
        for end in ends:
            stop = start + size
            batches.append((text[:start] + text[stop:], row[end - TARGET_BYTES : end], size))
            start = stop
    else:
        for sender in senders - {0}:
            heard = b"".join([payload for payload, end in run if end != sender])
            if heard:
                batches.append((heard, row[sender - TARGET_BYTES : sender], size))
    if len(senders) <= len(row) // TARGET_BYTES:
        batches.append((text, _targets_but_all(row, sorted(senders)), size))
    return batches


def _targets_but_all(row: bytes, starts: Sequence[int]) -> bytes:
    """Return a row without the targets that end at any of these places; the first one is 0."""
    ends = [*[start - TARGET_BYTES for start in starts[1:]], len(row)]
    return b"".join([row[start:end] for start, end in zip(starts, ends, strict=True)])
