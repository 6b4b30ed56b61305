"""GsoBatchs on real sockets: the kernel cuts them, and what it can't cut goes message by message."""

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from relay_server.core.address import parse_ip
from relay_server.net import batch as batch_module
from relay_server.net.address import UdpAddress, locate, make_address, pack_targets
from relay_server.net.batch import SEND_BATCH, BatchSocket
from relay_server.net.fanout import MAX_BATCH_BYTES, MAX_BATCH_SEGMENTS, MAX_SEGMENT_BYTES, GsoBatch
from relay_server.net.sending import SendError, Sent
from relay_server.net.sockets import bind_udp, is_wildcard
from services.relay_server.net.full_kernel import FullKernel
from services.relay_server.net.loopback import address_of, dead_address, udp_peer, wait_until_readable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the batch calls are Linux's")

BUFFER_BYTES = 2**20
SO_NO_CHECK = 11
MESSAGES = [b"message %d" % number for number in range(5)]
SIZE = len(MESSAGES[0])
VOLUME = 5 * SIZE


@pytest.fixture(params=["127.0.0.1", "::"])
def batch(request: pytest.FixtureRequest) -> Iterator[BatchSocket]:
    """Bind a batch socket to IPv4's loopback, and one to all addresses, whose answers are pinned to one."""
    chat = BatchSocket(bind_udp(request.param, 0, BUFFER_BYTES), pinned=is_wildcard(request.param))
    yield chat
    chat.close()


def parcel(*targets: UdpAddress, messages: list[bytes] = MESSAGES) -> GsoBatch:
    return b"".join(messages), pack_targets(targets), len(messages[0])


def pinned(address: UdpAddress, ip: str = "127.0.0.1") -> UdpAddress:
    """Let what is sent there leave from an address."""
    return make_address(address[8:24], locate(address).port, local_ip=parse_ip(ip))


def assert_nothing_more(peer: socket.socket) -> None:
    peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.recv(9999)


@pytest.mark.requirement("UDP-04", "CON-02")
@pytest.mark.parametrize(
    ("host", "ip"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.2"), ("::", "::1")]
)
def test_who_gets_a_parcel_receives_its_messages_one_by_one(host: str, ip: str) -> None:
    batch = BatchSocket(bind_udp(host, 0, BUFFER_BYTES), pinned=host == "::")
    messages = [*MESSAGES, b"short"]
    with udp_peer(ip) as ann, udp_peer(ip) as bob:
        everybody = [pinned(address_of(peer), ip) for peer in (ann, bob)]
        sent = batch.send(
            [
                (b"before", pack_targets(everybody), 0),
                parcel(*everybody, messages=messages),
                (b"after", pack_targets(everybody[:1]), 0),
            ]
        )
        assert sent == Sent(2 + 12 + 1, 2 * 6 + 2 * (VOLUME + 5) + 5, [])
        assert [ann.recv(9999) for _ in range(8)] == [b"before", *messages, b"after"]
        heard = [bob.recvfrom(9999) for _ in range(7)]
        assert [data for data, _ in heard] == [b"before", *messages]
        assert {source[0] for _, source in heard} == {ip}
        for peer in (ann, bob):
            assert_nothing_more(peer)
    batch.close()


@pytest.mark.parametrize(
    ("count", "size"), [(MAX_BATCH_SEGMENTS, 5), (MAX_BATCH_BYTES // MAX_SEGMENT_BYTES, MAX_SEGMENT_BYTES)]
)
def test_the_kernel_takes_the_largest_parcels(batch: BatchSocket, count: int, size: int) -> None:
    messages = [bytes([number]) * size for number in range(count)]
    with udp_peer() as peer:
        assert batch.send([parcel(pinned(address_of(peer)), messages=messages)]) == Sent(count, count * size, [])
        assert [peer.recv(9999) for _ in range(count)] == messages


def test_parcels_for_more_targets_than_one_call_takes(batch: BatchSocket) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(udp_peer()) for _ in range(64)]  # each has room for its share
        targets = [pinned(address_of(peers[number % 64])) for number in range(SEND_BATCH + 64)]
        copies = 5 * len(targets)
        assert batch.send([parcel(*targets)]) == Sent(copies, copies * SIZE, [])
        for peer in peers:
            assert [peer.recv(100) for _ in range(5 * 17)] == MESSAGES * 17
            assert_nothing_more(peer)


@pytest.mark.requirement("CON-02", "EVI-03")
def test_a_dead_target_costs_no_live_one_a_message_and_the_first_one_is_quoted(batch: BatchSocket) -> None:
    with udp_peer() as peer:
        live, dead = pinned(address_of(peer)), pinned(dead_address())
        for _ in range(20):
            assert batch.send([parcel(dead, live, dead, live)]) == Sent(20, 4 * VOLUME, [])
            assert [peer.recv(100) for _ in range(10)] == MESSAGES * 2
            list(batch.receive())  # where an error that waits shows itself
            for target, quoted in batch.undelivered():
                assert locate(target).remote == locate(dead).remote
                assert quoted.startswith(MESSAGES[0])


@pytest.mark.requirement("CON-02")
def test_what_the_kernel_can_not_cut_goes_message_by_message(batch: BatchSocket) -> None:
    batch._sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)  # it cuts nothing for who wants no checksums
    with udp_peer() as ann, udp_peer() as bob:
        targets = [pinned(address_of(peer)) for peer in (ann, bob)]
        sent = batch.send([parcel(*targets), (b"after", pack_targets(targets), 0)])
        assert sent == Sent(12, 2 * (VOLUME + 5), [])
        for peer in (ann, bob):
            assert [peer.recv(100) for _ in range(6)] == [*MESSAGES, b"after"]
            assert_nothing_more(peer)
    assert batch.supports_gso  # the next one may be on its way to somewhere else


@pytest.mark.requirement("CON-02")
def test_a_target_that_gets_nothing_fails_once_for_each_message(batch: BatchSocket) -> None:
    nowhere = make_address(parse_ip("127.0.0.1"), 0, local_ip=parse_ip("127.0.0.1"))
    with udp_peer() as peer:
        somewhere = pinned(address_of(peer))
        copies, volume, errors = batch.send([parcel(nowhere, somewhere, nowhere, messages=[*MESSAGES, b"!"])])
        assert [peer.recv(100) for _ in range(6)] == [*MESSAGES, b"!"]
    assert (copies, volume) == (6, VOLUME + 1)
    assert errors == [SendError(nowhere, errno.EINVAL, message) for message in [*MESSAGES, b"!"]] * 2


@pytest.mark.requirement("CON-02")
@pytest.mark.parametrize("reason", [errno.EAGAIN, errno.EPERM, errno.EHOSTUNREACH])
def test_a_refused_parcel_is_as_many_failures_as_messages(
    batch: BatchSocket, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    monkeypatch.setattr(batch_module, "_libc", FullKernel(10**6, reason))
    target = make_address(parse_ip("127.0.0.1"), 5000)
    sent = batch.send([parcel(target), (b"after", pack_targets([target]), 0)])
    assert sent == Sent(0, 0, [SendError(target, reason, message) for message in [*MESSAGES, b"after"]])
    assert batch.supports_gso


def test_an_interface_without_checksums_ends_the_cutting(batch: BatchSocket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "_libc", FullKernel(2, errno.EIO))  # it refuses at once, and when asked again
    with udp_peer() as peer:
        assert batch.send([parcel(pinned(address_of(peer)))]) == Sent(5, VOLUME, [])
        assert [peer.recv(100) for _ in range(5)] == MESSAGES
    assert not batch.supports_gso


def test_a_kernel_that_does_not_know_of_parcels_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "_UDP_SEGMENT", 999)  # as it is for an older kernel
    batch = BatchSocket(bind_udp("127.0.0.1", 0, BUFFER_BYTES), pinned=False)
    assert not batch.supports_gso
    batch.close()


def test_an_error_that_waits_does_not_take_a_parcel_apart(batch: BatchSocket) -> None:
    with udp_peer() as peer:
        batch.send([(b"anybody?", pack_targets([pinned(dead_address())]), 0)])
        wait_until_readable(batch.fileno())
        assert batch.send([parcel(pinned(address_of(peer)))]) == Sent(5, VOLUME, [])
        assert [peer.recv(100) for _ in range(5)] == MESSAGES
