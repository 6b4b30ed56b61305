"""Variables that containers are given about their neighbours are told apart from settings by their form."""

import pytest

from chatproto.service_links import find_service_links

GIVEN = {
    "RELAY_SERVICE_HOST": "10.0.0.1",
    "RELAY_SERVICE_PORT": "9000",
    "RELAY_SERVICE_PORT_JOIN": "9000",
    "RELAY_PORT": "tcp://10.0.0.1:9000",
    "RELAY_PORT_9000_TCP": "tcp://10.0.0.1:9000",
    "RELAY_PORT_9001_UDP": "udp://10.0.0.1:9001",
    "RELAY_PORT_9001_UDP_PROTO": "udp",
    "RELAY_PORT_9001_UDP_PORT": "9001",
    "RELAY_PORT_9001_UDP_ADDR": "fd00::1",
    "RELAY_WEB_SERVICE_HOST": "10.0.0.2",
    "RELAY_WEB_PORT": "tcp://10.0.0.2:80",
    "RELAY_TCP_PORT": "tcp://10.0.0.3:9000",
    "RELAY_OPS_PORT_9100_TCP_ADDR": "10.0.0.4",
    "RELAY_NAME": "/chat/relay",
    "RELAY_ENV_LANG": "C.UTF-8",
}
OURS = {
    "RELAY_TCP_PORT": "9000",
    "RELAY_PORT": "9000",
    "RELAY_PORT_TCP": "9000",
    "RELAY_HOST": "tcp://10.0.0.1",
    "RELAY_SERVICE": "10.0.0.1",
    "RELAY_NAME": "relay",
    "RELAY_": "1",
    "RELAYS_PORT": "tcp://10.0.0.1:9000",
    "OTHER_RELAY_SERVICE_HOST": "10.0.0.1",
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_a_neighbour_gives_is_found(name: str) -> None:
    assert find_service_links({name: GIVEN[name]}, "RELAY_") == {name}


@pytest.mark.parametrize("name", OURS)
def test_what_may_be_a_setting_or_a_mistake_is_not(name: str) -> None:
    assert find_service_links({name: OURS[name]}, "RELAY_") == set()
