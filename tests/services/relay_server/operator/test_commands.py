"""What operators' commands do to rooms and members, on a clock of floats."""

import sys
from typing import Any

import pytest

from chatproto import EvictionReason, encode_lobby
from relay_server.core.address import show_ip
from relay_server.core.errors import BannedError, ShuttingDownError
from relay_server.core.events import MemberEvicted, RoomClosed
from relay_server.core.lobby import Lobby
from relay_server.core.moderation import Moderation
from relay_server.net.address import locate
from relay_server.operator.commands import OperatorError, Operators, Row
from relay_server.operator.tables import SHOWN
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import Case, NoConnection, at, home, new_nonces
from services.relay_server.operator.neighbours import Neighbours, known


class Operated(Case):
    """Rooms and a lobby under operators' commands."""

    def __init__(self, *, cluster: Neighbours | None = None, **policy: Any) -> None:
        super().__init__(**policy)
        self.lobby = Lobby(unlimited(), self.events.append, new_nonces(), locate)
        self.now = 0.0
        self.stops = self.flushes = 0
        self.operators = Operators(
            self.registry, self.lobby, lambda: self.now, flush=self._flush, stop=self._stop, cluster=cluster
        )  # fmt: skip

    def _flush(self) -> None:
        self.flushes += 1

    def _stop(self) -> None:
        self.stops += 1

    def ask(self, word: str, **arguments: object) -> list[Row]:
        command = self.operators.commands[word]
        return list(command.carry_out(command.arguments.model_validate(arguments)))


def test_rooms_are_listed_as_they_are_now() -> None:
    case = Operated()
    case.create("ann", "tea", now=10.0, password_hash="a hash").room.topic = "milk first"
    case.create("bob", "お茶", now=20.0)
    case.join("eve", "お茶", now=20.0, stream=True)
    case.now = 25.5
    assert case.ask("rooms") == [
        {
            "room": "tea",
            "host": "ann",
            "members": 1,
            "streams": 0,
            "age_seconds": 15.5,
            "password": True,
            "topic": "milk first",
        },
        {"room": "お茶", "host": "bob", "members": 2, "streams": 1, "age_seconds": 5.5, "password": False, "topic": ""},
    ]


def test_a_room_that_closes_while_the_list_is_read_is_left_out() -> None:
    case = Operated()
    ann = case.create("ann", "tea")
    case.create("bob", "coffee")
    rows = iter(case.operators.commands["rooms"].carry_out(None))
    case.registry.leave(ann, 1.0)
    case.create("ann", "tea")  # another room of the same name, which wasn't there when the list began
    assert [row["room"] for row in rows] == ["coffee"]


def test_members_are_listed_with_where_they_are_and_how_long_they_were_silent() -> None:
    case = Operated()
    ann = case.create("ann", ip="10.0.0.1", now=0.0)
    bob = case.join("bob", ip="2001:db8::1", now=4.0)
    Moderation(case.registry).mute(bob)
    case.say(ann, "hi", 5.0, home(ann, 4321))
    case.now = 6.0
    assert case.ask("members", room="demo") == [
        {
            "name": "ann",
            "ip": "10.0.0.1",
            "port": 4321,
            "transport": "udp",
            "away": False,
            "age_seconds": 6.0,
            "silence_seconds": 1.0,
            "host": True,
            "muted": False,
        },
        {
            "name": "bob",
            "ip": "2001:db8::1",
            "port": None,
            "transport": "udp",
            "away": False,
            "age_seconds": 2.0,
            "silence_seconds": 2.0,
            "host": False,
            "muted": True,
        },
    ]


def test_members_on_streams_are_listed_as_such_and_who_is_away() -> None:
    case = Operated()
    case.create("ann")
    bob, eve = case.join("bob", stream=True), case.join("eve", stream=True)
    assert bob.session.place
    bob.session.place.encrypted = True
    streams = case.registry.streams
    reader = streams.connect(eve.session, NoConnection(), 0.0)
    assert reader
    streams.hear(reader, 3.0)
    case.now = 5.0
    rows = case.ask("members", room="demo")
    shown = [(row["name"], row["transport"], row["away"], row["silence_seconds"], row["port"]) for row in rows]
    assert shown == [
        ("ann", "udp", False, 5.0, None), ("bob", "stream tls", True, 5.0, None), ("eve", "stream", False, 2.0, None)
    ]  # fmt: skip
    bye = case.ask("kick", room="demo", name="eve")
    assert bye == [{"room": "demo", "name": "eve", "closed": False}]
    assert b'"bye":"kicked"' in reader.take(1000)


def test_a_member_who_leaves_while_the_list_is_read_is_left_out() -> None:
    case = Operated()
    _, bob, _ = case.trio()
    command = case.operators.commands["members"]
    rows = iter(command.carry_out(command.arguments.model_validate({"room": "demo"})))
    case.registry.leave(bob, 1.0)
    assert [row["name"] for row in rows] == ["ann", "eve"]


@pytest.mark.parametrize("name", ["members", "bans", "close", "kick", "ban", "unban"])
@pytest.mark.parametrize("room", ["nowhere", "", "x" * 300])
def test_a_room_that_isnt_there_is_said_so(name: str, room: str) -> None:
    case = Operated()
    case.trio()
    with pytest.raises(OperatorError, match=f"^There is no room {room}: "):
        case.ask(name, room=room, **({"name": "bob"} if name in {"kick", "ban", "unban"} else {}))
    assert len(case.registry.sessions_by_token) == 3


def test_a_node_says_that_a_room_may_be_at_another() -> None:
    case = Operated(cluster=Neighbours(known("beta")))
    with pytest.raises(OperatorError, match=r"^There is no room tea on this node: .* rooms --all"):
        case.ask("kick", room="tea", name="ann")


@pytest.mark.parametrize("grace", [0.0, 60.0])
def test_closing_kicks_the_host_and_so_ends_the_room(grace: float) -> None:
    case = Operated(host_grace_seconds=grace)
    ann, bob, eve = case.trio()
    assert case.ask("close", room="demo") == [{"room": "demo", "members": 3}]
    assert case.events == [
        MemberEvicted("demo", "ann", EvictionReason.KICKED),
        MemberEvicted("demo", "bob", EvictionReason.HOST_LEFT),
        MemberEvicted("demo", "eve", EvictionReason.HOST_LEFT),
        RoomClosed("demo", EvictionReason.KICKED),
    ]
    assert ("server: disconnected: kicked", [home(ann)]) in case.said()
    assert not case.registry.sessions_by_token
    assert case.flushes == 1
    case.assert_all_is_counted()
    case.registry.expire(1000.0)
    assert not any(map(case.knows, (ann, bob, eve)))


def test_a_room_whose_host_is_away_closes_too() -> None:
    case = Operated(host_grace_seconds=60.0)
    ann, _, _ = case.trio()
    case.registry.leave(ann, 1.0)
    case.ask("close", room="demo")
    assert not case.registry.rooms
    case.registry.expire(1000.0)
    case.assert_all_is_counted()


@pytest.mark.requirement("EVI-06")
def test_while_a_relay_drains_nobody_comes_in_and_who_is_in_goes_on() -> None:
    case = Operated()
    ann, bob, _ = case.trio()
    case.lobby.handle_datagram(encode_lobby(b"cem", b"hi"), at(), 0.0)
    assert case.ask("drain") == [{"people": 4, "seconds": None, "at_once": False}]
    for come_in in (case.create, case.join):
        with pytest.raises(ShuttingDownError):
            come_in("dan", "other")
    assert case.lobby.handle_datagram(encode_lobby(b"dan", b"hi"), at("10.0.0.9"), 0.0) == "too_many"
    assert case.lobby.handle_datagram(encode_lobby(b"cem", b"hi"), at(), 0.0) != "too_many"
    assert case.say(ann, "still here") == case.say(ann, "still here")
    assert case.knows(bob)


def test_a_drain_ends_when_the_last_one_has_left() -> None:
    case = Operated()
    ann = case.create()
    case.lobby.handle_datagram(encode_lobby(b"cem", b""), at(), 0.0)
    case.operators.check_drain(0.0)
    case.ask("drain")
    case.operators.check_drain(1.0)
    case.registry.leave(ann, 2.0)
    case.operators.check_drain(1e9)
    assert case.stops == 0  # somebody is in the lobby
    case.lobby.expire(1e9)
    case.operators.check_drain(1e9)
    assert case.stops == 1


def test_a_drain_ends_in_time_and_may_be_given_another() -> None:
    case = Operated()
    case.trio()
    case.ask("drain", seconds=10)
    case.now = 5.0
    case.ask("drain", seconds=10.0)
    case.operators.check_drain(14.9)
    assert case.stops == 0
    case.operators.check_drain(15.0)
    assert case.stops == 1


def test_a_relay_is_ended_at_once() -> None:
    case = Operated()
    case.create("ann", "tea")
    assert case.ask("stop") == [{"people": 1}]
    assert case.stops == 1


def test_a_drain_may_be_over_at_once() -> None:
    case = Operated()
    case.trio()
    assert case.ask("drain", at_once=True) == [{"people": 3, "seconds": None, "at_once": True}]
    assert case.stops == 1


def test_a_drain_to_others_moves_the_rooms_and_ends_when_nobody_is_there_any_more() -> None:
    neighbours = Neighbours(known("beta"))
    case = Operated(cluster=neighbours)
    case.trio()
    neighbours.carried = 1
    assert case.ask("drain", to_others=True) == [{"people": 4, "seconds": None, "at_once": False}]
    assert neighbours.has_left
    assert case.ask("left") == [{"rooms": 1, "people": 4, "nodes": 1}]
    case.operators.check_drain(0.5)
    assert neighbours.given == [("demo", "beta")]
    room = case.registry.rooms[b"demo"]
    case.registry.close_room(room, EvictionReason.MOVED, members_see=EvictionReason.MOVED)
    case.operators.check_drain(1.0)
    assert case.ask("left") == [{"rooms": 0, "people": 1, "nodes": 1}]
    assert case.stops == 0  # who is carried by this node would be cut off
    neighbours.carried = 0
    case.operators.check_drain(1.5)
    assert case.stops == 1


def test_while_rooms_move_people_are_told_where_they_are_but_nobody_is_let_in() -> None:
    case = Operated(cluster=Neighbours(known("beta")))
    case.trio()
    case.ask("drain", to_others=True)
    case.ask("drain", seconds=60)  # gives an end to the drain that goes on
    case.registry.admission.check_rate(b"\0" * 16, 0.0)
    with pytest.raises(ShuttingDownError):
        case.join("dan")
    case.registry.shut_down()
    with pytest.raises(ShuttingDownError):
        case.registry.admission.check_rate(b"\0" * 16, 0.0)


@pytest.mark.parametrize("cluster", [None, Neighbours(), Neighbours(known("beta", draining=True))])
def test_a_drain_to_others_without_others_changes_nothing(cluster: Neighbours | None) -> None:
    case = Operated(cluster=cluster)
    case.trio()
    with pytest.raises(OperatorError, match=r"^(This relay is alone|No other node can take the rooms): ") as caught:
        case.ask("drain", to_others=True)
    assert caught.value.is_misplaced
    assert not case.operators.draining
    case.join("dan")
    case.operators.check_drain(1e9)
    assert case.ask("left") == [{"rooms": 1, "people": 4, "nodes": 0}]


def test_a_relay_that_isnt_asked_to_drain_doesnt_end_for_being_empty() -> None:
    case = Operated()
    case.operators.check_drain(1e9)
    assert case.stops == 0


def test_who_is_kicked_is_out_and_may_come_back() -> None:
    case = Operated()
    _, bob, _ = case.trio()
    assert case.ask("kick", room="demo", name="bob") == [{"room": "demo", "name": "bob", "closed": False}]
    assert ("server: disconnected: kicked", [home(bob)]) in case.said()
    assert not case.knows(bob)
    assert case.flushes == 1
    case.join("bob")


def test_a_host_who_is_kicked_takes_the_room_along() -> None:
    case = Operated()
    case.trio()
    answer = case.ask("kick", room="demo", name="ann")
    assert SHOWN["kick"](answer) == "ann is out of demo, which closed with its host.\n"
    assert not case.registry.rooms
    case.assert_all_is_counted()


def test_who_is_banned_stays_out_until_the_ban_is_lifted() -> None:
    case = Operated()
    _, bob, _ = case.trio()
    address = show_ip(bob.ip)
    assert case.ask("ban", room="demo", name="bob") == [{"room": "demo", "name": "bob", "address": address}]
    assert case.ask("ban", room="demo", name="cem") == [{"room": "demo", "name": "cem", "address": None}]
    assert case.ask("bans", room="demo") == [{"name": "bob", "address": address}, {"name": "cem", "address": None}]
    with pytest.raises(BannedError):
        case.join("bob")
    assert case.ask("unban", room="demo", name="bob") == [{"room": "demo", "name": "bob", "address": address}]
    assert case.ask("bans", room="demo") == [{"name": "cem", "address": None}]
    case.join("bob")


@pytest.mark.parametrize(
    ("command", "name", "says"),
    [("kick", "dan", "Nobody here is called dan"), ("ban", "ann", "The host can't be banned"),
     ("ban", "a:b", "The user name has a colon"), ("unban", "dan", "dan isn't banned")],
)  # fmt: skip
def test_what_cant_be_done_about_a_name_is_said(command: str, name: str, says: str) -> None:
    case = Operated()
    case.trio()
    with pytest.raises(OperatorError, match=says):
        case.ask(command, room="demo", name=name)
    assert len(case.registry.sessions_by_token) == 3


def test_a_relay_tells_which_program_it_is() -> None:
    assert Operated().ask("program") == [{"program": sys.prefix}]
