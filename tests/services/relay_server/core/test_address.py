"""Addresses compare by their bytes, whatever family and spelling they came in."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.address import (
    ADDRESS_BYTES,
    ip_of,
    is_answerable,
    make_address,
    network_of,
    networks_around,
    parse_ip,
    port_of,
    remote_of,
    show_ip,
    show_network,
)
from relay_server.net.targets import TARGET_BYTES, pack_targets, unpack_targets

IPS = st.ip_addresses()
PORTS = st.integers(0, 2**16 - 1)
ADDRESSES = st.builds(
    lambda ip, port, scope, local: make_address(
        parse_ip(str(ip)), port, scope=scope, local_ip=parse_ip(str(local)) if local else None
    ),
    IPS,
    PORTS,
    st.integers(0, 2**32 - 1),
    st.none() | IPS,
)


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


@given(IPS, PORTS, st.none() | IPS)
def test_an_address_gives_back_what_it_was_made_of(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
    port: int,
    local: ipaddress.IPv4Address | ipaddress.IPv6Address | None,
) -> None:
    raw = parse_ip(str(ip))
    address = make_address(raw, port, local_ip=parse_ip(str(local)) if local else None)
    assert len(address) == ADDRESS_BYTES
    assert (ip_of(address), port_of(address)) == (raw, port)
    assert parse_ip(show_ip(ip_of(address))) == raw
    assert remote_of(address) == remote_of(make_address(raw, port))


def test_an_address_is_an_ip_and_a_port() -> None:
    address = make_address(parse_ip("192.0.2.1"), 5000)
    assert (show_ip(ip_of(address)), port_of(address)) == ("192.0.2.1", 5000)


def test_a_peer_is_named_by_port_ip_and_scope() -> None:
    one = make_address(parse_ip("fe80::1"), 5000, scope=2)
    for other in (
        make_address(parse_ip("fe80::1"), 5001, scope=2),
        make_address(parse_ip("fe80::2"), 5000, scope=2),
        make_address(parse_ip("fe80::1"), 5000, scope=3),
    ):
        assert remote_of(one) != remote_of(other)


@given(st.lists(ADDRESSES, max_size=5))
def test_a_row_of_addresses_comes_apart_again(addresses: list[bytes]) -> None:
    row = pack_targets(addresses)
    assert len(row) == len(addresses) * TARGET_BYTES
    assert unpack_targets(row) == addresses


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
    assert is_answerable(make_address(parse_ip(ip), 1)) is is_a_host
    assert is_answerable(make_address(parse_ip(ip), 256)) is is_a_host
    assert not is_answerable(make_address(parse_ip(ip), 0))


@pytest.mark.parametrize(("ip", "shown"), [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")])
def test_a_network_is_shown_as_people_write_it(ip: str, shown: str) -> None:
    assert show_network(network_of(parse_ip(ip))) == shown
