"""Places: who comes in, and who yields."""

import pytest

from relay_server.core.address import network_of, parse_ip
from relay_server.core.limits import AROUND_FACTORS
from relay_server.net.connection_slots import Places

HERE, THERE = b"here", b"there"


@pytest.fixture
def places() -> Places[str]:
    return Places(3, 2)


def test_a_network_has_so_many_under_way_however_many_linger(places: Places[str]) -> None:
    assert [places.enter(name, HERE) for name in ("ann", "bob", "eve")] == [True, True, False]
    assert (len(places), sorted(places)) == (3, ["ann", "bob", "eve"])
    places.linger("ann")
    places.leave("eve")
    assert places.enter("eve", HERE)
    assert not places.enter("late", HERE)
    assert places.enter("stranger", THERE)


def test_who_lingers_yields_before_who_waits_and_both_before_who_is_at_work(places: Places[str]) -> None:
    for name, network in (("ann", HERE), ("bob", HERE), ("eve", THERE)):
        places.enter(name, network)
    places.begin_work("ann")
    assert places.is_full()
    assert places.first_to_yield() == "bob"
    places.linger("eve")
    assert places.first_to_yield() == "eve"
    places.leave("eve")
    assert not places.is_full()
    assert places.first_to_yield() == "bob"
    places.leave("bob")
    assert places.first_to_yield() is None
    places.linger("ann")
    assert places.first_to_yield() == "ann"


def test_the_networks_of_an_ipv6_site_have_not_each_as_many_under_way() -> None:
    places: Places[int] = Places(0, 2)
    networks = [network_of(parse_ip(f"2001:db8:1:{number:x}::1")) for number in range(20)]
    entered = [number for number in range(20) if places.enter(number, networks[number])]
    assert len(entered) == 2 * AROUND_FACTORS[0]
    places.leave(entered[0])
    assert places.enter(20, networks[19])


def test_leaving_twice_frees_one_place(places: Places[str]) -> None:
    places.enter("ann", HERE)
    places.enter("bob", HERE)
    for _ in range(2):
        places.leave("ann")
        places.linger("ann")
    assert list(places) == ["bob"]
    assert [places.enter(name, HERE) for name in ("ann", "eve")] == [True, False]


def test_limits_of_0_are_none() -> None:
    places: Places[int] = Places(0, 0)
    assert all(places.enter(number, HERE) for number in range(5000))
    assert not places.is_full()
