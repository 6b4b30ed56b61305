"""Addresses of UDP compare by their bytes, and tell what they were made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.address import parse_ip, show_ip
from relay_server.core.endpoint import Host
from relay_server.net.address import ADDRESS_BYTES, TARGET_BYTES, locate, make_address, pack_targets, unpack_targets

IPS = st.ip_addresses().map(lambda ip: parse_ip(str(ip)))
PORTS = st.integers(0, 2**16 - 1)
SCOPES = st.integers(0, 2**32 - 1)
ADDRESSES = st.builds(
    lambda ip, port, scope, local: make_address(ip, port, scope=scope, local_ip=local),
    IPS,
    PORTS,
    SCOPES,
    st.none() | IPS,
)


@given(IPS, PORTS, SCOPES, st.none() | IPS)
def test_an_address_gives_back_what_it_was_made_of(ip: bytes, port: int, scope: int, local: bytes | None) -> None:
    address = make_address(ip, port, scope=scope, local_ip=local)
    assert len(address) == ADDRESS_BYTES
    endpoint = locate(address)
    assert (endpoint.ip, endpoint.port, endpoint.scope) == (ip, port, scope)
    assert endpoint.host == Host(ip, scope)
    assert endpoint.local_ip == local
    assert endpoint._replace(local_ip=None) == locate(make_address(ip, port, scope=scope))  # whatever it spoke to


def test_an_address_is_an_ip_and_a_port() -> None:
    endpoint = locate(make_address(parse_ip("192.0.2.1"), 5000))
    assert (show_ip(endpoint.ip), endpoint.port) == ("192.0.2.1", 5000)


@pytest.mark.requirement("UDP-03")
def test_a_peer_is_named_by_port_ip_and_scope() -> None:
    one = make_address(parse_ip("fe80::1"), 5000, scope=2)
    for other in (
        make_address(parse_ip("fe80::1"), 5001, scope=2),
        make_address(parse_ip("fe80::2"), 5000, scope=2),
        make_address(parse_ip("fe80::1"), 5000, scope=3),
    ):
        assert locate(one).remote != locate(other).remote


@pytest.mark.slow
@given(st.lists(ADDRESSES, max_size=5))
def test_a_row_of_addresses_comes_apart_again(addresses: list[bytes]) -> None:
    row = pack_targets(addresses)
    assert len(row) == len(addresses) * TARGET_BYTES
    assert unpack_targets(row) == addresses
