"""Tickets at a node of a cluster that another one wrote, and seats in rooms that were taken over (CLU-03, CLU-06)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chatproto import Operation, Status
from relay_server.answers import Consulting, Granted
from relay_server.core.entries import add_message
from services.relay_server.node_case import EDGE, NodeCase, pair, request
from services.relay_server.test_control import ANN, BOB
from services.relay_server.town import Town


def taken_over(**more: Any) -> tuple[Town, NodeCase, NodeCase, Granted, Granted]:
    """Let ann and bob be in demo at a node that dies."""
    town, one, two = pair(**more)
    ann = next(iter(one.registry.rooms[b"demo"].members))
    granted = one.join()
    ticket = ann.session.ticket
    assert ticket is not None
    town.dead.add("one")
    return town, one, two, replace_ticket(granted, ticket.text), granted


def replace_ticket(granted: Granted, ticket: str) -> Granted:
    return replace(granted, completion=replace(granted.completion, ticket=ticket))


def outcomes(case: NodeCase) -> dict[str, int]:
    return {str(outcome): count for outcome, count in case.registry.counters.resumptions.items() if count}


@pytest.mark.requirement("CLU-03", "RES-01")
def test_tickets_are_good_at_the_node_that_takes_the_room_over() -> None:
    town, _, two, ann, bob = taken_over()
    again = two.join(resume=bob.completion.ticket)
    assert isinstance(again, Granted)
    assert (again.member.name, again.member.seat, again.session.turn) == ("bob", bob.member.seat, 1)
    host = two.join("ann", ANN, resume=ann.completion.ticket)
    assert host.completion.host
    assert host.member.room.host is host.member
    assert town.homes == {b"demo": "two"}
    assert outcomes(two) == {"resumed": 2}
    later = two.join(resume=again.completion.ticket)  # by its own table
    assert later.member is again.member
    assert later.session.turn == 2


@pytest.mark.requirement("CLU-01")
def test_a_ticket_is_sent_on_while_its_home_lives() -> None:
    town, one, two, _, bob = taken_over()
    town.dead.clear()
    answer = two.begin(Operation.JOIN, request("bob", resume=bob.completion.ticket), BOB)
    assert isinstance(answer, Consulting)  # its home is doubted
    assert two.settle(answer) is Status.ELSEWHERE
    assert isinstance(one.join(resume=bob.completion.ticket), Granted)


@pytest.mark.requirement("CLU-03", "RES-04")
def test_a_ticket_whose_room_cant_be_taken_over_yet_is_no_guess() -> None:
    town, _, two, _, bob = taken_over()
    town.is_up = False
    for _ in range(10):
        assert two.join(resume=bob.completion.ticket) is Status.BUSY
    town.is_up = True
    assert isinstance(two.join(resume=bob.completion.ticket), Granted)


@pytest.mark.requirement("RES-04")
def test_what_is_no_ticket_asks_nobody() -> None:
    _, _, two, _, _ = taken_over()
    answer = two.begin(Operation.JOIN, request("bob", resume="junk"), BOB)
    assert two.settle(answer) is Status.NO_SEAT
    assert isinstance(answer, bytes)
    assert outcomes(two) == {"no_seat": 1}


@pytest.mark.requirement("RES-04", "CLU-03")
def test_tickets_that_arent_good_any_more_are_refused_alike() -> None:
    town, one, two, ann, bob = taken_over()
    town.dead.clear()
    other = one.settle(one.begin(Operation.CREATE, request("eve"), EDGE, room=b"other"))
    town.dead.add("one")
    eve = other.completion.ticket
    asked = two.begin(Operation.JOIN, request("eve", resume=eve), BOB)
    assert two.settle(asked) is Status.NO_SEAT  # of another room
    elsewhere = replace(BOB, ip=ANN.ip)
    assert two.join(peer=elsewhere, resume=bob.completion.ticket) is Status.NO_SEAT
    del town.homes[b"demo"]
    two.registry.rooms.clear()
    assert two.join(resume=ann.completion.ticket) is Status.NO_SEAT  # the room is gone


def test_a_ticket_needs_the_feature() -> None:
    _, _, two, ann, _ = taken_over()
    two.join("ann", ANN, resume=ann.completion.ticket)
    assert two.join(features=[], resume="anything") is Status.NOT_SUPPORTED


def test_a_seat_may_be_taken_over_a_stream() -> None:
    _, _, two, ann, bob = taken_over(max_streams=1, ring_bytes=10_000)
    granted = two.join(resume=bob.completion.ticket, chat="stream")
    assert granted.completion.stream
    assert granted.member.seat == bob.member.seat
    assert two.join("ann", ANN, resume=ann.completion.ticket, chat="stream") is Status.TOO_MANY
    assert isinstance(two.join("ann", ANN, resume=ann.completion.ticket), Granted)


@pytest.mark.requirement("CLU-06", "STR-05")
def test_a_stream_that_comes_back_later_hears_what_was_said_since_the_first_did() -> None:
    _, _, two, ann, bob = taken_over(max_streams=2, ring_bytes=10_000)
    host = two.join("ann", ANN, resume=ann.completion.ticket, chat="stream")
    ring = host.member.room.ring
    assert ring is not None
    add_message(ring, host.member, b"ann: is anybody here?", 0, two.registry.stream_counters, names=True)
    granted = two.join(resume=bob.completion.ticket, chat="stream", epoch="the old home's", heard=70)
    assert (granted.completion.epoch, granted.completion.seq, ring.seq) == (ring.epoch, 0, 1)
    reader = two.registry.streams.connect(granted.session, Unread(), 1.0)
    assert reader is not None
    gone, said = map(json.loads, reader.take(1000).splitlines())
    assert gone == {"gone": "all"}
    assert (said["seq"], said["from"], said["text"]) == (1, "ann", "is anybody here?")
    again = two.join(resume=granted.completion.ticket, chat="stream", epoch=ring.epoch, heard=1)
    assert again.completion.seq == 1


class Unread:
    """A connection of which nobody asks that it writes."""

    def wake(self) -> None:
        pass

    pump = wake
