"""IPs compare by their bytes, whatever family and spelling they came in."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.address import is_answerable, network_of, networks_around, parse_ip, show_ip, show_network


@pytest.mark.requirement("UDP-02")
def test_an_ipv4_address_has_one_spelling() -> None:
    assert parse_ip("192.0.2.1") == parse_ip("::ffff:192.0.2.1") == parse_ip("::ffff:c000:201")
    assert parse_ip("192.0.2.1") != parse_ip("192.0.2.2")
    assert show_ip(parse_ip("::ffff:192.0.2.1")) == "192.0.2.1"


def test_a_scope_is_no_part_of_an_ip() -> None:
    assert parse_ip("fe80::1%eth0") == parse_ip("fe80::1")


@pytest.mark.parametrize("text", ["", "relay", "1.2.3", "1.2.3.4.5", "::g", "%eth0"])
def test_what_is_no_ip_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        parse_ip(text)


@given(st.ip_addresses())
def test_an_ip_is_shown_as_it_can_be_read(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    raw = parse_ip(str(ip))
    assert len(raw) == 16
    assert parse_ip(show_ip(raw)) == raw


@pytest.mark.requirement("ROOM-05")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_limits_count_ipv4_addresses_and_ipv6_networks(one: str, other: str, same: bool) -> None:
    assert (network_of(parse_ip(one)) == network_of(parse_ip(other))) is same


@pytest.mark.requirement("ROOM-05")
def test_an_ipv6_network_is_within_larger_ones_and_an_ipv4_address_counts_alone() -> None:
    here = networks_around(network_of(parse_ip("2001:db8:1:2ff::1")))
    assert here == networks_around(network_of(parse_ip("2001:db8:1:200::1")))  # the same /56
    near = networks_around(network_of(parse_ip("2001:db8:1:300::1")))  # another one, of the same /48
    far = networks_around(network_of(parse_ip("2001:db8:2:2ff::1")))
    assert [one == other for one, other in zip(here, near, strict=True)] == [False, True]
    assert not set(here) & set(far)
    assert networks_around(network_of(parse_ip("192.0.2.1"))) == ()


@pytest.mark.requirement("UDP-02", "LOB-05")
@pytest.mark.parametrize(
    ("ip", "is_a_host"),
    [
        ("1.0.0.1", True),
        ("192.0.2.255", True),  # whose broadcast it may be only that network knows
        ("223.255.255.255", True),
        ("240.0.0.1", True),
        ("0.0.0.0", False),
        ("0.1.2.3", False),
        ("224.0.0.1", False),
        ("239.255.255.255", False),
        ("255.255.255.255", False),
        ("::1", True),
        ("2001:db8::1", True),
        ("fe80::1", True),
        ("::", False),
        ("ff02::1", False),
    ],
)
def test_only_a_port_of_one_host_can_be_answered(ip: str, is_a_host: bool) -> None:
    assert is_answerable(parse_ip(ip), 1) is is_a_host
    assert is_answerable(parse_ip(ip), 256) is is_a_host
    assert not is_answerable(parse_ip(ip), 0)


@pytest.mark.parametrize(("ip", "shown"), [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")])
def test_a_network_is_shown_as_people_write_it(ip: str, shown: str) -> None:
    assert show_network(network_of(parse_ip(ip))) == shown
