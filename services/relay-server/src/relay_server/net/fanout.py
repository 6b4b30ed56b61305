"""Who gets what of a batch: messages that have the same way go it together, as one parcel that the kernel cuts.

That is UDP GSO: the kernel takes several datagrams for one address in one piece, and goes through its protocols, its
routes and its filters once for all of them. Who receives them sees no difference.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from relay_server.core.address import TARGET_BYTES, targets_but
from relay_server.core.model import Forward

MAX_SEGMENT_BYTES: Final = 1200
"""What is longer goes on its own: a piece must fit a packet, on any path (IPv6's least is 1280, 48 of it headers)."""
MAX_PARCEL_SEGMENTS: Final = 64
"""The kernel cuts no parcel into more pieces."""
MAX_PARCEL_BYTES: Final = 65_000
"""The kernel takes no parcel that would not fit an IP packet."""

Parcel: TypeAlias = tuple[bytes, bytes, int]
"""One or more messages' bytes, a row of targets, and the size to cut by: each message's, the last may be shorter.

0 doesn't cut.
"""


def pack_parcels(forwards: Iterable[Forward], *, together: bool) -> list[Parcel]:
    """Lay out what a batch of messages brings: to every target each message once, in the order of arrival (UDP-04).

    If not ``together``, each message is a parcel of its own.
    """
    if not together:
        return [_pack_one(forward) for forward in forwards]
    forwards_by_row: defaultdict[int, list[Forward]] = defaultdict(list)
    for forward in forwards:
        forwards_by_row[id(forward[1])].append(forward)
    parcels: list[Parcel] = []
    for same_way in forwards_by_row.values():
        if len(same_way) == 1:
            parcels.append(_pack_one(same_way[0]))
        else:
            for run in _runs(same_way):
                if len(run) == 1:
                    parcels.append(_pack_one(run[0]))
                else:
                    parcels += _pack_run(run)
    return parcels


def _pack_one(forward: Forward) -> Parcel:
    payload, row, place = forward
    return payload, targets_but(row, place), 0


def _runs(forwards: list[Forward]) -> list[list[Forward]]:
    """Divide a row's messages into runs that fit a parcel."""
    sizes = [len(payload) for payload, _, _ in forwards]
    count, size = len(sizes), sizes[0]
    most = _most(size)
    if sizes.count(size) == count <= most:
        return [forwards]
    runs = []
    first = 0
    for index in range(1, count):
        length = sizes[index]
        if index - first >= most or length > size:
            runs.append(forwards[first:index])
            first, size, most = index, length, _most(length)
        elif length < size:
            most = 0  # it is the last one
    return [*runs, forwards[first:]]


def _most(size: int) -> int:
    """Return how many messages of this size fit a parcel."""
    return min(MAX_PARCEL_SEGMENTS, MAX_PARCEL_BYTES // size) if size <= MAX_SEGMENT_BYTES else 1


def _pack_run(run: Sequence[Forward]) -> list[Parcel]:
    """Give all of it to who said nothing in this run, and to each sender what the others said."""
    payloads, (row, *_), places = zip(*run, strict=True)
    text, size = b"".join(payloads), len(payloads[0])
    parcels: list[Parcel] = []
    senders = {0, *places}
    if len(senders) > len(places):  # each said one thing, as is usual: that is cut out fastest
        start = 0
        for place in places:
            end = start + size
            parcels.append((text[:start] + text[end:], row[place - TARGET_BYTES : place], size))
            start = end
    else:
        for sender in senders - {0}:
            heard = b"".join([payload for payload, _, place in run if place != sender])
            if heard:
                parcels.append((heard, row[sender - TARGET_BYTES : sender], size))
    if len(senders) <= len(row) // TARGET_BYTES:
        parcels.append((text, _targets_but_all(row, sorted(senders)), size))
    return parcels


def _targets_but_all(row: bytes, starts: Sequence[int]) -> bytes:
    """Return a row without the targets that end at any of these places; the first one is 0."""
    ends = [*[start - TARGET_BYTES for start in starts[1:]], len(row)]
    return b"".join([row[start:end] for start, end in zip(starts, ends, strict=True)])
