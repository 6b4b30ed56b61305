"""Datagrams in batches: the same suite for the batch calls and for the portable ones."""

import ctypes
import errno
import select
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from relay_server.core.address import (
    Address,
    ip_of,
    make_address,
    pack_targets,
    parse_ip,
    port_of,
    remote_of,
    show_ip,
)
from relay_server.net import batch as batch_module
from relay_server.net.batch import (
    RECEIVE_BATCH,
    SEND_BATCH,
    WAIT_FOR_ROOM_MILLISECONDS,
    BatchSocket,
    SendError,
)
from relay_server.net.portable import PortableSocket
from relay_server.net.sockets import bind_udp, is_wildcard
from services.relay_server.net.loopback import address_of, dead_address, udp_peer, wait_until_readable

BUFFER_BYTES = 2**20
Chat = BatchSocket | PortableSocket
Open = Callable[[str], Chat]


@pytest.fixture(params=["batch", "portable"])
def open_socket(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Return a function that binds a socket of either kind to a host."""
    opened: list[Chat] = []

    def open_it(host: str) -> Chat:
        raw = bind_udp(host, 0, BUFFER_BYTES)
        kind = request.param
        opened.append(BatchSocket(raw, pinned=is_wildcard(host)) if kind == "batch" else PortableSocket(raw))
        return opened[-1]

    if request.param == "batch" and sys.platform != "linux":
        pytest.skip("the batch calls are Linux's")
    yield open_it
    for chat in opened:
        chat.close()


@pytest.fixture
def batch() -> Iterator[BatchSocket]:
    """Bind a batch socket to all addresses."""
    if sys.platform != "linux":
        pytest.skip("the batch calls are Linux's")
    chat = BatchSocket(bind_udp("::", 0, BUFFER_BYTES), pinned=True)
    yield chat
    chat.close()


def port_bound(chat: Chat) -> int:
    port: int = chat._sock.getsockname()[1]
    return port


def receive(chat: Chat) -> list[tuple[bytes, Address]]:
    wait_until_readable(chat.fileno())
    return chat.receive()


@pytest.mark.parametrize("size", [0, 1, 4095, 4096])
def test_a_datagram_comes_whole_with_its_source(open_socket: Open, size: int) -> None:
    chat = open_socket("127.0.0.1")
    data = bytes(number % 251 for number in range(size))
    with udp_peer() as peer:
        peer.sendto(data, ("127.0.0.1", port_bound(chat)))
        assert receive(chat) == [(data, address_of(peer))]


@pytest.mark.requirement("UDP-01", "LOB-01")
@pytest.mark.parametrize("size", [4097, 5000, 65_000])
def test_an_oversized_datagram_can_be_told_and_disturbs_no_other(open_socket: Open, size: int) -> None:
    chat = open_socket("127.0.0.1")
    with udp_peer() as peer:
        for data in (b"before", b"x" * size, b"after"):
            peer.sendto(data, ("127.0.0.1", port_bound(chat)))
        received: list[tuple[bytes, Address]] = []
        while len(received) < 3:
            received += receive(chat)
    assert [len(data) for data, _ in received] == [6, 4097, 5]
    assert [received[0][0], received[2][0]] == [b"before", b"after"]


def test_nothing_to_receive_is_no_error(open_socket: Open) -> None:
    assert open_socket("127.0.0.1").receive() == []


def test_a_crowd_is_received_in_order_batch_by_batch(open_socket: Open) -> None:
    chat = open_socket("127.0.0.1")
    count = RECEIVE_BATCH * 2 + 1
    with udp_peer() as peer:
        for number in range(count):
            peer.sendto(b"%d" % number * (number % 7), ("127.0.0.1", port_bound(chat)))
        batches: list[list[tuple[bytes, Address]]] = []
        while sum(map(len, batches)) < count:
            batches.append(receive(chat))
        source = address_of(peer)
    assert [len(received) for received in batches] == [RECEIVE_BATCH, RECEIVE_BATCH, 1]
    everything = [datagram for received in batches for datagram in received]
    assert everything == [(b"%d" % number * (number % 7), source) for number in range(count)]


def test_a_short_datagram_after_a_long_one_keeps_nothing_of_it(open_socket: Open) -> None:
    chat = open_socket("127.0.0.1")
    with udp_peer() as peer:
        for data in (b"x" * 4096, b"", b"y"):
            peer.sendto(data, ("127.0.0.1", port_bound(chat)))
            assert receive(chat)[0][0] == data


def test_several_messages_go_to_several_targets_each(open_socket: Open) -> None:
    chat = open_socket("127.0.0.1")
    with udp_peer() as ann, udp_peer("127.0.0.2") as bob, udp_peer() as eve:
        everybody = [address_of(peer) for peer in (ann, bob, eve)]
        errors = chat.queue(b"to all", pack_targets(everybody))
        errors += chat.queue(b"to none", b"")
        errors += chat.queue(b"to bob", pack_targets(everybody[1:2]))
        errors += chat.queue(b"x" * 4094, pack_targets(everybody[1:]))
        assert errors + chat.flush() == []
        assert chat.flush() == []
        assert [bob.recv(9999) for _ in range(3)] == [b"to all", b"to bob", b"x" * 4094]
        assert [eve.recv(9999) for _ in range(2)] == [b"to all", b"x" * 4094]
        assert ann.recv(9999) == b"to all"
        for peer in (ann, bob, eve):
            peer.setblocking(False)
            with pytest.raises(BlockingIOError):
                peer.recv(9999)


@pytest.mark.parametrize("copies", [SEND_BATCH - 1, SEND_BATCH, SEND_BATCH + 1, 2 * SEND_BATCH + 7])
def test_a_room_may_be_larger_than_one_system_call_takes(open_socket: Open, copies: int) -> None:
    chat = open_socket("127.0.0.1")
    with ExitStack() as stack:
        peers = [stack.enter_context(udp_peer()) for _ in range(16)]  # each has room for its share
        targets = [address_of(peers[number % 16]) for number in range(copies)]
        assert chat.queue(b"first", pack_targets(targets[:16])) == []
        assert chat.queue(b"hello", pack_targets(targets)) == []
        assert chat.flush() == []
        for number, peer in enumerate(peers):
            share = len(range(number, copies, 16))
            assert [peer.recv(100) for _ in range(share + 1)] == [b"first"] + [b"hello"] * share
            peer.setblocking(False)
            with pytest.raises(BlockingIOError):
                peer.recv(100)


def test_payloads_that_fill_the_buffer_are_sent_before_the_next(open_socket: Open) -> None:
    chat = open_socket("127.0.0.1")
    with udp_peer() as peer, udp_peer() as other:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**21)
        row = pack_targets([address_of(peer)])
        heard = []
        for number in range(100):
            assert chat.queue(b"%02d" % number + b"x" * 4090, row) == []
            if number % 20 == 19:
                assert chat.queue(b"pause", pack_targets([address_of(other)])) == []
                assert chat.flush() == []
                heard += [peer.recv(9999)[:2] for _ in range(20)]
        assert heard == [b"%02d" % number for number in range(100)]


@pytest.mark.parametrize(
    ("host", "spoken_to"),
    [
        *[(host, spoken_to) for host in ("::", "*", "") for spoken_to in ("127.0.0.1", "127.9.9.9", "::1")],
        ("0.0.0.0", "127.0.0.2"),  # IPv4 alone
    ],
)
def test_a_wildcard_serves_each_family_from_the_address_spoken_to(open_socket: Open, host: str, spoken_to: str) -> None:
    chat = open_socket(host)
    with udp_peer("::1" if ":" in spoken_to else "127.0.0.1") as peer:
        peer.sendto(b"hello", (spoken_to, port_bound(chat)))
        ((data, source),) = receive(chat)
        assert data == b"hello"
        assert remote_of(source) == remote_of(address_of(peer))
        assert chat.queue(b"answer", pack_targets([source])) + chat.flush() == []
        answer, answered_from = peer.recvfrom(100)
        assert answer == b"answer"
        if isinstance(chat, BatchSocket):  # fact 11: the very address that was spoken to answers
            assert answered_from[:2] == (spoken_to, port_bound(chat))


def test_an_ipv6_host_serves_ipv6(open_socket: Open) -> None:
    chat = open_socket("::1")
    with udp_peer("::1") as peer:
        peer.sendto(b"hello", ("::1", port_bound(chat)))
        ((_, source),) = receive(chat)
        assert (show_ip(ip_of(source)), source) == ("::1", address_of(peer))
        chat.queue(b"answer", pack_targets([source]))
        chat.flush()
        assert peer.recv(100) == b"answer"


@pytest.mark.requirement("CON-02", "EVI-03")
@pytest.mark.parametrize("spread", [1, 2, 5])
def test_dead_targets_cost_no_live_one_its_copy(open_socket: Open, spread: int) -> None:
    chat = open_socket("127.0.0.1")
    with udp_peer() as peer:
        live, dead = address_of(peer), [dead_address() for _ in range(20)]
        heard: list[bytes] = []
        refused: list[SendError] = []
        bounced: set[bytes] = set()
        for number in range(50):
            row = [target for place, corpse in enumerate(dead) for target in (corpse, *[live] * (place % spread == 0))]
            refused += chat.queue(b"message %02d" % number, pack_targets(row)) + chat.flush()
            heard += [peer.recv(100) for target in row if target == live]
            chat.receive()  # where an error that waits shows itself
            bounced.update(remote_of(error.target) for error in chat.undelivered())
        assert refused == []
        copies = len([place for place in range(20) if place % spread == 0])
        assert heard == [b"message %02d" % number for number in range(50) for _ in range(copies)]
        if isinstance(chat, BatchSocket):
            assert bounced == {remote_of(corpse) for corpse in dead}


@pytest.mark.requirement("EVI-03")
@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_errors_say_who_was_not_reached_and_quote_what_was_sent(batch: BatchSocket, ip: str) -> None:
    message = b"are you there?" * 20
    with udp_peer(ip) as peer:
        dead, live = dead_address(ip), address_of(peer)
        targets = [make_address(ip_of(target), port_of(target), local_ip=parse_ip(ip)) for target in (dead, live)]
        assert list(batch.undelivered()) == []
        assert batch.queue(message, pack_targets(targets)) + batch.flush() == []
        assert peer.recv(1000) == message
        assert receive(batch) == []  # that is how a waiting error shows itself
        ((target, quoted),) = batch.undelivered()
        assert remote_of(target) == remote_of(dead)
        assert message.startswith(quoted)
        assert len(quoted) >= 64
        assert list(batch.undelivered()) == []
        peer.sendto(b"still hearing", (ip, port_bound(batch)))
        assert [data for data, _ in receive(batch)] == [b"still hearing"]


def test_what_cannot_be_sent_is_named_with_its_reason(open_socket: Open) -> None:
    chat = open_socket("127.0.0.1")
    with udp_peer() as peer:
        # A socket on a loopback address reaches nothing beyond it.
        far = make_address(parse_ip("192.0.2.1"), 9)
        none = make_address(parse_ip("127.0.0.1"), 0)
        row = pack_targets([far, address_of(peer), none, address_of(peer)])
        errors = chat.queue(b"hello", row) + chat.flush()
        assert [peer.recv(100), peer.recv(100)] == [b"hello", b"hello"]
    assert [(error.target, error.size) for error in errors] == [(far, 5), (none, 5)]
    assert errors[1].reason == errno.EINVAL
    assert errors[0].reason in {errno.EINVAL, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM}


def test_a_refused_datagram_of_many_is_named_exactly(batch: BatchSocket) -> None:
    with udp_peer() as peer:
        here = parse_ip("127.0.0.1")
        somewhere = make_address(here, port_of(address_of(peer)), local_ip=here)
        nowhere = make_address(here, 0, local_ip=here)
        for number in range(10):
            batch.queue(b"x" * (number + 1), pack_targets([somewhere, nowhere]))
        errors = batch.flush()
        assert errors == [SendError(nowhere, errno.EINVAL, number + 1) for number in range(10)]
        assert [len(peer.recv(100)) for _ in range(10)] == list(range(1, 11))


class FullKernel:
    """Stands between a batch socket and the kernel, and lets it refuse datagrams as a full send buffer does.

    Loopback takes every datagram off the sender's buffer at once, so a real one never fills up there.
    """

    def __init__(self, refusals: int, reason: int = errno.EAGAIN) -> None:
        self._refusals = refusals
        self._reason = reason

    def sendmmsg(self, fd: int, headers: int, count: int, flags: int) -> int:
        if self._refusals:
            self._refusals -= 1
            ctypes.set_errno(self._reason)
            return -1
        sent: int = KERNEL.sendmmsg(fd, headers, count, flags)
        return sent


KERNEL = batch_module._libc


@pytest.mark.parametrize(("refusals", "reason"), [(3, errno.EAGAIN), (1, errno.ECONNREFUSED), (5, errno.EHOSTUNREACH)])
def test_a_passing_refusal_loses_nothing(
    batch: BatchSocket, monkeypatch: pytest.MonkeyPatch, refusals: int, reason: int
) -> None:
    monkeypatch.setattr(batch_module, "_libc", FullKernel(refusals, reason))
    here = parse_ip("127.0.0.1")
    with udp_peer() as peer:
        target = make_address(here, port_of(address_of(peer)), local_ip=here)
        batch.queue(b"hello", pack_targets([target] * 3))
        assert batch.flush() == []
        assert [peer.recv(100) for _ in range(3)] == [b"hello"] * 3


@pytest.mark.parametrize("reason", [errno.EAGAIN, errno.EHOSTUNREACH])
def test_a_kernel_that_goes_on_refusing_costs_one_copy_at_a_time_and_never_hangs(
    batch: BatchSocket, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    monkeypatch.setattr(batch_module, "_libc", FullKernel(10**6, reason))
    here = parse_ip("127.0.0.1")
    targets = [make_address(here, port, local_ip=here) for port in (5000, 5001, 5002)]
    batch.queue(b"hello", pack_targets(targets))
    assert batch.flush() == [SendError(target, reason, 5) for target in targets]


def test_after_waiting_in_vain_for_room_the_rest_is_refused_at_once(
    batch: BatchSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []

    class NoRoom:
        def register(self, fd: int, events: int) -> None: ...

        def poll(self, milliseconds: int) -> list[tuple[int, int]]:
            waits.append(milliseconds)
            return []

    monkeypatch.setattr(select, "poll", NoRoom)
    monkeypatch.setattr(batch_module, "_libc", FullKernel(1 + 3))
    here = parse_ip("127.0.0.1")
    target = make_address(here, 9, local_ip=here)
    batch.queue(b"hello", pack_targets([target] * 3))
    assert batch.flush() == [SendError(target, errno.EAGAIN, 5)] * 3
    assert waits == [WAIT_FOR_ROOM_MILLISECONDS]
    batch.queue(b"hello", pack_targets([target]))
    assert batch.flush() == []
    monkeypatch.setattr(batch_module, "_libc", FullKernel(2))
    batch.queue(b"hello", pack_targets([target]))
    assert len(batch.flush()) == 1
    assert len(waits) == 2  # it had room in between, so waiting is worth another try
