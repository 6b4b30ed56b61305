"""Requests made to break a parser: sizes (threat T1), names (T4, T5), operations and states (T6)."""

from collections.abc import Sequence
from contextlib import suppress

import hypothesis
import pytest
from hypothesis import strategies as st

from conformance import wire
from conformance.people import People, call
from conformance.relays import OwnRelay, Relay
from e2e.relay_metrics import await_metrics, scrape
from faults.burst import burst
from faults.crowd import Crowd
from faults.process import resident_kib
from faults.relays import StartRelay

LIMIT = 4096
"""The largest payload that the relay takes on its defaults."""
SIZES = (0, 1, LIMIT, LIMIT + 1, 2**29, 2**29 + 1, 2**31, 2**63, 2**64, 2**232 - 1)
GROWTH_KIB = 1024
LARGEST = 2**20
"""The largest payload that a relay can be told to take."""
UPLOADS = 20
SOURCES = ["127.0.6.1"]
TOGETHER = 64


def announced(size: int) -> bytes:
    """Lay out a request that says how long its payload is, and bring no more of it than the relay may take."""
    body = b"x" * size if size <= LIMIT else b""
    return wire.header(4, wire.JOIN, wire.REQUEST, size.to_bytes(29, "big")) + b"room" + body


def expected_status(size: int) -> int:
    if size > LIMIT:
        return wire.PAYLOAD_TOO_LARGE
    return wire.NO_SUCH_ROOM if 1 <= size <= 255 else wire.BAD_NAME


def test_a_request_that_announces_a_large_payload_takes_no_memory(start_relay: StartRelay) -> None:
    own = start_relay()
    statuses_of(own.relay, [announced(1)])  # what the relay builds once is no request's
    before_kib = resident_kib(own.process.pid)
    for size in SIZES:
        with call(own.relay) as connection:
            connection.sendall(announced(size))
            (answer,) = wire.read_frames(connection)  # which returns when the relay has ended the connection
        assert answer.payload == bytes([expected_status(size)]), size
    assert resident_kib(own.process.pid) - before_kib < GROWTH_KIB


@pytest.mark.parametrize("limit", [LIMIT, LARGEST], ids=["limited", "control"])
def test_a_payload_is_refused_before_it_is_stored(start_relay: StartRelay, limit: int) -> None:
    own = start_relay(RELAY_MAX_PAYLOAD_BYTES=str(limit), RELAY_TRANSACTION_TIMEOUT_SECONDS="60")
    request = wire.header(4, wire.JOIN, wire.REQUEST, LARGEST.to_bytes(29, "big")) + b"room" + bytes(LARGEST - 1)
    statuses_of(own.relay, [announced(1)])  # what the relay builds once is no request's
    before_kib = resident_kib(own.process.pid)
    if limit == LIMIT:
        assert statuses_of(own.relay, [request] * UPLOADS) == [wire.PAYLOAD_TOO_LARGE] * UPLOADS
        assert resident_kib(own.process.pid) - before_kib < UPLOADS * GROWTH_KIB // 4
    else:  # all but one byte of each is there, and the relay keeps it
        with burst(own.relay, [request] * UPLOADS, SOURCES):
            await_growth(own, before_kib, UPLOADS * GROWTH_KIB * 3 // 4)


def await_growth(own: OwnRelay, before_kib: int, growth_kib: int) -> None:
    await_metrics(own, lambda _: resident_kib(own.process.pid) - before_kib > growth_kib)


LETTERS = ("x", "é", "漢", "😀")


def test_names_of_boundary_lengths(start_relay: StartRelay) -> None:
    relay = start_relay().relay
    rooms = {filled(size, letter): size >= 1 for size in (0, 1, 2, 254, 255) for letter in LETTERS}
    requests = [wire.frame(wire.JOIN, wire.REQUEST, room, b"ann") for room in rooms]
    assert statuses_of(relay, requests) == [verdict(legal) for legal in rooms.values()]
    sizes = (0, 1, 2, 254, 255, 256, 257, LIMIT)
    users = {filled(size, letter): 1 <= size <= 255 for size in sizes for letter in LETTERS}
    requests = [wire.frame(wire.JOIN, wire.REQUEST, b"nowhere", user) for user in users]
    assert statuses_of(relay, requests) == [verdict(legal) for legal in users.values()]


def verdict(legal: bool) -> int:
    return wire.NO_SUCH_ROOM if legal else wire.BAD_NAME


def filled(size: int, letter: str) -> bytes:
    """Return text of exactly ``size`` bytes, mostly of one letter."""
    count = size // len(letter.encode())
    text = (letter * count).encode()
    return text + b"x" * (size - len(text))


def statuses_of(relay: Relay, requests: Sequence[bytes]) -> list[int]:
    with burst(relay, requests, SOURCES) as asked:
        return asked.statuses()


AWKWARD = [
    b"", b"\0", b"a\0b", b"\xff\xfe", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf8\x88\x80\x80\x80", b"\xed\xa0\x80",
    b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe2\x80\xae", b"\xef\xbb\xbfann", b"a\nb", b"\x1b[2J", b" ann", b"ann ",
    b"a:b", b"\xc2\x9b", b"\xe2\x80\x8b",
]  # fmt: skip
TEXTS = st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))
NAMES = st.one_of(st.binary(max_size=300), TEXTS, st.sampled_from(AWKWARD))
PAIRS = st.lists(st.tuples(NAMES.filter(lambda name: len(name) < 256), NAMES), min_size=30, max_size=30)


def may_be_a_name(name: bytes) -> bool:
    """Tell what any name must be, whatever else a relay asks of it: 1 to 255 bytes of strict, printable UTF-8.

    Ideographic and no-break spaces are fine, although Python doesn't call them printable.
    """
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return False
    return 1 <= len(name) <= 255 and text.replace("\u3000", " ").replace("\xa0", " ").isprintable()


@pytest.mark.timeout(180)
def test_names_of_any_bytes(start_relay: StartRelay) -> None:
    """Create a room by each of two names of any bytes; accepted names are harmless to show."""
    own = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0", RELAY_MAX_ROOMS="0", RELAY_MAX_MEMBERS="0")
    admitted = 0

    @hypothesis.settings(max_examples=333, database=None, derandomize=True)
    @hypothesis.given(PAIRS)
    def create(pairs: list[tuple[bytes, bytes]]) -> None:
        nonlocal admitted
        requests = [wire.frame(wire.CREATE, wire.REQUEST, room, name) for room, name in pairs]
        for (room, name), status in zip(pairs, statuses_of(own.relay, requests), strict=True):
            assert status in {wire.OK, wire.ROOM_EXISTS, wire.BAD_NAME, wire.MALFORMED}
            if status == wire.OK:
                admitted += 1
                assert may_be_a_name(room)
                # A name in quotes is one in JSON (TCP-05), which the plain forms' rule doesn't fit.
                assert may_be_a_name(name) or name.lstrip()[:1] in {b'"', b"{"}

    with People(own.relay) as people:
        crowd = Crowd([people.create(b"demo", b"ann"), people.join(b"demo", b"bob")])
        create()
        crowd.say_next()
        crowd.say_next()
        crowd.check_nothing_lost()
        assert scrape(own).value("relay_rooms") == admitted + 1 > 2


def status_by_rule(operation: int, state: int) -> int:
    """Return what TCP-04 and LEN-03 say of a plain request for a room that isn't there, or is."""
    if operation not in {wire.CREATE, wire.JOIN}:
        return wire.NOT_SUPPORTED
    if state not in {wire.REQUEST, wire.REPLY}:
        return wire.MALFORMED
    return wire.ROOM_EXISTS if operation == wire.CREATE else wire.NAME_TAKEN


@pytest.mark.timeout(180)
def test_operations_and_states(start_relay: StartRelay) -> None:
    """A sample of the 65,536 pairs, live; `test_transaction_states` has them all."""
    step = 13  # coprime to 256, so that all operations and all states come
    pairs = [divmod(number, 256) for number in range(0, 2**16, step)]
    pairs += [(operation, state) for operation in range(4) for state in range(4)]
    own = start_relay(RELAY_MAX_TRANSACTIONS_PER_ADDRESS="0")
    with People(own.relay) as people:
        crowd = Crowd([people.create(b"room", b"ann"), people.join(b"room", b"bob")])
        for start in range(0, len(pairs), TOGETHER):
            some = pairs[start : start + TOGETHER]
            requests = [wire.frame(operation, state, b"room", b"ann") for operation, state in some]
            assert statuses_of(own.relay, requests) == [status_by_rule(*pair) for pair in some]
            crowd.say_next()
        crowd.check_nothing_lost()
        assert scrape(own).value("relay_members") == 2


REQUEST = wire.frame(wire.JOIN, wire.REQUEST, b"room", b"eve")


def test_bytes_after_a_request_make_it_malformed(start_relay: StartRelay) -> None:
    own = start_relay()
    with People(own.relay) as people:
        ann, bob = people.pair(b"room")
        for follows in (b"\1\2\3", REQUEST, REQUEST * 50, bytes(70_000)):
            with call(own.relay) as connection:
                connection.sendall(REQUEST + follows)
                (answer,) = wire.read_frames(connection)
            assert answer.payload == bytes([wire.MALFORMED])
            ann.say(b"hello")
            assert bob.hear() == b"ann: hello"
        assert scrape(own).value("relay_members") == 2


def test_bytes_after_the_answer_are_ignored(start_relay: StartRelay) -> None:
    own = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    with People(own.relay) as people:
        people.create(b"room", b"ann")
        with call(own.relay) as connection:
            connection.sendall(REQUEST)
            assert [frame.state for frame in wire.read_frames(connection)] == [wire.REPLY, wire.COMPLETION]
            with suppress(ConnectionError):  # the relay waits a second at most
                for _ in range(3):
                    connection.sendall(REQUEST)
        await_metrics(own, lambda now: now.value("relay_tcp_connections") == 0)
        assert scrape(own).value("relay_members") == 2
