"""One stream's place in a ring: what it is given, in which order, and what is counted (STR-03, STR-05, STR-07)."""

import json
from typing import Any

import pytest

from chatproto.stream import encode_entry, encode_took
from relay_server.core.counters import StreamCounters, StreamFailure
from relay_server.core.model import Member, Room, Session
from relay_server.core.reader import MAX_UNREAD_BYTES, Reader
from relay_server.core.ring import MAX_ENTRIES, Rings


class Talk:
    """A ring, and one who reads it."""

    def __init__(self) -> None:
        self.rings = Rings(0, lambda: "epoch")
        self.ring = self.rings.make()
        self.counters = StreamCounters()
        self.member = Member(Room("demo", b"demo", bytes(8)), b"me: ", ("me",), bytes(16))
        self.woken = 0
        self.reader = Reader(Session(self.member, b"token", b"", 0, bytes(16)), self.counters, self, 0.0)

    def wake(self) -> None:
        self.woken += 1

    def pump(self) -> None: ...

    def say(self, *numbers: int, length: int = 0) -> None:
        for number in numbers:
            assert self.ring.seq + 1 == number
            self.ring.add(encode_entry(number, "ann", str(number) + "." * length), None, is_message=True)

    def say_own(self, n: int = 0) -> None:
        seq = self.ring.seq + 1
        own = encode_took(n, seq) if n else b""
        self.ring.add(encode_entry(seq, "me", "mine"), self.member, own, is_message=True)
        self.reader.note_own(n)

    def read(self, max_bytes: int = MAX_UNREAD_BYTES) -> list[Any]:
        """Return the numbers of what others say, and anything else as it is."""
        lines = [json.loads(line) for line in self.reader.take(max_bytes).splitlines()]
        return [line["seq"] if "text" in line else line for line in lines]

    def counts(self) -> tuple[int, int, int]:
        """Return what was sent, what wasn't, and what waits."""
        return self.counters.sent, sum(self.counters.send_failures.values()), self.reader.waiting


def started(*numbers: int) -> Talk:
    talk = Talk()
    talk.say(*numbers)
    talk.reader.start(talk.ring, talk.ring.seq)
    return talk


@pytest.mark.requirement("STR-05")
def test_it_reads_nothing_before_it_starts_and_then_from_where_it_was() -> None:
    talk = Talk()
    talk.say(1, 2, 3)
    talk.reader.tell(b'{"for":"it alone"}\n')
    assert (talk.reader.has_more, talk.read(), talk.reader.waiting, talk.reader.has_started) == (False, [], 0, False)
    assert talk.reader.unread_bytes == len(b'{"for":"it alone"}\n')
    talk.reader.start(talk.ring, 1)
    talk.say(4)
    assert talk.read() == [{"for": "it alone"}, 2, 3, 4]
    assert (talk.counts(), talk.counters.replayed) == ((1, 0, 0), 2)


@pytest.mark.requirement("STR-03")
def test_what_is_for_it_alone_comes_after_what_was_there_before() -> None:
    talk = started()
    talk.say(1)
    talk.reader.tell(b'{"a":1}\n')
    talk.reader.tell(b'{"b":1}\n')
    talk.say(2, 3)
    talk.reader.tell(b'{"c":1}\n')
    assert talk.woken == 3
    assert talk.read() == [1, {"a": 1}, {"b": 1}, 2, 3, {"c": 1}]
    assert not talk.reader.has_more
    assert talk.reader.unread_bytes == 0


@pytest.mark.requirement("STR-03", "STR-08")
def test_its_own_messages_are_told_by_their_number_at_their_place() -> None:
    talk = started()
    talk.say(1)
    talk.say_own(7)
    talk.say_own()
    talk.say(4)
    assert talk.counts() == (0, 0, 2)
    assert talk.read() == [1, {"seq": 2, "took": 7}, 4]
    assert talk.counts() == (2, 0, 0)


@pytest.mark.requirement("STR-07", "STR-08")
def test_it_takes_as_much_as_there_is_room_for() -> None:
    talk = started()
    talk.say(*range(1, 21))
    length = len(encode_entry(2, "ann", "2"))
    assert talk.read(1) == [1]
    assert talk.read(3 * length) == [2, 3, 4]
    assert talk.counts() == (4, 0, 16)
    length += 2
    talk.reader.tell(b"{}\n")
    assert talk.read(16 * length + 3) == [*range(5, 21), {}]


@pytest.mark.requirement("STR-05", "STR-08")
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("lost", [1, 5])
def test_what_is_gone_is_told_and_counted(own: bool, lost: int) -> None:
    talk = started(1, 2)
    talk.say(3)
    if own:
        talk.say_own(9)
    else:
        talk.say(4)
    talk.say(5, 6, 7, 8)
    others = 6 - own
    assert talk.counts() == (0, 0, others)
    for _ in range(2 + lost):
        talk.ring.forget_oldest()
    assert talk.counts() == (0, 0, others)  # till it comes there
    gone = lost - (own and lost > 1)
    mine = [{"seq": 4, "took": 9}] if own else [4]
    rest = [*mine, 5, 6, 7, 8] if lost == 1 else [*([{"took": 9}] if own else []), 8]
    assert talk.read() == [{"gone": [3, 2 + lost]}, *rest]
    assert talk.counts() == (others - gone, gone, 0)
    assert talk.counters.send_failures[StreamFailure.GONE] == gone
    assert talk.counters.gone == lost


@pytest.mark.requirement("STR-05", "STR-08")
def test_what_is_gone_of_a_replay_was_never_due() -> None:
    talk = Talk()
    talk.say(*range(1, 11))
    talk.reader.start(talk.ring, 2)
    talk.say(11, 12)
    for _ in range(5):
        talk.ring.forget_oldest()
    assert talk.read() == [{"gone": [3, 5]}, 6, 7, 8, 9, 10, 11, 12]
    assert (talk.counts(), talk.counters.replayed, talk.counters.gone) == ((2, 0, 0), 5, 3)


@pytest.mark.requirement("STR-05", "STR-08")
def test_all_of_a_replay_and_some_more_may_be_gone() -> None:
    talk = Talk()
    talk.say(1, 2, 3)
    talk.reader.start(talk.ring, 0)
    talk.say(*range(4, MAX_ENTRIES + 6))
    assert talk.counts() == (0, 0, MAX_ENTRIES + 2)
    assert talk.read()[:2] == [{"gone": [1, 5]}, 6]
    assert talk.counts() == (MAX_ENTRIES, 2, 0)


@pytest.mark.requirement("STR-07")
def test_a_replay_doesnt_count_as_unread() -> None:
    talk = Talk()
    talk.say(*range(1, 101), length=1000)
    talk.reader.start(talk.ring, 0)
    assert talk.reader.unread_bytes == 0
    talk.say(101)
    live = len(encode_entry(101, "ann", "101"))
    assert talk.reader.unread_bytes == live
    talk.read(5000)
    assert (talk.reader.unread_bytes, talk.reader.is_replaying) == (live, True)
    talk.reader.tell(b"{}\n")
    assert talk.reader.unread_bytes == live + 3
    talk.read()
    assert (talk.reader.unread_bytes, talk.reader.is_replaying) == (0, False)


@pytest.mark.requirement("STR-03", "STR-08")
def test_it_ends_after_what_waits_and_a_last_word() -> None:
    talk = started()
    talk.say(1)
    talk.reader.tell(b'{"a":1}\n')
    talk.reader.end(b'{"bye":1}\n')
    talk.reader.end(b'{"bye":2}\n')
    talk.reader.tell(b'{"late":1}\n')
    talk.say(2)
    assert (talk.reader.ended, talk.reader.has_more, talk.reader.has_started) == (True, True, False)
    assert talk.read() == [1, {"a": 1}, {"bye": 1}]
    assert (talk.counts(), talk.reader.has_more, talk.reader.unread_bytes) == ((1, 0, 0), False, 0)
    assert not talk.ring.readers


@pytest.mark.requirement("STR-07", "STR-08")
def test_who_is_too_slow_gets_the_last_word_alone() -> None:
    talk = started()
    talk.say(1, 2)
    talk.say_own(1)
    talk.reader.end(b'{"bye":1}\n', StreamFailure.SLOW)
    assert talk.read() == [{"bye": 1}]
    assert (talk.counts(), talk.counters.send_failures[StreamFailure.SLOW]) == ((0, 2, 0), 2)


@pytest.mark.requirement("STR-08")
def test_what_waits_when_the_connection_is_gone_was_not_sent() -> None:
    talk = started()
    talk.say(1, 2)
    talk.reader.stop(StreamFailure.CLOSED)
    talk.reader.stop(StreamFailure.CLOSED)
    assert talk.counters.send_failures[StreamFailure.CLOSED] == 2
    assert talk.counts() == (0, 2, 0)


def test_a_last_word_may_be_none() -> None:
    talk = Talk()
    talk.reader.tell(b'{"a":1}\n')
    talk.reader.end()
    assert talk.read() == []
    assert not talk.reader.has_more


@pytest.mark.requirement("STR-03", "STR-05")
def test_own_messages_that_are_gone_are_answered_all_the_same() -> None:
    talk = started()
    talk.say_own(5)
    talk.say_own()
    talk.say_own(6)
    talk.say(4)
    for _ in range(3):
        talk.ring.forget_oldest()
    assert talk.read() == [{"gone": [1, 3]}, {"took": 5}, {"took": 6}, 4]
    assert talk.counts() == (1, 0, 0)
