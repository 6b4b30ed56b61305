"""GsoBatchs against the plainest fan-out there is: each message, to each listener, one after the other."""

from collections import defaultdict
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given

from relay_server.core.audience import Audience, Forward
from relay_server.net.address import pack_targets, unpack_targets
from relay_server.net.fanout import (
    MAX_BATCH_BYTES,
    MAX_BATCH_SEGMENTS,
    MAX_SEGMENT_BYTES,
    pack_batches,
    route_of,
    rows_by_form,
)
from services.relay_server.core.rooms_case import addresses_but
from services.relay_server.net.gso import (
    Heard,
    assert_the_kernel_takes,
    heard_by_all,
    listener,
    messages_in,
    room,
    said,
)
from services.relay_server.net.udp_chat import SENDER


def naive_fan_out(forwards: list[Forward]) -> Heard:
    heard: Heard = defaultdict(list)
    for audience, sender, payload in forwards:
        for address in addresses_but(audience, sender):
            heard[address].append(payload)
    return heard


@st.composite
def batches(draw: st.DrawFn) -> list[Forward]:
    """Make batches of a few rooms that are talked in at the same time; each message can be told from the others."""
    rooms = [room(number, draw(st.integers(1, 6))) for number in range(draw(st.integers(1, 3)))]
    sizes = draw(st.sampled_from([[40], [40, 41], [10, 600, MAX_SEGMENT_BYTES], [MAX_SEGMENT_BYTES, 4094]]))
    forwards = []
    for number in range(draw(st.integers(0, 80))):
        audience = draw(st.sampled_from(rooms))
        member = draw(st.integers(0, len(audience.addresses) - 1))
        size = draw(st.sampled_from(sizes))
        forwards.append(said(audience, member, (b"%d " % number).ljust(size, b"x")))
    return forwards


@pytest.mark.slow
@pytest.mark.requirement("UDP-04", "CON-02")
@given(batches(), st.booleans())
def test_everybody_hears_every_others_message_once_in_order(forwards: list[Forward], together: bool) -> None:
    sent = pack_batches(forwards, together=together)
    assert heard_by_all(sent) == naive_fan_out(forwards)
    for batch in sent:
        assert_the_kernel_takes(batch)


def test_a_room_that_is_talked_in_gets_one_batch_for_each_listener() -> None:
    audience = room(1, 20)
    forwards = [said(audience, member, b"member %02d" % member) for member in (3, 7, 7, 19, 0)]
    sent = pack_batches(forwards, together=True)
    assert sum(len(unpack_targets(targets)) for _, targets, _ in sent) == 20
    assert heard_by_all(sent) == naive_fan_out(forwards)


def test_what_goes_by_itself_is_a_batch_of_its_own() -> None:
    audience = room(1, 20)
    forwards = [said(audience, member, b"member %02d" % member) for member in range(5)]
    assert pack_batches(forwards, together=False) == [
        (payload, pack_targets(addresses_but(audience, sender)), 0) for audience, sender, payload in forwards
    ]


def test_the_way_to_an_audience_is_worked_out_once() -> None:
    audience = room(1, 3)
    assert route_of(audience) is route_of(audience)


def test_who_speaks_alone_gets_nothing_back() -> None:
    audience = room(1, 2)
    sent = pack_batches([said(audience, 0, b"one"), said(audience, 0, b"two")], together=True)
    assert sent == [(b"onetwo", pack_targets(addresses_but(audience, listener(audience, 0))), 3)]


def test_a_room_that_changes_amid_a_batch_keeps_its_order() -> None:
    before, between = room(1, 3), room(1, 4)
    again = Audience(dict(before.addresses))  # somebody came and went: the same listeners, but another audience
    forwards = [said(before, 0, b"one"), said(between, 1, b"two"), said(again, 0, b"six")]
    assert heard_by_all(pack_batches(forwards, together=True)) == naive_fan_out(forwards)


def test_a_sender_who_is_not_in_the_audience_takes_nobody_out() -> None:
    audience = room(1, 3)
    forwards = [(audience, SENDER, b"one"), (audience, SENDER, b"two"), said(audience, 1, b"six")]
    assert heard_by_all(pack_batches(forwards, together=True)) == naive_fan_out(forwards)
    assert pack_batches(forwards[:2], together=True) == [(b"onetwo", pack_targets(addresses_but(audience, None)), 3)]


@pytest.mark.parametrize(
    ("sizes", "runs"),
    [
        ([5, 5, 5], [3]),
        ([5, 5, 3], [3]),  # the last one may be shorter...
        ([5, 5, 3, 3], [3, 1]),  # ...but nothing comes after it
        ([3, 5, 5], [1, 2]),
        ([5, 3, 5, 3], [2, 2]),
        ([3, 4, 5], [1, 1, 1]),
        ([5] * MAX_BATCH_SEGMENTS, [MAX_BATCH_SEGMENTS]),
        ([5] * (MAX_BATCH_SEGMENTS + 1), [MAX_BATCH_SEGMENTS, 1]),
        ([5] * MAX_BATCH_SEGMENTS + [3], [MAX_BATCH_SEGMENTS, 1]),
        ([MAX_SEGMENT_BYTES] * 2, [2]),
        ([MAX_SEGMENT_BYTES + 1] * 2, [1, 1]),
        ([MAX_SEGMENT_BYTES + 1, 5, 5], [1, 2]),
        ([MAX_SEGMENT_BYTES] * 60, [MAX_BATCH_BYTES // MAX_SEGMENT_BYTES, 60 - MAX_BATCH_BYTES // MAX_SEGMENT_BYTES]),
    ],
)
def test_a_batch_holds_one_size_and_what_the_kernel_takes(sizes: list[int], runs: list[int]) -> None:
    audience = room(1, 2)
    forwards = [said(audience, 0, bytes([number]) * size) for number, size in enumerate(sizes)]
    sent = pack_batches(forwards, together=True)
    assert [len(messages_in(batch)) for batch in sent] == runs
    ends = [sum(runs[:number]) for number in range(len(runs) + 1)]
    for batch, (start, end) in zip(sent, pairwise(ends), strict=True):
        assert messages_in(batch) == [payload for _, _, payload in forwards[start:end]]
        assert_the_kernel_takes(batch)


@pytest.mark.requirement("FEAT-02", "FEAT-03")
@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(0, 6))
def test_a_notice_goes_to_everybody_else_once_and_in_the_form_asked_for(forms: list[bool], without: int) -> None:
    audience = room(1, len(forms))
    for one, form in zip(audience.addresses, forms, strict=True):
        one.json_notices = form
    but = listener(audience, without) if without < len(forms) else None
    rows = rows_by_form(audience, but)
    heard = sorted((form, target) for form, row in rows for target in unpack_targets(row))
    assert heard == sorted((one.json_notices, at) for one, at in audience.addresses.items() if one is not but)
    assert len(dict(rows)) == len(rows)
