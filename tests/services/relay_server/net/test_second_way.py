"""A session that is reached by something else than UDP: the core serves it as it is, beside those on UDP."""

import pytest

from chatproto import Disconnected, EvictionReason, MemberEvicted, Notice, encode_datagram, encode_notice
from relay_server.core.address import parse_ip
from relay_server.core.audience import Forward
from relay_server.core.counters import DropReason
from relay_server.core.endpoint import Address, Endpoint
from relay_server.core.judge import Judge
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net.address import locate
from relay_server.net.sockets import bind_udp
from relay_server.net.udp import UdpPort
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces
from services.relay_server.net.loopback import Run, port_of, udp_peer, until
from services.relay_server.net.udp_chat import BUFFER_BYTES, hear

IP = parse_ip("127.0.0.1")


class Stream:
    """A connection that somebody chats over; what it is sent is collected as it is."""

    def __init__(self, port: int) -> None:
        self.endpoint = Endpoint(IP, port, 0, b"stream %d" % port)
        self.received: list[bytes | Notice] = []


def locate_any(address: Address) -> Endpoint:
    """Take an address of either kind apart."""
    return address.endpoint if isinstance(address, Stream) else locate(address)


class TwoWays:
    """A relay whose members come by UDP or by streams."""

    def __init__(self) -> None:
        self.registry = Registry(unlimited(), lambda _: None, new_nonces(), locate_any)
        self.relay = Relay(self.registry, unlimited(), Judge(self.registry, unlimited()))
        raw = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
        self.where = ("127.0.0.1", port_of(raw))
        self.port = UdpPort(raw, self.handle, self.registry, lambda: 0.0, pinned=False)
        self.port.start()

    def admit(self, name: str) -> bytes:
        """Let a member into the room; returns what its datagrams begin with."""
        token = name.encode() + b"-token"
        enter = self.registry.join_room if self.registry.rooms else self.registry.create_room
        enter(b"demo", name, token, IP, 0.0)
        return encode_datagram(b"demo", token)

    def handle(self, data: bytes, source: Address, now: float) -> Forward | DropReason | None:
        """Judge what came, whichever way, and hand it to the streams."""
        result = self.relay.handle_datagram(data, source, now)
        if isinstance(result, tuple):
            audience, sender, payload = result
            for listener, address in audience.addresses.items():
                if isinstance(address, Stream) and listener is not sender:
                    address.received.append(payload)
        return result

    def receive(self, data: bytes, source: Stream) -> None:
        """Take what came over a stream; the port sends it to those on UDP."""
        result = self.handle(data, source, 0.0)
        if isinstance(result, tuple):
            self.port._forwards.append(result)

    def flush(self) -> None:
        """Hand the streams the notices, and let the port send the others theirs."""
        for notice, audience, but, _ in self.registry.outbox:
            for listener, address in audience.addresses.items():
                if isinstance(address, Stream) and listener is not but:
                    address.received.append(notice)
        self.port.flush()


@pytest.mark.requirement("UDP-04", "UDP-10", "EVI-02")
def test_members_on_udp_and_on_streams_hear_one_another(run: Run) -> None:
    async def scenario() -> None:
        relay = TwoWays()
        with udp_peer() as ann:
            ann_header, bob_header, eve_header = map(relay.admit, ("ann", "bob", "eve"))
            bob, eve = Stream(1), Stream(2)
            relay.flush()
            ann.sendto(ann_header, relay.where)
            relay.receive(bob_header, bob)
            relay.receive(eve_header, eve)
            await until(lambda: relay.registry.counters.accepted == 3)
            ann.sendto(ann_header + b"hello", relay.where)
            await until(lambda: bob.received == eve.received == [b"ann: hello"])
            relay.receive(bob_header + b"hi", bob)
            relay.registry.sessions_by_token[b"bob-token"].json_notices = True
            eve_session = relay.registry.sessions_by_token[b"eve-token"]
            relay.registry.evict(eve_session.member, EvictionReason.KICKED, 0.0)
            relay.flush()
            gone = MemberEvicted("eve", EvictionReason.KICKED)
            assert bob.received == [b"ann: hello", gone]
            assert eve.received == [b"ann: hello", b"bob: hi", Disconnected(EvictionReason.KICKED)]
            assert [await hear(ann) for _ in range(2)] == [b"bob: hi", encode_notice(gone)]
            counters = relay.registry.counters
            assert (counters.sent, counters.notices_sent) == (1, 1)  # by the port; each stream counts its own
            assert counters.fanout == {2: 2}
        relay.port.close()

    run(scenario)
