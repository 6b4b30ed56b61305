"""Requests at a node of a cluster: served here, sent on, carried, or held up till the directory is asked (CLU-01)."""

import json
from dataclasses import replace

import pytest

from chatproto import Feature, Frame, Operation, Status
from chatproto.payloads import decode_status, encode_completion
from relay_server.answers import Carried, Consulting, Granted
from relay_server.core.address import parse_ip
from relay_server.core.counters import Way
from relay_server.core.model import Residence
from services.relay_server.node_case import ALL, EDGE, NodeCase, pair, request
from services.relay_server.test_control import BOB, ControlCase, finish
from services.relay_server.town import AWAY, Town

# create


@pytest.mark.requirement("CLU-01")
def test_a_room_is_made_when_its_name_is_had_everywhere() -> None:
    town = Town()
    case = NodeCase(town, "one")
    consulting = case.consult(Operation.CREATE, request("ann", sealed=True, features=[*ALL, "sealed"]))
    assert not case.registry.rooms
    granted = case.go_on(consulting)
    assert isinstance(granted, Granted)
    assert town.homes == {b"demo": "one"}
    assert granted.member.room.residence == Residence(2000, 2000, host_seat=2000, numbers={granted.member: 2000})
    assert town.records[b"demo"].sealed
    assert case.counted == [(Operation.CREATE, Status.OK)]


@pytest.mark.requirement("CLU-01")
def test_a_name_that_another_node_has_is_taken() -> None:
    _, _, two = pair()
    answer = two.begin(Operation.CREATE, request("bob"), BOB)
    assert two.settle(answer) is Status.ROOM_EXISTS
    assert isinstance(answer, bytes)  # at once


@pytest.mark.requirement("CLU-01")
def test_of_two_who_create_a_room_at_once_one_does() -> None:
    town = Town()
    one, two = NodeCase(town, "one"), NodeCase(town, "two")
    first, second = one.consult(Operation.CREATE, request("ann")), two.consult(Operation.CREATE, request("bob"), BOB)
    assert isinstance(one.settle(first), Granted)
    assert two.settle(second) is Status.ROOM_EXISTS
    assert not two.registry.rooms


def test_without_the_directory_nothing_is_created_and_a_word_says_why() -> None:
    town = Town(is_up=False)
    case = NodeCase(town, "one")
    assert case.refuses(Operation.CREATE, request("ann")) == (Status.BUSY, AWAY)
    town.is_up = True
    consulting = case.consult(Operation.CREATE, request("ann"))
    town.is_up = False
    assert case.settle(consulting) is Status.BUSY


def test_a_password_is_worked_on_before_the_name_is_claimed() -> None:
    town = Town()
    case = NodeCase(town, "one")
    pending = case.wait(Operation.CREATE, request("ann", password="secret"))
    assert case.places.waiting == []
    consulting = finish(pending)
    assert isinstance(consulting, Consulting)
    granted = case.settle(consulting)
    assert granted.member.room.password_hash == town.records[b"demo"].password_hash is not None


def test_what_is_refused_here_claims_nothing() -> None:
    case = NodeCase(Town(), "one", max_rooms=1)
    assert isinstance(case.create(), Granted)
    answer = case.begin(Operation.CREATE, request("bob"), BOB, room=b"second")
    assert isinstance(answer, bytes)
    assert case.places.waiting == []
    assert case.refuses(Operation.CREATE, request("bob\u202e"), BOB, room=b"third")[0] is Status.BAD_NAME


def test_a_name_is_given_back_if_no_room_is_made() -> None:
    town = Town()
    case = NodeCase(town, "one")
    consulting = case.consult(Operation.CREATE, request("ann"))
    answer = case.answer_of(consulting)
    case.registry.admission.close()
    assert case.settle(consulting.finish(answer, 0.0)) is Status.SHUTTING_DOWN
    assert town.homes == {}


def test_a_name_is_given_back_if_nobody_waits_for_it_any_more() -> None:
    town = Town()
    case = NodeCase(town, "one")
    consulting = case.consult(Operation.CREATE, request("ann"))
    assert case.answer_of(consulting) is None
    assert town.homes == {b"demo": "one"}
    consulting.undo()
    assert town.homes == {}


def test_who_asks_again_while_the_directory_is_asked_gets_the_same_place() -> None:
    case = NodeCase(Town(), "one")
    asked = request("ann", attempt="0123456789abcdef")
    first, second = case.consult(Operation.CREATE, asked), case.consult(Operation.CREATE, asked)
    granted, again = case.settle(first), case.settle(second)
    assert (again.session, again.completion) == (granted.session, granted.completion)
    assert len(granted.member.room.members) == 1


def test_who_asks_again_by_another_way_is_told_that_ways_port() -> None:
    _, one, _ = pair()
    granted = one.join(attempt="0123456789abcdef")
    again = one.join(peer=EDGE, attempt="0123456789abcdef")
    assert again.session is granted.session
    assert (granted.completion.udp_port, again.completion.udp_port) == (9001, 9801)
    assert again.session.source_ip == EDGE.via


# join


@pytest.mark.requirement("CLU-01", "FEAT-02")
def test_who_can_follow_is_sent_to_the_rooms_home() -> None:
    _, _, two = pair()
    frame = two.ask(Operation.JOIN, request("bob"), BOB)
    assert isinstance(frame, Frame)
    assert json.loads(frame.payload)["server"] == "one:9000"
    assert decode_status(frame.payload)[0] is Status.ELSEWHERE
    assert two.places.counters.joins_elsewhere[Way.FOLLOW] == 1
    assert two.counted == [(Operation.JOIN, Status.ELSEWHERE)]


@pytest.mark.requirement("CLU-04")
def test_who_cant_follow_is_carried() -> None:
    _, _, two = pair()
    carried = two.join(features=["resume"], chat="stream")
    assert isinstance(carried, Carried)
    assert (carried.node.name, carried.stream) == ("one", True)
    plain = two.begin(Operation.JOIN, b"bob", BOB)
    assert isinstance(plain, Carried)
    assert not plain.stream


@pytest.mark.requirement("PWD-05", "CLU-04")
def test_nobody_is_told_where_a_hidden_room_is() -> None:
    _, _, two = pair(hide_rooms=True)
    assert isinstance(two.join(), Carried)


@pytest.mark.parametrize(
    ("fingerprint", "encrypted", "follows"),
    [("ab", True, True), ("ab", False, True), ("", False, True), ("", True, False)],
)
def test_nobody_is_sent_from_tls_to_where_there_is_none(fingerprint: str, encrypted: bool, follows: bool) -> None:
    _, _, two = pair(fingerprint=fingerprint)
    answer = two.join(peer=replace(BOB, encrypted=encrypted))
    assert (answer is Status.ELSEWHERE) is follows
    assert isinstance(answer, Carried) is not follows


def test_who_was_carried_here_is_carried_no_further() -> None:
    _, _, two = pair()
    assert two.join(peer=EDGE) is Status.BUSY


def test_a_node_that_ends_carries_nobody_and_sends_all_on() -> None:
    _, _, two = pair()
    two.registry.admission.close(forwards=True)
    assert two.join(features=[]) is Status.SHUTTING_DOWN
    assert two.join() is Status.ELSEWHERE


def test_a_room_that_nobody_has_is_asked_for_first() -> None:
    case = NodeCase(Town(), "one")
    consulting = case.consult(Operation.JOIN, request("bob"), BOB)
    assert case.answer_of(consulting) is None
    consulting.undo()  # which undoes nothing
    assert case.join() is Status.NO_SUCH_ROOM


def test_a_room_that_cant_be_asked_for_may_be_there() -> None:
    case = NodeCase(Town(is_up=False), "one")
    assert case.join() is Status.BUSY


@pytest.mark.requirement("CLU-03")
def test_who_joins_a_room_whose_home_is_gone_finds_it_here() -> None:
    town = Town()
    one, two = NodeCase(town, "one"), NodeCase(town, "two")
    one.create(password="secret")
    town.dead.add("one")
    assert two.join(password="wrong") is Status.WRONG_PASSWORD
    granted = two.join(password="secret")
    assert isinstance(granted, Granted)
    assert town.homes == {b"demo": "two"}
    assert granted.member.room.host is None


def test_who_is_carried_here_is_counted_by_its_own_address() -> None:
    _, one, _ = pair()
    granted = one.join(peer=EDGE)
    assert granted.completion.udp_port == 9801
    assert (granted.session.ip, granted.session.source_ip) == (BOB.ip, EDGE.via)
    assert one.registry.edges == {EDGE.via}
    one.control.set_client_port(granted, 6000, EDGE)
    assert granted.session.address is None
    assert granted.member.room.audience_of(granted.session) is None


# completions


@pytest.mark.requirement("CLU-02", "FEAT-01")
def test_who_follows_is_told_where_the_nodes_are() -> None:
    town, one, _ = pair()
    town.nodes["one"] = replace(town.nodes["one"], server=replace(town.nodes["one"].server, fingerprint="ab"))
    told = json.loads(encode_completion(one.join().completion, json_reply=True))
    assert told["servers"] == [{"server": "one:9000", "fingerprint": "ab"}, {"server": "two:9000"}]
    assert Feature.FOLLOW.value in told["features"]
    other = one.join("eve", replace(BOB, ip=parse_ip("10.0.0.7")), features=["resume"])
    assert "servers" not in json.loads(encode_completion(other.completion, json_reply=True))


@pytest.mark.requirement("FEAT-01")
def test_a_relay_that_is_alone_lets_nobody_follow() -> None:
    case = ControlCase()
    granted = case.grant(Operation.CREATE, request("ann"))
    assert Feature.FOLLOW not in granted.completion.features
    assert granted.completion.servers == ()
    assert granted.session.abroad is None
