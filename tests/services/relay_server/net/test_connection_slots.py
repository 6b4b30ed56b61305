"""Connection slots: who comes in, and who yields."""

import pytest

from relay_server.core.address import network_of, parse_ip
from relay_server.core.limits import AROUND_FACTORS
from relay_server.net.connection_slots import ConnectionSlots

HERE, THERE = b"here", b"there"


@pytest.fixture
def slots() -> ConnectionSlots[str]:
    return ConnectionSlots(3, 2)


def test_a_network_has_so_many_under_way_however_many_linger(slots: ConnectionSlots[str]) -> None:
    assert [slots.enter(name, HERE) for name in ("ann", "bob", "eve")] == [True, True, False]
    assert (len(slots), sorted(slots)) == (3, ["ann", "bob", "eve"])
    slots.linger("ann")
    slots.leave("eve")
    assert slots.enter("eve", HERE)
    assert not slots.enter("late", HERE)
    assert slots.enter("stranger", THERE)


def test_who_lingers_yields_before_who_waits_and_both_before_who_is_at_work(slots: ConnectionSlots[str]) -> None:
    for name, network in (("ann", HERE), ("bob", HERE), ("eve", THERE)):
        slots.enter(name, network)
    slots.begin_work("ann")
    assert slots.is_full()
    assert slots.first_to_yield() == "bob"
    slots.linger("eve")
    assert slots.first_to_yield() == "eve"
    slots.leave("eve")
    assert not slots.is_full()
    assert slots.first_to_yield() == "bob"
    slots.leave("bob")
    assert slots.first_to_yield() is None
    slots.linger("ann")
    assert slots.first_to_yield() == "ann"


def test_the_networks_of_an_ipv6_site_have_not_each_as_many_under_way() -> None:
    slots: ConnectionSlots[int] = ConnectionSlots(0, 2)
    networks = [network_of(parse_ip(f"2001:db8:1:{number:x}::1")) for number in range(20)]
    entered = [number for number in range(20) if slots.enter(number, networks[number])]
    assert len(entered) == 2 * AROUND_FACTORS[0]
    slots.leave(entered[0])
    assert slots.enter(20, networks[19])


def test_leaving_twice_frees_one_place(slots: ConnectionSlots[str]) -> None:
    slots.enter("ann", HERE)
    slots.enter("bob", HERE)
    for _ in range(2):
        slots.leave("ann")
        slots.linger("ann")
    assert list(slots) == ["bob"]
    assert [slots.enter(name, HERE) for name in ("ann", "eve")] == [True, False]


def test_limits_of_0_are_none() -> None:
    slots: ConnectionSlots[int] = ConnectionSlots(0, 0)
    assert all(slots.enter(number, HERE) for number in range(5000))
    assert not slots.is_full()
