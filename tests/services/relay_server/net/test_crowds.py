"""The queue of what goes to large audiences: slices, and the order of each group."""

from relay_server.core.audience import Audience
from relay_server.net.address import TARGET_BYTES
from relay_server.net.crowds import CROWD, FEW, SLICE_COPIES, CrowdQueue, Slice
from relay_server.net.fanout import GsoBatch

ROOM, OTHER = "room", "other"


def row(count: int) -> bytes:
    return bytes(count * TARGET_BYTES)


def drain(queue: CrowdQueue) -> list[Slice]:
    return list(iter(queue.take, None))


def copies_of(batch: GsoBatch) -> int:
    text, targets, segment = batch
    return len(targets) // TARGET_BYTES * (-(-len(text) // segment) if segment else 1)


def audience(listeners: int, group: object = ROOM) -> Audience:
    return Audience(dict.fromkeys(range(listeners), b""), group)


def test_a_message_to_many_is_sent_in_slices() -> None:
    queue = CrowdQueue()
    queue.add(ROOM, [(b"hello", row(3 * SLICE_COPIES + 1), 0)], is_notice=False)
    assert queue.copies == 3 * SLICE_COPIES + 1
    slices = drain(queue)
    assert [sum(map(copies_of, batches)) for _, batches in slices] == [SLICE_COPIES] * 3 + [1]
    assert (queue.copies, bool(queue), queue.take()) == (0, False, None)


def test_messages_that_the_kernel_cuts_count_each() -> None:
    queue = CrowdQueue()
    queue.add(ROOM, [(b"x" * 10, row(SLICE_COPIES), 2)], is_notice=False)
    slices = drain(queue)
    assert sum(copies_of(batch) for _, batches in slices for batch in batches) == 5 * SLICE_COPIES
    assert max(sum(map(copies_of, batches)) for _, batches in slices) < 2 * SLICE_COPIES


def test_one_slice_holds_messages_or_notices_alone_in_their_order() -> None:
    queue = CrowdQueue()
    for text, is_notice in ((b"one", False), (b"two", False), (b"left", True), (b"three", False)):
        queue.add(ROOM, [(text, row(1), 0)], is_notice=is_notice)
    told = [(is_notice, [text for text, *_ in batches]) for is_notice, batches in drain(queue)]
    assert told == [(False, [b"one", b"two"]), (True, [b"left"]), (False, [b"three"])]


def test_notices_and_all_of_a_fine_queue_go_in_smaller_slices() -> None:
    for queue, is_notice in ((CrowdQueue(), True), (CrowdQueue(fine=True), False)):
        assert not queue.takes(audience(FEW), is_notice=is_notice)
        assert queue.takes(audience(FEW + 1), is_notice=is_notice)
        queue.add(ROOM, [(b"hello", row(2 * FEW + 1), 0)], is_notice=is_notice)
        assert [sum(map(copies_of, batches)) for _, batches in drain(queue)] == [FEW, FEW, 1]


def test_nothing_of_a_group_overtakes_what_waits_for_it() -> None:
    queue = CrowdQueue()
    assert not queue.takes(audience(CROWD), is_notice=False)
    assert queue.takes(audience(CROWD + 1), is_notice=False)
    queue.add(ROOM, [(b"hello", row(SLICE_COPIES + 1), 0)], is_notice=False)
    assert queue.takes(audience(1), is_notice=False)
    assert not queue.takes(audience(1, OTHER), is_notice=False)
    queue.take()
    assert queue.takes(audience(1), is_notice=False)
    queue.take()
    assert not queue.takes(audience(1), is_notice=False)
