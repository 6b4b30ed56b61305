"""TCP connections over real loopback sockets: one transaction each, and none holds up another."""

import asyncio
import errno
import socket
from itertools import pairwise
from typing import Any

import pytest

from chatproto import EvictionReason, Frame, Operation, State, Status, encode_frame
from chatproto.payloads import Request, encode_request
from relay_server.core import events
from relay_server.core.address import show_ip
from relay_server.net.address import locate
from relay_server.net.sockets import listen_tcp
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import address_of
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.tcp_relay import NEVER, Client, Relay, relay


def request(
    name: str = "ann",
    room: bytes = b"demo",
    operation: int = Operation.CREATE,
    *,
    wants_json: bool = False,
) -> bytes:
    payload = encode_request(Request(name, json_reply=wants_json, plain=not wants_json))
    return encode_frame(Frame(operation, State.REQUEST, room, payload))


ACCEPTED = Frame(Operation.CREATE, State.REPLY, b"demo", b"\0")
COMPLETED = Frame(Operation.CREATE, State.COMPLETION, b"demo", b"token-1")
LISTENING = unlimited(provisional_address=True)
BUSY = bytes((Status.BUSY,))
SPLITS = [(), (1,), (31,), (32,), (33,), (36,), (38,), (1, 2, 3), (10, 20, 30, 37), tuple(range(1, 39))]


@pytest.mark.requirement("TCP-03", "TCP-06", "TCP-07", "TCP-09")
@pytest.mark.parametrize("cuts", SPLITS, ids=len)
def test_a_request_may_come_in_any_pieces(run: Run, cuts: tuple[int, ...]) -> None:
    async def scenario() -> None:
        async with relay() as server, await server.connect() as client:
            data = request()
            edges = [0, *cuts, len(data)]
            for start, end in pairwise(edges):
                await client.send(data[start:end])
                await asyncio.sleep(0)  # the relay may read the piece by itself
            assert [await client.frame(), await client.frame()] == [ACCEPTED, COMPLETED]
            assert await client.at_end()
            assert server.statuses == [(Operation.CREATE, Status.OK)]
            assert len(server.durations) == 1
            assert server.flushes == 1

    run(scenario)


def test_a_relay_on_a_kernel_without_ipv6_knows_its_peers_as_any_other_does(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_socket(family: int, kind: int, protocol: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "")
        return real(family, kind, protocol)

    real = socket.socket
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", make_socket)
        sock = listen_tcp("", 0)

    async def scenario() -> None:
        async with relay(LISTENING, sock=sock) as server, await server.connect() as client:
            await client.send(request())
            assert await client.frame() == ACCEPTED
            (member,) = server.registry.rooms[b"demo"].members
            assert show_ip(member.ip) == "127.0.0.1"
            heard_at = locate(address_of(member))
            assert (show_ip(heard_at.ip), heard_at.port) == client.sock.getsockname()
            assert heard_at.local_ip == member.ip

    run(scenario)


@pytest.mark.requirement("TCP-08")
def test_a_plain_client_gets_each_frame_by_itself(run: Run) -> None:
    async def scenario() -> None:
        async with relay(completion_pause_seconds=0.05) as server, await server.connect() as client:
            await client.send(request())
            assert [await client.recv(), await client.recv()] == [encode_frame(ACCEPTED), encode_frame(COMPLETED)]
            assert await client.at_end()

    run(scenario)


@pytest.mark.requirement("TCP-08")
def test_the_token_waits_for_the_pause(run: Run) -> None:
    async def scenario() -> None:
        async with relay(completion_pause_seconds=NEVER) as server:
            client = await server.connect()
            await client.send(request())
            assert await client.recv() == encode_frame(ACCEPTED)
            async with await server.connect() as other:  # a client that asks for JSON needn't wait
                await other.send(request("bob", operation=Operation.JOIN, wants_json=True))
                assert [(await other.frame()).state for _ in range(2)] == [State.REPLY, State.COMPLETION]
            client.sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.sock.recv(1)
            client.sock.close()

    run(scenario)


def test_who_goes_before_its_token_came_was_never_there(run: Run) -> None:
    async def scenario() -> None:
        async with relay(completion_pause_seconds=NEVER) as server:
            client = await server.connect()
            await client.send(request())
            assert await client.frame() == ACCEPTED
            assert server.registry.rooms
            flushes = server.flushes
            client.reset()
            await until(lambda: not server.port.connections)
            assert not server.registry.rooms
            assert server.flushes == flushes + 1  # the others hear of it
            assert server.events[-1] == events.RoomClosed("demo", EvictionReason.HOST_LEFT)
            assert server.port.aborted == 0

    run(scenario)


@pytest.mark.requirement("TCP-09", "LEN-02")
@pytest.mark.parametrize("when", ["with the request", "during the pause", "after the token", "byte by byte"])
def test_a_client_may_name_its_udp_port(run: Run, when: str) -> None:
    async def scenario() -> None:
        pause = 0.05 if when == "during the pause" else 0.0
        async with relay(LISTENING, completion_pause_seconds=pause) as server, await server.connect() as client:
            hint = (40_000).to_bytes(2, "big")
            await client.send(request() + (hint if when == "with the request" else b""))
            assert await client.frame() == ACCEPTED
            if when == "during the pause":
                await client.send(hint)
            assert await client.frame() == COMPLETED
            if when == "after the token":
                await client.send(hint)
            if when == "byte by byte":
                await client.send(hint[:1])
                await asyncio.sleep(0)
                await client.send(hint[1:])
            assert await client.at_end()
            await until(lambda: not server.port.connections)  # it needn't linger
            assert provisional_port(server) == 40_000

    run(scenario)


def provisional_port(server: Relay) -> int:
    (session,) = server.registry.sessions_by_token.values()
    address = address_of(session.member)
    assert address
    assert show_ip(address[8:24]) == show_ip(address[48:64]) == "127.0.0.1"  # answers leave from where it connected
    return locate(address).port


@pytest.mark.requirement("LEN-02")
@pytest.mark.parametrize("hint", [b"", b"\x9c", b"\0\0", b"\x9c\x40\x01"])
def test_without_a_legal_port_the_connections_own_stays(run: Run, hint: bytes) -> None:
    async def scenario() -> None:
        async with relay(LISTENING) as server, await server.connect() as client:
            await client.send(request())
            assert [await client.frame(), await client.frame()] == [ACCEPTED, COMPLETED]
            await client.send(hint)
            own: int = client.sock.getsockname()[1]
            client.sock.close()
            await until(lambda: not server.port.connections)
            assert provisional_port(server) == own

    run(scenario)


@pytest.mark.requirement("TCP-03")
@pytest.mark.parametrize("sent", [b"", request()[:1], request()[:31], request()[:-1]], ids=len)
def test_a_request_that_is_not_whole_in_time_is_refused(run: Run, sent: bytes) -> None:
    async def scenario() -> None:
        async with relay(transaction_timeout_seconds=0.05) as server, await server.connect() as client:
            await client.send(sent)
            frame = await client.frame()
            assert (frame.state, frame.payload) == (State.REPLY, bytes((Status.MALFORMED,)))
            assert await client.at_end()
            assert not server.registry.rooms

    run(scenario)


@pytest.mark.requirement("TCP-03")
def test_the_deadline_is_for_the_request_not_for_the_pause(run: Run) -> None:
    async def scenario() -> None:
        limits = relay(transaction_timeout_seconds=0.05, completion_pause_seconds=0.15)
        async with limits as server, await server.connect() as client:
            await client.send(request())
            assert [await client.frame(), await client.frame()] == [ACCEPTED, COMPLETED]

    run(scenario)


@pytest.mark.parametrize("wants_json", [True, False])
@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_a_client_may_end_its_sending_side_after_the_request(run: Run, wants_json: bool, pause: float) -> None:
    async def scenario() -> None:
        async with relay(completion_pause_seconds=pause) as server, await server.connect() as client:
            await client.send(request(wants_json=wants_json))
            client.sock.shutdown(socket.SHUT_WR)
            assert [(await client.frame()).state for _ in range(2)] == [State.REPLY, State.COMPLETION]
            assert await client.at_end()
            assert len(server.registry.sessions_by_token) == 1

    run(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_who_goes_without_reading_its_token_was_never_there(run: Run, pause: float) -> None:
    async def scenario() -> None:
        faults: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with relay(completion_pause_seconds=pause) as server:
            client = await server.connect()
            await client.send(request(wants_json=not pause))
            if pause:
                assert await client.frame() == ACCEPTED
            client.sock.close()  # which says no more than that nothing follows; the token will meet a closed socket
            await until(lambda: server.events)
            await until(lambda: not server.port.connections)
            assert not server.registry.rooms
            assert server.events[-1] == events.RoomClosed("demo", EvictionReason.HOST_LEFT)
        assert faults == []

    run(scenario)


def test_who_reads_its_token_and_goes_at_once_is_a_member(run: Run) -> None:
    async def scenario() -> None:
        async with relay() as server:
            for number in range(20):
                client = await server.connect()
                await client.send(request(room=b"room-%d" % number))
                assert [(await client.frame()).state for _ in range(2)] == [State.REPLY, State.COMPLETION]
                client.sock.close()
            await until(lambda: not server.port.connections)
            assert len(server.registry.rooms) == 20

    run(scenario)


@pytest.mark.parametrize("sent", [b"", request()[:20]])
def test_who_ends_before_a_whole_request_is_counted_and_gone(run: Run, sent: bytes) -> None:
    async def scenario() -> None:
        async with relay() as server, await server.connect() as client:
            await client.send(sent)
            client.sock.shutdown(socket.SHUT_WR)
            assert await client.at_end()
            await until(lambda: not server.port.connections)
            assert server.port.aborted == 1
            assert server.statuses == []

    run(scenario)


@pytest.mark.requirement("TCP-02", "TCP-06")
def test_a_refusal_arrives_although_the_client_still_sends(run: Run) -> None:
    async def scenario() -> None:
        async with relay() as server, await server.connect() as client:
            header = encode_frame(Frame(Operation.CREATE, State.REQUEST, b"demo", b"x" * 100_000))
            await client.send(header)
            await client.send(b"x" * 100_000)
            frame = await client.frame()
            assert (frame.operation, frame.payload) == (Operation.CREATE, bytes((Status.PAYLOAD_TOO_LARGE,)))
            await client.send(b"x" * 1000)  # it is still being read
            assert await client.at_end()
            assert server.statuses == [(Operation.CREATE, Status.PAYLOAD_TOO_LARGE)]
            assert not server.registry.rooms

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("TCP-06")
def test_a_connection_that_lingers_is_closed_at_last(run: Run) -> None:
    async def scenario() -> None:
        async with relay() as server, await server.connect() as client:
            await client.send(request(operation=Operation.JOIN))
            assert (await client.frame()).payload == bytes((Status.NO_SUCH_ROOM,))
            assert await client.at_end()
            await until(lambda: not server.port.connections)  # although the client never closes

    run(scenario)


@pytest.mark.requirement("ROOM-05")
@pytest.mark.parametrize("other_ip", ["127.0.0.2", "::1"])
def test_an_address_may_have_so_many_under_way(run: Run, other_ip: str) -> None:
    async def scenario() -> None:
        async with relay(max_transactions_per_address=3) as server:
            idle = [await server.connect() for _ in range(3)]
            await until(lambda: len(server.port.connections) == 3)
            async with await server.connect() as late:
                assert (await late.frame()).payload == BUSY
                assert await late.at_end()
            async with await server.connect(other_ip) as other:
                await other.send(request())
                assert await other.frame() == ACCEPTED
            for client in idle:
                client.sock.close()
            await until(lambda: not server.port.connections)
            async with await server.connect() as again:
                await again.send(request("ann", b"again"))
                assert (await again.frame()).payload == bytes((Status.OK,))

    run(scenario)


@pytest.mark.requirement("ROOM-05")
def test_who_keeps_the_relay_waiting_longest_yields(run: Run) -> None:
    async def scenario() -> None:
        async with relay(max_transactions=3) as server:
            slow: list[Client] = []
            for _ in range(5):
                slow.append(await server.connect())
                await slow[-1].send(request()[:20])
                await until(lambda: len(server.port.connections) == min(len(slow), 3))
            for pushed_out in slow[:2]:
                assert (await pushed_out.frame()).payload == BUSY
                assert await pushed_out.at_end()
            async with await server.connect() as honest:
                await honest.send(request())
                assert [await honest.frame(), await honest.frame()] == [ACCEPTED, COMPLETED]
                assert (await slow[2].frame()).payload == BUSY
                async with await server.connect() as next_one:  # whoever has an answer yields before who still waits
                    await next_one.send(request(room=b"other"))
                    assert (await next_one.frame()).payload == bytes((Status.OK,))
            await slow[4].send(request(room=b"slow")[20:])
            assert (await slow[4].frame()).payload == bytes((Status.OK,))
            for client in slow:
                client.sock.close()

    run(scenario)


@pytest.mark.requirement("ROOM-05")
def test_while_all_are_at_work_a_newcomer_is_told_at_once(run: Run) -> None:
    async def scenario() -> None:
        async with relay(max_transactions=1, completion_pause_seconds=NEVER) as server:
            at_work = await server.connect()
            await at_work.send(request())
            assert await at_work.frame() == ACCEPTED
            for _ in range(3):
                async with await server.connect() as late:
                    assert (await late.frame()).payload == BUSY
                    assert await late.at_end()
            assert len(server.port.connections) == 1
            at_work.reset()
            await until(lambda: not server.port.connections)

    run(scenario)


def test_a_port_that_closes_cuts_who_is_connected(run: Run) -> None:
    async def scenario() -> None:
        async with relay() as server, await server.connect() as client:
            await until(lambda: server.port.connections)
            server.port.close()
            assert await client.recv() == b""
            await until(lambda: not server.port.connections)
            with pytest.raises(ConnectionRefusedError):
                await server.connect()

    run(scenario)


def test_idle_connections_hold_up_nobody(run: Run) -> None:
    async def scenario() -> None:
        async with relay() as server:
            idle = [await server.connect() for _ in range(50)]
            for number, client in enumerate(idle):
                await client.send(b"\x04\x01\x00"[: number % 4])
            async with await server.connect() as client:
                await client.send(request())
                assert [await client.frame(), await client.frame()] == [ACCEPTED, COMPLETED]
            for other in idle:
                other.sock.close()

    run(scenario)
