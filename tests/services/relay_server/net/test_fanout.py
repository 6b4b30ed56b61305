"""Parcels against the plainest fan-out there is: each message, to each listener, one after the other."""

from collections import defaultdict
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given

from relay_server.core.address import (
    TARGET_BYTES,
    Address,
    make_address,
    pack_targets,
    parse_ip,
    targets_but,
    unpack_targets,
)
from relay_server.core.model import Forward
from relay_server.net.fanout import (
    MAX_PARCEL_BYTES,
    MAX_PARCEL_SEGMENTS,
    MAX_SEGMENT_BYTES,
    Parcel,
    pack_parcels,
)

Heard = dict[Address, list[bytes]]


def room(number: int, members: int) -> bytes:
    """Make the row of a room; nobody is in two of them."""
    return pack_targets([make_address(parse_ip(f"10.0.{number}.1"), 1000 + member) for member in range(members)])


def said(row: bytes, member: int, payload: bytes) -> Forward:
    return payload, row, (member + 1) * TARGET_BYTES


def messages_in(parcel: Parcel) -> list[bytes]:
    """Cut a parcel as the kernel does."""
    text, _, segment = parcel
    return [text[start : start + segment] for start in range(0, len(text), segment)] if segment else [text]


def heard_by_all(parcels: list[Parcel]) -> Heard:
    heard: Heard = defaultdict(list)
    for parcel in parcels:
        for target in unpack_targets(parcel[1]):
            heard[target] += messages_in(parcel)
    return heard


def naive_fan_out(forwards: list[Forward]) -> Heard:
    heard: Heard = defaultdict(list)
    for payload, row, place in forwards:
        for number, target in enumerate(unpack_targets(row), start=1):
            if number * TARGET_BYTES != place:
                heard[target].append(payload)
    return heard


def assert_the_kernel_takes(parcel: Parcel) -> None:
    text, _, segment = parcel
    if segment:
        assert segment <= MAX_SEGMENT_BYTES
        assert 0 < len(text) <= MAX_PARCEL_BYTES
        assert len(messages_in(parcel)) <= MAX_PARCEL_SEGMENTS


@st.composite
def batches(draw: st.DrawFn) -> list[Forward]:
    """Make batches of a few rooms that are talked in at the same time; each message can be told from the others."""
    rows = [room(number, draw(st.integers(1, 6))) for number in range(draw(st.integers(1, 3)))]
    sizes = draw(st.sampled_from([[40], [40, 41], [10, 600, MAX_SEGMENT_BYTES], [MAX_SEGMENT_BYTES, 4094]]))
    forwards = []
    for number in range(draw(st.integers(0, 80))):
        row = draw(st.sampled_from(rows))
        member = draw(st.integers(0, len(row) // TARGET_BYTES - 1))
        size = draw(st.sampled_from(sizes))
        forwards.append(said(row, member, (b"%d " % number).ljust(size, b"x")))
    return forwards


@pytest.mark.requirement("UDP-04", "CON-02")
@given(batches(), st.booleans())
def test_everybody_hears_every_others_message_once_in_order(forwards: list[Forward], together: bool) -> None:
    parcels = pack_parcels(forwards, together=together)
    assert heard_by_all(parcels) == naive_fan_out(forwards)
    for parcel in parcels:
        assert_the_kernel_takes(parcel)


def test_a_room_that_is_talked_in_gets_one_parcel_for_each_listener() -> None:
    row = room(1, 20)
    forwards = [said(row, member, b"member %02d" % member) for member in (3, 7, 7, 19, 0)]
    parcels = pack_parcels(forwards, together=True)
    assert sum(len(unpack_targets(targets)) for _, targets, _ in parcels) == 20
    assert heard_by_all(parcels) == naive_fan_out(forwards)


def test_what_goes_by_itself_is_a_parcel_of_its_own() -> None:
    row = room(1, 20)
    forwards = [said(row, member, b"member %02d" % member) for member in range(5)]
    assert pack_parcels(forwards, together=False) == [
        (payload, targets_but(row, place), 0) for payload, _, place in forwards
    ]


def test_who_speaks_alone_gets_nothing_back() -> None:
    row = room(1, 2)
    parcels = pack_parcels([said(row, 0, b"one"), said(row, 0, b"two")], together=True)
    assert parcels == [(b"onetwo", row[TARGET_BYTES:], 3)]


def test_a_room_that_changes_amid_a_batch_keeps_its_order() -> None:
    before, between = room(1, 3), room(1, 4)
    again = bytes(bytearray(before))  # somebody came and went: the same row, but not the same
    forwards = [said(before, 0, b"one"), said(between, 1, b"two"), said(again, 0, b"six")]
    assert heard_by_all(pack_parcels(forwards, together=True)) == naive_fan_out(forwards)


def test_a_sender_who_is_not_in_the_row_takes_nobody_out() -> None:
    row = room(1, 3)
    forwards = [(b"one", row, 0), (b"two", row, 0), said(row, 1, b"six")]
    assert heard_by_all(pack_parcels(forwards, together=True)) == naive_fan_out(forwards)
    assert pack_parcels(forwards[:2], together=True) == [(b"onetwo", row, 3)]


@pytest.mark.parametrize(
    ("sizes", "runs"),
    [
        ([5, 5, 5], [3]),
        ([5, 5, 3], [3]),  # the last one may be shorter...
        ([5, 5, 3, 3], [3, 1]),  # ...but nothing comes after it
        ([3, 5, 5], [1, 2]),
        ([5, 3, 5, 3], [2, 2]),
        ([3, 4, 5], [1, 1, 1]),
        ([5] * MAX_PARCEL_SEGMENTS, [MAX_PARCEL_SEGMENTS]),
        ([5] * (MAX_PARCEL_SEGMENTS + 1), [MAX_PARCEL_SEGMENTS, 1]),
        ([5] * MAX_PARCEL_SEGMENTS + [3], [MAX_PARCEL_SEGMENTS, 1]),
        ([MAX_SEGMENT_BYTES] * 2, [2]),
        ([MAX_SEGMENT_BYTES + 1] * 2, [1, 1]),
        ([MAX_SEGMENT_BYTES + 1, 5, 5], [1, 2]),
        ([MAX_SEGMENT_BYTES] * 60, [MAX_PARCEL_BYTES // MAX_SEGMENT_BYTES, 60 - MAX_PARCEL_BYTES // MAX_SEGMENT_BYTES]),
    ],
)
def test_a_parcel_holds_one_size_and_what_the_kernel_takes(sizes: list[int], runs: list[int]) -> None:
    row = room(1, 2)
    forwards = [said(row, 0, bytes([number]) * size) for number, size in enumerate(sizes)]
    parcels = pack_parcels(forwards, together=True)
    assert [len(messages_in(parcel)) for parcel in parcels] == runs
    ends = [sum(runs[:number]) for number in range(len(runs) + 1)]
    for parcel, (start, end) in zip(parcels, pairwise(ends), strict=True):
        assert messages_in(parcel) == [payload for payload, _, _ in forwards[start:end]]
        assert_the_kernel_takes(parcel)
