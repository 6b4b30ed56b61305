"""Datagrams in batches: the same suite for the batch calls and for the portable ones."""

import errno
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from relay_server.core.address import parse_ip, show_ip
from relay_server.net import batch as batch_module
from relay_server.net.address import UdpAddress, locate, make_address, pack_targets
from relay_server.net.batch import SEND_BATCH, WAIT_FOR_ROOM_MILLISECONDS, BatchSocket
from relay_server.net.portable import PortableSocket
from relay_server.net.sending import NOTHING_SENT, RECEIVE_BATCH, SendError, Sent
from relay_server.net.sockets import bind_udp, is_wildcard
from services.relay_server.net.full_kernel import FullKernel
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


def send(chat: Chat, *messages: tuple[bytes, list[UdpAddress]]) -> Sent:
    """Send each payload to its targets."""
    return chat.send([(payload, pack_targets(targets), 0) for payload, targets in messages])


def receive(chat: Chat) -> list[tuple[bytes, UdpAddress]]:
    wait_until_readable(chat.fileno())
    return list(chat.receive())


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
        received: list[tuple[bytes, UdpAddress]] = []
        while len(received) < 3:
            received += receive(chat)
    assert [len(data) for data, _ in received] == [6, 4097, 5]
    assert [received[0][0], received[2][0]] == [b"before", b"after"]


def test_nothing_to_receive_is_no_error(open_socket: Open) -> None:
    assert list(open_socket("127.0.0.1").receive()) == []


def test_a_crowd_is_received_in_order_batch_by_batch(open_socket: Open) -> None:
    chat = open_socket("127.0.0.1")
    count = RECEIVE_BATCH + 1
    with udp_peer() as peer:
        for number in range(count):
            peer.sendto(b"%d" % number * (number % 7), ("127.0.0.1", port_bound(chat)))
        batches: list[list[tuple[bytes, UdpAddress]]] = []
        while sum(map(len, batches)) < count:
            batches.append(receive(chat))
        source = address_of(peer)
    assert [len(received) for received in batches] == [RECEIVE_BATCH, 1]
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
        everybody = [_, bob_at, _] = [address_of(peer) for peer in (ann, bob, eve)]
        sent = send(chat, (b"to all", everybody), (b"to none", []), (b"to bob", [bob_at]), (b"x" * 4094, everybody[1:]))
        assert sent == Sent(3 + 1 + 2, 3 * 6 + 6 + 2 * 4094, [])
        assert chat.send([]) == NOTHING_SENT
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
        assert send(chat, (b"first", targets[:16]), (b"hello", targets)) == Sent(copies + 16, (copies + 16) * 5, [])
        for number, peer in enumerate(peers):
            share = len(range(number, copies, 16))
            assert [peer.recv(100) for _ in range(share + 1)] == [b"first"] + [b"hello"] * share
            peer.setblocking(False)
            with pytest.raises(BlockingIOError):
                peer.recv(100)


def test_many_large_messages_are_sent_at_once(open_socket: Open) -> None:
    chat = open_socket("127.0.0.1")
    with ExitStack() as stack:
        peers = [stack.enter_context(udp_peer()) for _ in range(32)]  # each has room for its share
        messages = [b"%03d" % number + b"x" * 4093 for number in range(RECEIVE_BATCH)]
        rows = [[address_of(peers[number % 32])] for number in range(RECEIVE_BATCH)]
        sent = send(chat, *zip(messages, rows, strict=True))
        assert sent == Sent(RECEIVE_BATCH, RECEIVE_BATCH * 4096, [])
        for place, peer in enumerate(peers):
            mine = messages[place::32]
            assert [peer.recv(9999) for _ in mine] == mine


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
        assert locate(source).remote == locate(address_of(peer)).remote
        assert send(chat, (b"answer", [source])) == Sent(1, 6, [])
        answer, answered_from = peer.recvfrom(100)
        assert answer == b"answer"
        if isinstance(chat, BatchSocket):  # fact 11: the very address that was spoken to answers
            assert answered_from[:2] == (spoken_to, port_bound(chat))


def test_an_ipv6_host_serves_ipv6(open_socket: Open) -> None:
    chat = open_socket("::1")
    with udp_peer("::1") as peer:
        peer.sendto(b"hello", ("::1", port_bound(chat)))
        ((_, source),) = receive(chat)
        assert (show_ip(locate(source).ip), source) == ("::1", address_of(peer))
        send(chat, (b"answer", [source]))
        assert peer.recv(100) == b"answer"


@pytest.mark.requirement("CON-02", "EVI-03")
@pytest.mark.parametrize("spread", [1, 2, 5])
def test_dead_targets_cost_no_live_one_its_copy(open_socket: Open, spread: int) -> None:
    chat = open_socket("127.0.0.1")
    with udp_peer() as peer:
        live, dead = address_of(peer), [dead_address() for _ in range(20)]
        heard: list[bytes] = []
        outcomes: set[tuple[object, ...]] = set()
        bounced: set[bytes] = set()
        for number in range(50):
            row = [target for place, corpse in enumerate(dead) for target in (corpse, *[live] * (place % spread == 0))]
            outcomes.add(send(chat, (b"message %02d" % number, row))[:2])
            heard += [peer.recv(100) for target in row if target == live]
            chat.receive()  # where an error that waits shows itself
            bounced.update(locate(error.target).remote for error in chat.undelivered())
        copies = len([place for place in range(20) if place % spread == 0])
        assert outcomes == {(20 + copies, (20 + copies) * len("message 00"))}  # none was refused
        assert heard == [b"message %02d" % number for number in range(50) for _ in range(copies)]
        if isinstance(chat, BatchSocket):
            assert bounced == {locate(corpse).remote for corpse in dead}


@pytest.mark.requirement("EVI-03")
@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_errors_say_who_was_not_reached_and_quote_what_was_sent(batch: BatchSocket, ip: str) -> None:
    message = b"are you there?" * 20
    with udp_peer(ip) as peer:
        dead, live = dead_address(ip), address_of(peer)
        targets = [
            make_address(locate(target).ip, locate(target).port, local_ip=parse_ip(ip)) for target in (dead, live)
        ]
        assert list(batch.undelivered()) == []
        assert send(batch, (message, targets)).copies == 2
        assert peer.recv(1000) == message
        assert receive(batch) == []  # that is how a waiting error shows itself
        ((target, quoted),) = batch.undelivered()
        assert locate(target).remote == locate(dead).remote
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
        copies, volume, errors = send(chat, (b"hello", [far, address_of(peer), none, address_of(peer)]))
        assert [peer.recv(100), peer.recv(100)] == [b"hello", b"hello"]
    assert (copies, volume) == (2, 10)
    assert [(error.target, error.payload) for error in errors] == [(far, b"hello"), (none, b"hello")]
    assert errors[1].reason == errno.EINVAL
    assert errors[0].reason in {errno.EINVAL, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM}


def test_a_refused_datagram_of_many_is_named_exactly(batch: BatchSocket) -> None:
    with udp_peer() as peer:
        here = parse_ip("127.0.0.1")
        somewhere = make_address(here, locate(address_of(peer)).port, local_ip=here)
        nowhere = make_address(here, 0, local_ip=here)
        sent = send(batch, *((b"x" * (number + 1), [somewhere, nowhere]) for number in range(10)))
        assert (sent.copies, sent.volume) == (10, 55)
        assert sent.errors == [SendError(nowhere, errno.EINVAL, b"x" * (number + 1)) for number in range(10)]
        assert [len(peer.recv(100)) for _ in range(10)] == list(range(1, 11))


ICMP = (
    errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENONET, errno.ENOPROTOOPT,
    errno.EOPNOTSUPP, errno.EACCES, errno.EPROTO, errno.EMSGSIZE,
)  # fmt: skip
"""What Linux makes of ICMP errors, of either family."""


@pytest.mark.parametrize(("refusals", "reason"), [(3, errno.EAGAIN), *[(5, reason) for reason in ICMP]])
def test_a_passing_refusal_loses_nothing(
    batch: BatchSocket, monkeypatch: pytest.MonkeyPatch, refusals: int, reason: int
) -> None:
    monkeypatch.setattr(batch_module, "_libc", FullKernel(refusals, reason))
    here = parse_ip("127.0.0.1")
    with udp_peer() as peer:
        target = make_address(here, locate(address_of(peer)).port, local_ip=here)
        assert send(batch, (b"hello", [target] * 3)) == Sent(3, 15, [])
        assert [peer.recv(100) for _ in range(3)] == [b"hello"] * 3


@pytest.mark.parametrize("reason", [errno.EAGAIN, errno.EHOSTUNREACH])
def test_a_kernel_that_goes_on_refusing_costs_one_copy_at_a_time_and_never_hangs(
    batch: BatchSocket, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    monkeypatch.setattr(batch_module, "_libc", FullKernel(10**6, reason))
    here = parse_ip("127.0.0.1")
    targets = [make_address(here, port, local_ip=here) for port in (5000, 5001, 5002)]
    assert send(batch, (b"hello", targets)) == Sent(0, 0, [SendError(target, reason, b"hello") for target in targets])


@pytest.mark.parametrize("reason", [errno.EINVAL, errno.EPERM, errno.EADDRNOTAVAIL, errno.ENOBUFS])
def test_what_no_icmp_error_brings_is_tried_once(
    batch: BatchSocket, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    kernel = FullKernel(2 * 3, reason)
    monkeypatch.setattr(batch_module, "_libc", kernel)
    here = parse_ip("127.0.0.1")
    targets = [make_address(here, port, local_ip=here) for port in (5000, 5001, 5002)]
    assert send(batch, (b"hello", targets)).errors == [SendError(target, reason, b"hello") for target in targets]
    assert kernel.calls == 1 + 3  # the batch, and then each of its datagrams


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
    assert send(batch, (b"hello", [target] * 3)).errors == [SendError(target, errno.EAGAIN, b"hello")] * 3
    assert waits == [WAIT_FOR_ROOM_MILLISECONDS]
    assert send(batch, (b"hello", [target])).copies == 1
    monkeypatch.setattr(batch_module, "_libc", FullKernel(2))
    assert send(batch, (b"hello", [target])).copies == 0
    assert len(waits) == 2  # it had room in between, so waiting is worth another try
