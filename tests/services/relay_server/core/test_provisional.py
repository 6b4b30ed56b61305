"""Provisional addresses: nobody gets copies where somebody else may listen (LEN-02)."""

import pytest

from relay_server.core.lobby import Lobby
from relay_server.core.model import Member
from relay_server.core.provisional import LEAST_PORT
from relay_server.net.address import UdpAddress, locate
from services.relay_server.core.rooms_case import Case, address_of, at, new_nonces

pytestmark = pytest.mark.requirement("LEN-02")

HERE = at("10.0.0.1", 40_000)
"""Where somebody chats whom a neighbour behind the same address wants to deceive."""


@pytest.fixture
def case() -> Case:
    return Case(provisional_address=True)


def hears_at(member: Member) -> UdpAddress | None:
    return address_of(member)


def intrude(case: Case, port: UdpAddress = HERE) -> Member:
    """Create a room with a provisional address at the neighbour's."""
    return case.create("eve", "trap", ip="10.0.0.1", port=port)


def test_what_a_member_proved_is_nobodys_provisional_address_until_the_member_is_gone(case: Case) -> None:
    ann = case.create("ann", ip="10.0.0.1")
    case.say(ann, source=HERE)
    eve = intrude(case)
    assert hears_at(eve) is None
    case.registry.leave(ann, 1.0)
    case.registry.set_provisional_port(eve, HERE)
    assert hears_at(eve) == HERE


def test_a_member_proves_it_for_each_room_that_it_is_in(case: Case) -> None:
    rooms = [case.create("ann", room, ip="10.0.0.1") for room in ("one", "two")]
    for ann in rooms:
        case.say(ann, source=HERE)
    case.registry.leave(rooms[0], 1.0)
    assert hears_at(intrude(case)) is None


def test_a_datagram_withdraws_everybody_elses_provisional_address(case: Case) -> None:
    eve, mia = intrude(case), case.create("mia", "other", ip="10.0.0.1", port=HERE)
    assert hears_at(eve) == hears_at(mia) == HERE
    ann = case.create("ann", ip="10.0.0.1")
    case.say(ann, source=HERE)
    assert (hears_at(eve), hears_at(mia), hears_at(ann)) == (None, None, HERE)


def test_a_member_that_moves_withdraws_them_at_its_new_address(case: Case) -> None:
    ann, eve = case.create("ann", ip="10.0.0.1"), intrude(case)
    case.say(ann, source=at("10.0.0.1", 50_000))
    assert hears_at(eve) == HERE
    case.say(ann, now=2.0, source=HERE)
    assert hears_at(eve) is None
    case.registry.set_provisional_port(eve, at("10.0.0.1", 50_000))
    assert hears_at(eve) == at("10.0.0.1", 50_000)  # which ann has left


def test_a_client_of_the_lobby_proves_its_address_as_well(case: Case) -> None:
    lobby = Lobby(case.policy, case.events.append, new_nonces(), locate, case.registry.provisional)
    eve = intrude(case)
    lobby.handle_datagram(b"\x03annhello", HERE, 0.0)
    assert hears_at(eve) is None
    case.registry.set_provisional_port(eve, HERE)
    assert hears_at(eve) is None
    lobby.shut_down()
    case.registry.set_provisional_port(eve, HERE)
    assert hears_at(eve) == HERE


@pytest.mark.parametrize(("port", "allowed"), [(LEAST_PORT - 1, False), (LEAST_PORT, True)])
def test_no_copies_go_to_the_ports_of_services(case: Case, port: int, allowed: bool) -> None:
    eve = intrude(case, at("10.0.0.1", port))
    assert bool(hears_at(eve)) is allowed


def test_an_address_that_is_refused_withdraws_the_one_before(case: Case) -> None:
    eve = intrude(case)
    case.registry.set_provisional_port(eve, at("10.0.0.1", 53))
    assert hears_at(eve) is None


def test_who_leaves_before_it_spoke_leaves_nothing_behind(case: Case) -> None:
    case.registry.leave(intrude(case), 1.0)
    ann = case.create("ann", ip="10.0.0.1")
    case.say(ann, source=HERE)
    assert hears_at(ann) == HERE
    case.assert_all_is_counted()
