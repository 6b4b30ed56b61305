"""How many may come in, in all and from one address, and how fast (ROOM-05, LIM-01)."""

import pytest

from chatproto import EvictionReason
from relay_server.core.address import parse_ip
from relay_server.core.errors import BusyError, ShuttingDownError, TooManyError
from relay_server.core.limits import AROUND_FACTORS
from services.relay_server.core.rooms_case import Case


@pytest.mark.requirement("ROOM-05")
def test_there_are_as_many_rooms_as_allowed() -> None:
    case = Case(max_rooms=3)
    hosts = [case.create("ann", f"room {number}") for number in range(3)]
    with pytest.raises(TooManyError, match="as many rooms"):
        case.create("ann", "one more")
    case.registry.leave(hosts[0], 1.0)
    case.create("ann", "one more")


@pytest.mark.requirement("ROOM-05")
def test_there_are_as_many_members_as_allowed() -> None:
    case = Case(max_members=3)
    case.create("ann", "one")
    bob = case.create("bob", "other")
    case.join("eve", "one")
    for enter, room in ((case.join, "one"), (case.create, "third")):
        with pytest.raises(TooManyError, match="as many members"):
            enter("zoe", room)
    case.registry.evict(bob, EvictionReason.KICKED, 1.0)
    case.join("zoe", "one")


@pytest.mark.requirement("ROOM-05")
def test_an_address_has_as_many_members_as_allowed() -> None:
    case = Case(max_members_per_address=64)
    case.create("ann", ip="192.0.2.1")
    members = [case.join(f"pupil {number}", ip="192.0.2.1") for number in range(63)]
    with pytest.raises(TooManyError, match="Your address has as many members"):
        case.join("one more", ip="::ffff:192.0.2.1")
    case.join("one more", ip="192.0.2.2")
    case.registry.leave(members[0], 1.0)
    case.join("again", ip="192.0.2.1")
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-05")
def test_an_ipv6_network_counts_as_one_address() -> None:
    case = Case(max_members_per_address=2)
    case.create("ann", ip="2001:db8:1:2::1")
    case.join("bob", ip="2001:db8:1:2::2")
    with pytest.raises(TooManyError):
        case.join("eve", ip="2001:db8:1:2:3:4:5:6")
    case.join("eve", ip="2001:db8:1:3::1")


@pytest.mark.requirement("ROOM-05")
def test_all_networks_of_an_ipv6_site_have_more_but_not_each_as_much() -> None:
    of_56, of_48 = AROUND_FACTORS
    case = Case(max_rooms_per_address=2)
    for number in range(2 * of_56):
        case.create("ann", f"home {number}", ip=f"2001:db8:1:{number:x}::1")
    for number in range(2 * (of_48 - of_56)):
        with pytest.raises(TooManyError, match="Your address has as many rooms"):
            case.create("ann", "one more", ip="2001:db8:1:ff::1")
        host = case.create("ann", f"site {number}", ip=f"2001:db8:1:{number + 1:x}00::1")
    with pytest.raises(TooManyError, match="Your address has as many rooms"):
        case.create("ann", "one more", ip="2001:db8:1:ff00::1")
    case.create("ann", "elsewhere", ip="2001:db8:2::1")
    case.registry.leave(host, 1.0)
    case.create("ann", "one more", ip="2001:db8:1:ff00::1")


@pytest.mark.requirement("ROOM-05")
def test_members_of_an_ipv6_site_are_counted_out_again() -> None:
    case = Case(max_members_per_address=1)
    for _ in range(3):
        hosts = [case.create("ann", f"room {number}", ip=f"2001:db8:1:{number:x}::1") for number in range(4)]
        with pytest.raises(TooManyError, match="Your address has as many members"):
            case.join("bob", "room 0", ip="2001:db8:1:4::1")
        for host in hosts:
            case.registry.leave(host, 1.0)


@pytest.mark.requirement("ROOM-05")
def test_an_address_has_as_many_rooms_as_allowed() -> None:
    case = Case(max_rooms_per_address=2)
    hosts = [case.create("ann", f"room {number}", ip="192.0.2.1") for number in range(2)]
    with pytest.raises(TooManyError, match="as many rooms"):
        case.create("ann", "one more", ip="192.0.2.1")
    case.join("bob", "room 0", ip="192.0.2.1")
    case.create("ann", "elsewhere", ip="192.0.2.2")
    case.registry.leave(hosts[1], 1.0)
    case.create("ann", "one more", ip="192.0.2.1")


@pytest.mark.requirement("ROOM-05")
def test_zero_is_no_limit() -> None:
    case = Case()
    for number in range(200):
        case.create("ann", f"room {number}", ip="192.0.2.1")
        case.join(f"bob {number}", "room 0", ip="192.0.2.1")


@pytest.mark.requirement("LIM-01")
def test_an_address_joins_at_a_rate_with_five_seconds_worth_at_once() -> None:
    admission = Case(join_rate=2.0).registry.admission
    here, elsewhere = parse_ip("192.0.2.1"), parse_ip("192.0.2.2")
    for _ in range(10):
        admission.check_rate(here, 0.0)
    with pytest.raises(BusyError):
        admission.check_rate(here, 0.0)
    admission.check_rate(elsewhere, 0.0)
    admission.check_rate(here, 0.5)


@pytest.mark.requirement("LIM-01")
def test_an_address_that_connects_endlessly_connects_twice_as_often_as_it_may_join() -> None:
    admission = Case(join_rate=2.0).registry.admission
    here, elsewhere = parse_ip("192.0.2.1"), parse_ip("192.0.2.2")
    while admission.admits_connection(here, 0.0):
        pass
    seconds = [number / 8 for number in range(1, 481)]
    assert sum(admission.admits_connection(here, second) for second in seconds) == 2 * 2 * 60
    assert admission.admits_connection(elsewhere, 0.0)


@pytest.mark.requirement("LIM-01")
def test_all_addresses_of_an_ipv6_network_connect_as_one() -> None:
    admission = Case(join_rate=1.0).registry.admission
    while admission.admits_connection(parse_ip("2001:db8:1:2::1"), 0.0):
        pass
    assert not admission.admits_connection(parse_ip("2001:db8:1:2::2"), 0.0)
    assert admission.admits_connection(parse_ip("2001:db8:1:3::1"), 0.0)


@pytest.mark.requirement("LIM-01")
@pytest.mark.parametrize("join_rate", [0.5, 20.0, 1000.0])
def test_who_joins_too_often_still_connects_and_is_told_so(join_rate: float) -> None:
    admission = Case(join_rate=join_rate).registry.admission
    here = parse_ip("192.0.2.1")
    for _ in range(int(5 * join_rate)):
        assert admission.admits_connection(here, 0.0)
        admission.check_rate(here, 0.0)
    assert admission.admits_connection(here, 0.0)
    with pytest.raises(BusyError, match="Too many joins"):
        admission.check_rate(here, 0.0)


@pytest.mark.requirement("LIM-01", "UDP-10")
def test_a_join_counts_for_as_much_as_there_are_members_to_tell() -> None:
    case = Case(join_rate=20.0)
    case.create("ann")
    for number in range(149):
        case.join(f"member {number}")
    for number in range(33):  # 150 members or more: three more each, of 100 at once
        case.join(f"guest {number}", ip="192.0.2.1")
    with pytest.raises(BusyError, match="Too many joins"):
        case.join("one more", ip="192.0.2.1")
    case.join("a neighbour", ip="192.0.2.2")
    case.join("one more", ip="192.0.2.1", now=1.0)


@pytest.mark.requirement("LIM-01", "UDP-10")
@pytest.mark.parametrize(("members", "announce"), [(49, True), (150, False)])
def test_a_join_that_few_or_none_are_told_of_counts_once(members: int, announce: bool) -> None:
    case = Case(join_rate=1.0, announce=announce)
    case.create("ann")
    for number in range(members - 1):
        case.join(f"member {number}")
    for number in range(100):
        case.registry.leave(case.join(f"guest {number}", ip="192.0.2.1"), 0.0)


@pytest.mark.requirement("LIM-01", "UDP-10")
def test_a_room_of_any_size_can_be_joined() -> None:
    case = Case(join_rate=1.0)
    case.create("ann")
    for number in range(1000):
        case.join(f"member {number}")
    case.join("one", ip="192.0.2.1")
    case.join("two", ip="192.0.2.1")
    with pytest.raises(BusyError):
        case.join("three", ip="192.0.2.1")


@pytest.mark.parametrize("forwards", [False, True])
def test_a_relay_that_ends_lets_nobody_in_but_may_tell_where_rooms_are(forwards: bool) -> None:
    case = Case()
    ann, admission = case.create("ann"), case.registry.admission
    admission.check_open()
    admission.close(forwards=forwards)
    for check in (admission.check_open, lambda: admission.check_member(ann.ip)):
        with pytest.raises(ShuttingDownError):
            check()
    if forwards:
        admission.check_rate(ann.ip, 0.0)
        admission.close()
    with pytest.raises(ShuttingDownError):
        admission.check_rate(ann.ip, 0.0)
