"""Rooms that are talked in, and what the kernel makes of batches for them."""

from collections import defaultdict

from relay_server.core.address import parse_ip
from relay_server.core.audience import Audience, Forward, Listener
from relay_server.net.address import UdpAddress, make_address, unpack_targets
from relay_server.net.fanout import MAX_BATCH_BYTES, MAX_BATCH_SEGMENTS, MAX_SEGMENT_BYTES, GsoBatch
from services.relay_server.net.udp_chat import audience_at

Heard = dict[UdpAddress, list[bytes]]


def room(number: int, members: int) -> Audience:
    """Make the audience of a room; nobody is in two of them."""
    return audience_at(*[make_address(parse_ip(f"10.0.{number}.1"), 1000 + member) for member in range(members)])


def listener(audience: Audience, member: int) -> Listener:
    found: Listener = list(audience.addresses)[member]
    return found


def said(audience: Audience, member: int, payload: bytes) -> Forward:
    return audience, listener(audience, member), payload


def messages_in(batch: GsoBatch) -> list[bytes]:
    """Cut a batch as the kernel does."""
    text, _, segment = batch
    return [text[start : start + segment] for start in range(0, len(text), segment)] if segment else [text]


def heard_by_all(sent: list[GsoBatch]) -> Heard:
    heard: Heard = defaultdict(list)
    for batch in sent:
        for target in unpack_targets(batch[1]):
            heard[target] += messages_in(batch)
    return heard


def assert_the_kernel_takes(batch: GsoBatch) -> None:
    text, _, segment = batch
    if segment:
        assert segment <= MAX_SEGMENT_BYTES
        assert 0 < len(text) <= MAX_BATCH_BYTES
        assert len(messages_in(batch)) <= MAX_BATCH_SEGMENTS
