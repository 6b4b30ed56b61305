"""However many rooms, people and addresses there are, the metrics are the same ones (threat R6)."""

import pytest

from chatproto import EvictionReason, encode_datagram, encode_lobby
from relay_server.core.judge import Judge
from relay_server.core.lobby import Lobby
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net.address import locate, make_address
from relay_server.telemetry.metrics import RelayCollector, Tally, exposition, make_registry
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces

ROOMS = 10_000


@pytest.mark.slow
def test_ten_thousand_rooms_add_no_series() -> None:
    tally, policy = Tally(), unlimited(message_rate=1.0)
    registry = Registry(policy, tally.observe_event, new_nonces(), locate)
    relay = Relay(registry, policy, Judge(registry, policy))
    lobby = Lobby(policy, tally.observe_event, new_nonces(), locate)
    collector = RelayCollector(registry.counters, lobby.counters, tally, "uvloop")
    prometheus = make_registry(collector)

    def scrape() -> list[str]:
        return exposition(prometheus)[1].decode().splitlines()

    before = series(scrape())
    for number in range(ROOMS):
        ip = (0x20010DB8 << 96 | number << 64).to_bytes(16, "big")  # a network of its own for each
        room, name = b"secret room %d" % number, f"secret person {number}"
        host = registry.create_room(room, name, b"secret token %d" % number, ip, 0.0)
        home = make_address(ip, 5000 + number)
        for message, now in ((b"hi", 0.0), (b"too soon", 0.0), (b"/leave" if number % 2 else b"x" * 4000, 10.0)):
            relay.handle_datagram(encode_datagram(room, host.session.token, message), home, now)
        lobby.handle_datagram(encode_lobby(b"secret person %d" % number), home, 0.0)
    assert series(scrape()) == before
    registry.shut_down()
    lobby.shut_down()
    after = scrape()
    assert tally.rooms_closed[EvictionReason.SHUTDOWN] == ROOMS // 2  # the other half left
    assert series(after) == before
    assert not [line for line in after if "secret" in line or "2001:db8" in line]


def series(lines: list[str]) -> list[str]:
    """Return everything but the values: names, labels, help and types, in their order."""
    return [line if line.startswith("#") else line.rpartition(" ")[0] for line in lines]
