"""The newest entries of rooms: how many are kept, of one room and of all, and how they are cut into pieces (STR-04)."""

import random
import tracemalloc

import pytest

from relay_server.core import ring as rings_module
from relay_server.core.ring import ENTRY_BYTES, MAX_BYTES, MAX_ENTRIES, Ring, Rings


def rings(max_bytes: int = 0) -> Rings:
    numbers = iter(range(1_000_000))
    return Rings(max_bytes, lambda: f"epoch-{next(numbers)}")


def filled(count: int, length: int = 10, max_bytes: int = 0) -> Ring:
    ring = rings(max_bytes).make()
    for _ in range(count):
        ring.add(b"x" * length, is_message=True)
    return ring


@pytest.mark.requirement("STR-04")
def test_the_newest_1024_entries_are_kept() -> None:
    ring = filled(MAX_ENTRIES + 3)
    assert (len(ring), ring.first, ring.seq) == (MAX_ENTRIES, 4, MAX_ENTRIES + 3)
    assert (ring.gone.messages, ring.newest.messages) == (3, MAX_ENTRIES + 3)
    assert ring.kept_bytes == MAX_ENTRIES * (10 + ENTRY_BYTES)


@pytest.mark.requirement("STR-04")
def test_or_as_many_as_fit_in_a_mebibyte() -> None:
    length = 10_000
    ring = filled(500, length)
    assert len(ring) == MAX_BYTES // (length + ENTRY_BYTES)
    assert ring.kept_bytes <= MAX_BYTES < ring.kept_bytes + length + ENTRY_BYTES


@pytest.mark.requirement("STR-04")
def test_one_entry_that_is_larger_than_all_is_gone_at_once() -> None:
    ring = filled(2)
    ring.add(b"x" * MAX_BYTES, is_message=False)
    assert (len(ring), ring.first, ring.seq, ring.kept_bytes) == (0, 4, 3, 0)
    assert ring.newest is ring.gone
    assert ring.newest.messages == 2
    ring.add(b"y", is_message=True)
    assert (ring.first, ring.newest.messages) == (4, 3)


@pytest.mark.requirement("STR-04")
def test_of_all_rings_the_oldest_entries_go_whoever_has_them() -> None:
    size = 750 + ENTRY_BYTES
    kept = rings(16 * size)
    busy, idle, empty = kept.make(), kept.make(), kept.make()
    for _ in range(8):
        busy.add(b"x" * 750, is_message=True)
        idle.add(b"x" * 750, is_message=True)
    assert kept.kept_bytes == kept.max_bytes
    busy.add(b"x" * 750, is_message=True)  # then fifteen sixteenths stay
    assert (busy.first, idle.first, kept.kept_bytes) == (2, 2, 15 * size)
    for _ in range(100):
        busy.add(b"x" * 750, is_message=True)
    assert len(idle) == 0
    assert kept.kept_bytes == busy.kept_bytes <= kept.max_bytes
    assert (len(empty), empty.seq, empty.first) == (0, 0, 1)
    kept.drop(busy)
    assert kept.kept_bytes == 0


@pytest.mark.requirement("STR-04")
def test_a_limit_below_one_entry_keeps_nothing() -> None:
    ring = filled(5, max_bytes=1)
    assert (len(ring), ring.first, ring.seq) == (0, 6, 5)


@pytest.mark.parametrize("seed", range(30))
def test_a_piece_is_as_long_as_it_may_be_and_one_entry_at_least(seed: int) -> None:
    chance = random.Random(seed)
    ring = rings().make()
    lines = [b"%d " % number * chance.randint(1, 9) for number in range(1, 40)]
    for line in lines:
        ring.add(line, is_message=chance.random() < 0.5)
    for _ in range(chance.randint(0, 20)):
        ring.forget_oldest()
    for _ in range(100):
        start = chance.randint(ring.first - 1, ring.seq - 1)
        stop, most = chance.randint(start + 1, ring.seq), chance.randint(1, 200)
        piece = ring.cut(start, stop, most)
        assert (piece.start, piece.lines) == (start, b"".join(lines[start : piece.stop]))
        assert len(piece.lines) <= most or piece.stop == start + 1
        assert piece.stop == stop or len(piece.lines) + len(lines[piece.stop]) > most
        assert piece.messages == ring.at(piece.stop).messages - ring.at(start).messages
        assert [entry.line for entry in piece.entries] == lines[start : piece.stop]
    ring.forget()
    assert (len(ring), ring.kept_bytes, ring.newest.total_bytes) == (0, 0, sum(map(len, lines)))


def test_who_stands_at_the_same_place_gets_the_same_piece_until_all_have_it() -> None:
    ring = filled(4)
    piece = ring.cut(0, 4, 100)
    assert ring.cut(0, 4, 100) is piece
    assert ring.cut(0, 3, 100).stop == 3
    assert ring.cut(0, 4, 100) == piece
    ring.rest()
    assert ring._piece is None


def test_readers_are_woken_once_until_somebody_looks() -> None:
    kept = rings()
    wakes: list[None] = []
    kept.on_wake = lambda: wakes.append(None)
    first, second, unread = kept.make(), kept.make(), kept.make()
    for ring in (first, second):
        ring.readers[object()] = None  # type: ignore[index]
    for _ in range(3):
        for ring in (first, second, unread):
            ring.add(b"x", is_message=True)
    assert (len(wakes), kept.take_woken(), kept.take_woken()) == (1, [first, second], [])
    second.add(b"x", is_message=True)
    assert (len(wakes), kept.take_woken()) == (2, [second])


def test_what_an_entry_is_counted_as_is_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings_module, "MAX_ENTRIES", 1 << 30)
    monkeypatch.setattr(rings_module, "MAX_BYTES", 1 << 30)
    ring = rings().make()
    tracemalloc.start()
    for number in range(2000):
        ring.add(b"%d" % number * 20, None, b"%d" % number, is_message=True)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 * taken < ring.kept_bytes < 1.5 * taken, (taken, ring.kept_bytes)


@pytest.mark.slow
@pytest.mark.requirement("STR-04")
def test_the_rings_of_ten_thousand_rooms_fill_no_memory() -> None:
    """Threat N6: what all keep together is what was set, be they as many as there are rooms."""
    most = 4 * 2**20
    kept = rings(most)
    rooms = [kept.make() for _ in range(10_000)]
    tracemalloc.start()
    for number in range(30_000):
        rooms[number % len(rooms)].add(b"%d" % number * 50, is_message=True)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.kept_bytes == sum(ring.kept_bytes for ring in rooms) <= most
    assert taken < 1.5 * most, taken
    serials = sorted(ring.oldest_serial for ring in rooms if len(ring))
    assert serials[0] > 30_000 - sum(map(len, rooms))  # the oldest of all went first
    assert len(serials) == len({ring.epoch for ring in rooms if len(ring)})
