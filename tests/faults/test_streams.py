"""Attacks by streams: readers that don't read, floods of lines, more of them than there may be, tickets (N3 to N6)."""

import contextlib
import json
import select
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conformance import wire
from conformance.people import People, ask, call
from conformance.relays import OwnRelay
from conformance.streams import FEATURES, Line, StreamMember
from conformance.tls import Authority, secure
from e2e.relay_metrics import scrape
from faults.pair import Pair, honest_pair
from faults.process import resident_kib
from faults.relays import StartRelay
from faults.weakened import (
    believe_any_claim,
    count_no_records,
    count_no_streams,
    listen_to_every_line,
    write_to_who_doesnt_read,
)

ROOM = b"streams"
THIEF = "127.0.8.1"
READERS, STALLED = 100, 500
UNREAD_KIB = 256
"""What one reader may leave unread (STR-07)."""
TEXT = "x" * 4000
RATE, BURST = 20, 40
PAUSES_A_SECOND = 4
MESSAGES = 200
"""More than a reader may leave unread and systems hold for it, and less than a ring keeps."""
FLOOD, TURNS = 20_000, 40
RECORDS = 100
MAX_STREAMS, WANTED = 20, 60


class Crowd:
    """Ann, who speaks, and others in her room, all by streams."""

    def __init__(self, own: OwnRelay, stack: contextlib.ExitStack) -> None:
        self.own, self._stack = own, stack
        self.ann = self.join("ann", wire.CREATE)
        self.said = 0

    def join(self, name: str, operation: int = wire.JOIN, **fields: Any) -> StreamMember:
        member = self._stack.enter_context(StreamMember(self.own.relay, operation, ROOM, name, **fields))
        member.send(pong=0)
        return member

    def say(self) -> None:
        """Let ann say something long, and wait until the relay took it."""
        self.said += 1
        self.ann.say(f"{self.said} {TEXT}", self.said)
        while self.ann.line().get("took") != self.said:
            pass


@contextlib.contextmanager
def crowd(own: OwnRelay) -> Iterator[Crowd]:
    with contextlib.ExitStack() as stack:
        yield Crowd(own, stack)


@pytest.mark.requirement("STR-07")
def test_one_of_a_hundred_readers_that_stalls_costs_the_others_nothing(start_relay: StartRelay) -> None:
    with crowd(start_relay()) as there:
        stalled = there.join("stalled", stalls=True)
        readers = [there.join(f"reader {number}") for number in range(READERS - 1)]
        for _ in range(MESSAGES):
            there.say()
            for reader in readers:
                assert reader.await_text()["text"].startswith(f"{there.said} ")
        data = b""
        while piece := stalled.sock.recv(65_536):
            data += piece
        heard = [line for line in map(json.loads, data.split(b"\n")[:-1]) if "from" in line]
        print(f"the stalled one was cut, and had {len(heard)} of {MESSAGES} messages of {len(TEXT)} bytes on their way")
        assert len(heard) < MESSAGES
        last = there.join("stalled", epoch=stalled.completion["epoch"], heard=heard[-1]["seq"], **stalled.ticket)
        lines = last.ask()
        assert not [line for line in lines if "gone" in line]
        heard += [line for line in lines if "from" in line]
        assert [line["text"].split()[0] for line in heard] == [str(n) for n in range(1, MESSAGES + 1)]


def stall(there: Crowd, readers: int, messages: int) -> float:
    """Let so many read nothing; returns by how many KiB for each the relay grew at most."""
    before = resident_kib(there.own.process.pid)
    for number in range(readers):
        there.join(f"stalled {number}", stalls=True)
    most = 0
    for _ in range(messages):
        there.say()
        most = max(most, resident_kib(there.own.process.pid) - before)
    print(f"{readers} stalled readers: the relay took {most} KiB more at most, {most / readers:.0f} for each")
    return most / readers


@pytest.mark.requirement("STR-07")
@pytest.mark.timeout(120)
def test_five_hundred_readers_that_stall_fill_no_memory(start_relay: StartRelay) -> None:
    own = start_relay()
    with crowd(own) as there, honest_pair(own) as pair:
        assert stall(there, STALLED, 2 * UNREAD_KIB * 1024 // len(TEXT)) < 1.1 * UNREAD_KIB
        pair.talk()


@pytest.mark.parametrize("loop", ["asyncio"])  # of which each connection has a buffer of its own
def test_control_a_relay_that_writes_on_fills_its_memory(start_relay: StartRelay) -> None:
    with crowd(start_relay.weakened(write_to_who_doesnt_read)) as there:
        assert stall(there, READERS, 4 * UNREAD_KIB * 1024 // len(TEXT)) > 1.1 * UNREAD_KIB


def flood(there: Crowd, pair: Pair, line: bytes) -> tuple[int, float]:
    """Send lines as fast as the relay takes them while others talk; returns how many it answered, and how long it was.

    Every tenth is a ping: by its answer it is known how many were read.
    """
    eve = there.join("eve")
    eve.ask()
    data = b"".join(b'{"ping":%d}\n' % number if number % 10 == 0 else line + b"\n" for number in range(1, FLOOD))
    eve.sock.setblocking(False)
    began, sent, heard = time.monotonic(), 0, b""
    for _ in range(TURNS):
        with contextlib.suppress(BlockingIOError):
            sent += eve.sock.send(data[sent:])
        pair.talk()
        with contextlib.suppress(BlockingIOError):
            heard += eve.sock.recv(1 << 20)
    return heard.count(b"pong"), time.monotonic() - began


@pytest.mark.requirement("STR-07", "LIM-01")
@pytest.mark.parametrize(
    "line",
    [b'{"say":"hello"}', b'{"ping":1}', b'{"pong":1}', b'{"no":{"such":["thing"]}}', b"{}", b'{"say":"x","n":1}'],
)
def test_floods_of_lines_are_read_slowly_and_others_go_on(start_relay: StartRelay, line: bytes) -> None:
    own = start_relay(RELAY_MESSAGE_RATE=str(RATE), RELAY_MESSAGE_BURST=str(BURST))
    with crowd(own) as there, honest_pair_within(own, RATE) as pair:
        answered, seconds = flood(there, pair, line)
        read = answered if b"ping" in line else 10 * answered
        assert read <= BURST + (RATE + PAUSES_A_SECOND) * seconds + 10
        assert scrape(own).total("relay_datagrams_dropped_total") == 0


@contextlib.contextmanager
def honest_pair_within(own: OwnRelay, rate: int) -> Iterator[Pair]:
    """Return a pair that keeps to the limits."""
    with honest_pair(own) as pair:
        talk = pair.talk

        def talk_slowly() -> None:
            time.sleep(1 / rate)  # it isn't waited for anything: this is the pace of honest people
            talk()

        pair.talk = talk_slowly  # type: ignore[method-assign]
        yield pair


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_who_is_listened_to_at_any_rate_has_all_its_lines_read(start_relay: StartRelay) -> None:
    own = start_relay.weakened(listen_to_every_line, RELAY_MESSAGE_RATE=str(RATE), RELAY_MESSAGE_BURST=str(BURST))
    with crowd(own) as there, honest_pair_within(own, RATE) as pair:
        answered, seconds = flood(there, pair, b'{"pong":1}')
        assert 10 * answered > BURST + (RATE + PAUSES_A_SECOND) * seconds + 10


def trickle(own: OwnRelay, authority: Authority) -> bool:
    """Send many TLS records of one byte, and no line; returns whether the relay ends the connection."""
    shake = partial(secure, context=authority.context())
    with StreamMember(own.relay, wire.CREATE, ROOM, "ann", tls=shake) as ann:
        assert ann.ask() == []
        for _ in range(RECORDS):
            with contextlib.suppress(OSError):
                ann.send_bytes(b" ")
        try:
            return ann.ask() != []
        except (OSError, AssertionError):  # reset, or ended
            return True


@pytest.mark.requirement("TCP-12", "STR-01")
def test_tiny_records_without_a_line_end_the_connection(start_relay: StartRelay, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert trickle(start_relay(**authority_settings(authority)), authority)


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_records_that_nobody_counts_come_without_end(start_relay: StartRelay, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert not trickle(start_relay.weakened(count_no_records, **authority_settings(authority)), authority)


def authority_settings(authority: Authority) -> dict[str, str]:
    return {f"RELAY_{name.upper()}": value for name, value in authority.settings.items()}


def want_streams(own: OwnRelay) -> list[int]:
    """Let many ask for a stream each; returns the statuses."""
    statuses = []
    with contextlib.ExitStack() as stack:
        for number in range(WANTED):
            fields = {"username": f"reader {number}", "reply": "json", "chat": "stream", "features": FEATURES}
            operation = wire.JOIN if number else wire.CREATE
            connection = stack.enter_context(call(own.relay))
            connection.sendall(wire.frame(operation, wire.REQUEST, ROOM, json.dumps(fields).encode()))
            reply = wire.read_frame(connection)
            assert reply is not None
            statuses.append(json.loads(reply.payload)["status"])
            if not statuses[-1]:
                wire.read_frame(connection)
                connection.sendall(b"{}\n")
        with People(own.relay) as people:
            ann, bob = people.pair(b"over-udp")
            ann.say(b"hello")
            assert bob.hear() == b"ann: hello"
    return statuses


@pytest.mark.requirement("STR-07")
def test_more_streams_than_there_may_be_are_refused_and_udp_goes_on(start_relay: StartRelay) -> None:
    own = start_relay(RELAY_MAX_STREAMS=str(MAX_STREAMS))
    assert want_streams(own) == [wire.OK] * MAX_STREAMS + [wire.TOO_MANY] * (WANTED - MAX_STREAMS)


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_without_the_limit_all_are_granted(start_relay: StartRelay) -> None:
    own = start_relay.weakened(count_no_streams, RELAY_MAX_STREAMS=str(MAX_STREAMS))
    assert want_streams(own) == [wire.OK] * WANTED


def steal(own: OwnRelay) -> int:
    """Show an overheard ticket at another address, while bob answers the relay's pings; returns the status."""
    with crowd(own) as there:
        bob = there.join("bob")
        bob.ask()
        request: Line = {"username": "bob", "reply": "json", "chat": "stream", "features": FEATURES, **bob.ticket}
        frame = wire.frame(wire.JOIN, wire.REQUEST, ROOM, json.dumps(request).encode())
        with call(own.relay, THIEF) as thief:
            thief.sendall(frame)
            while thief not in select.select([thief, bob.sock], [], [], wire.WAIT_SECONDS)[0]:
                bob.sock.recv(65_536)
                bob.send(pong=0)
            reply = wire.read_frame(thief)
        assert reply is not None
        return int(json.loads(reply.payload)["status"])


@pytest.mark.requirement("RES-03", "STR-06")
def test_an_overheard_ticket_takes_no_stream_from_who_is_there(start_relay: StartRelay) -> None:
    own = start_relay()
    assert steal(own) == wire.NO_SEAT


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_unasked_it_does(start_relay: StartRelay) -> None:
    assert steal(start_relay.weakened(believe_any_claim)) == wire.OK


@pytest.mark.requirement("RES-04", "STR-05")
def test_a_spent_ticket_takes_no_stream(start_relay: StartRelay) -> None:
    own = start_relay()
    with crowd(own) as there:
        bob = there.join("bob")
        again = there.join("bob", **bob.ticket)
        again.ask()
        for ticket in (bob.completion["resume"], bob.completion["token"], again.completion["token"]):
            fields = {"username": "bob", "reply": "json", "chat": "stream", "features": FEATURES, "resume": ticket}
            (reply,) = ask(own.relay, wire.frame(wire.JOIN, wire.REQUEST, ROOM, json.dumps(fields).encode()))
            assert json.loads(reply.payload)["status"] == wire.NO_SEAT
        again.say("mine")
        assert there.ann.await_text()["text"] == "mine"
