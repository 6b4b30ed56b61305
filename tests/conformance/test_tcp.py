"""Create and join over TCP: frames, forms of payload, statuses, endings."""

import json
import socket
import time

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Listener, People, ask, call, half_request, status_of
from conformance.relays import RESTRICTED, Relay
from ports import free_ports

pytestmark = pytest.mark.level("extension")


def create(room: bytes, payload: bytes, state: int = wire.REQUEST) -> bytes:
    return wire.frame(wire.CREATE, state, room, payload)


def join(room: bytes, payload: bytes) -> bytes:
    return wire.frame(wire.JOIN, wire.REQUEST, room, payload)


def nowhere(payload: bytes) -> bytes:
    """Ask for a room that doesn't exist: a good request gets status 2 and leaves nothing behind."""
    return join(b"no such room, ever", payload)


@pytest.mark.requirement("TCP-01", "TCP-04", "TCP-06", "TCP-07")
def test_create_and_join_reply_with_status_0_and_a_token(relay: Relay, people: People, room: bytes) -> None:
    people.create(room, b"ann")
    with call(relay) as connection:
        connection.sendall(join(room, b"bob"))
        reply, completion, *more = wire.read_frames(connection)
    assert reply == wire.Frame(wire.JOIN, wire.REPLY, room, b"\0")
    assert completion[:3] == (wire.JOIN, wire.COMPLETION, room)
    assert 0 < len(completion.payload) <= 255
    assert not more
    bob = people.listener(relay.udp_port, people.local)
    bob.send(wire.chat(room, completion.payload, b"/leave"))


@pytest.mark.requirement("TCP-04")
def test_create_echoes_its_own_operation(relay: Relay, people: People, room: bytes) -> None:
    people.create(room, b"ann")
    assert ask(relay, create(room, b"bob")) == [wire.Frame(wire.CREATE, wire.REPLY, room, b"\1")]


@pytest.mark.parametrize("name", ["r", "r" * 255, "é" * 127 + "e", "漢" * 85, " a: b ", "server", "❤\ufe0f", "[*@#"])
@pytest.mark.requirement("TCP-02")
def test_room_names_up_to_255_bytes_are_taken(relay: Relay, name: str) -> None:
    assert status_of(relay, join(name.encode(), b"ann")) == wire.NO_SUCH_ROOM


INVISIBLE = ["a\u202eb", "a\u200bb", "a\u3164b", "\u2800", "a\ufe0fb", "\ue000", "\u0378", "Z" + 5 * "\u0335"]


@pytest.mark.parametrize("name", [b"", b"\xff\xfe", b"a\nb", b"a\0", b"\xed\xa0\x80", *map(str.encode, INVISIBLE)])
@pytest.mark.requirement("TCP-02")
def test_room_names_that_cannot_be_used_are_refused(relay: Relay, name: bytes) -> None:
    assert ask(relay, create(name, b"ann")) == [wire.Frame(wire.CREATE, wire.REPLY, name, bytes([wire.BAD_NAME]))]


@pytest.mark.parametrize("size", [2**29, 2**29 + 1, 2**31, 2**63, 2**64, 2**232 - 1])
@pytest.mark.requirement("TCP-02", "TCP-06")
def test_a_payload_too_large_is_refused_from_the_header_alone(relay: Relay, size: int) -> None:
    header = wire.header(3, wire.CREATE, wire.REQUEST, size.to_bytes(29, "big"))
    (reply,) = ask(relay, header)
    assert reply == wire.Frame(wire.CREATE, wire.REPLY, b"", bytes([wire.PAYLOAD_TOO_LARGE]))


@pytest.mark.requirement("TCP-02", "TCP-06")
def test_a_refusal_reaches_a_client_that_is_still_sending(relay: Relay) -> None:
    request = wire.header(3, wire.CREATE, wire.REQUEST, (2**20).to_bytes(29, "big")) + b"lab" + bytes(2**18)
    (reply,) = ask(relay, request)
    assert reply.payload == bytes([wire.PAYLOAD_TOO_LARGE])


@pytest.mark.requirement("TCP-02")
def test_a_payload_up_to_the_relays_limit_is_accepted(start_relay: StartRelay) -> None:
    relay = start_relay().relay
    padded = json.dumps({"username": "ann", "padding": ""}).encode()
    largest = padded[:-2] + b"x" * (4096 - len(padded)) + padded[-2:]
    assert status_of(relay, nowhere(largest)) == wire.NO_SUCH_ROOM
    assert status_of(relay, nowhere(largest + b" ")) == wire.PAYLOAD_TOO_LARGE


@pytest.mark.requirement("TCP-02")
def test_an_empty_payload_is_an_empty_name(relay: Relay) -> None:
    assert status_of(relay, nowhere(b"")) == wire.BAD_NAME


@pytest.mark.requirement("TCP-03")
def test_a_request_may_arrive_byte_by_byte(relay: Relay) -> None:
    with call(relay) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each byte in its own segment
        for byte in nowhere(b"ann"):
            connection.sendall(bytes([byte]))
        (reply,) = wire.read_frames(connection)
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


@pytest.mark.parametrize("sent", [b"", b"\3", bytes(32)[:31], create(b"lab", b"ann")[:-1]])
@pytest.mark.requirement("TCP-03")
def test_an_incomplete_request_is_refused_at_its_deadline(start_relay: StartRelay, sent: bytes) -> None:
    with call(start_relay(transaction_timeout_seconds=0.5).relay) as connection:
        connection.sendall(sent)
        (reply,) = wire.read_frames(connection)
    assert (reply.state, reply.payload) == (wire.REPLY, bytes([wire.MALFORMED]))


@pytest.mark.requirement("TCP-03")
def test_the_deadline_is_for_the_whole_request_not_for_each_read(start_relay: StartRelay) -> None:
    with call(start_relay(transaction_timeout_seconds=0.5).relay) as connection:
        connection.settimeout(0.1)
        for _ in range(100):
            connection.sendall(b"\1")
            try:
                answered = connection.recv(1)
            except TimeoutError:
                continue
            assert answered
            return
    pytest.fail("The relay waited for as long as bytes came.")


@pytest.mark.parametrize("operation", [0, 3, 4, 0x16, 0x47, 128, 255])
@pytest.mark.requirement("TCP-04")
def test_an_unknown_operation_is_not_supported(relay: Relay, operation: int) -> None:
    (reply,) = ask(relay, wire.frame(operation, wire.REQUEST, b"lab", b"ann"))
    assert reply == wire.Frame(operation, wire.REPLY, b"lab", bytes([wire.NOT_SUPPORTED]))


@pytest.mark.parametrize("state", [2, 3, 128, 255])
@pytest.mark.requirement("TCP-04")
def test_a_request_in_a_wrong_state_is_malformed(relay: Relay, state: int) -> None:
    assert status_of(relay, create(b"lab", b"ann", state)) == wire.MALFORMED


@pytest.mark.parametrize(
    "payload",
    [
        b"ann",
        b'"ann"',
        b' \n"ann"',
        b'{"username":"ann"}',
        b'{"user_name":"ann"}',
        b'\t{"userName":"ann"}',
        b'{"username":"ann","password":null}',
        b'{"username":"ann","password":"","colour":["red"]}',
        b'{"username":"","username":"ann"}',
        '{"username":"漢字"}'.encode(),
    ],
)
@pytest.mark.requirement("TCP-05")
def test_every_form_of_request_is_understood(relay: Relay, payload: bytes) -> None:
    assert status_of(relay, nowhere(payload)) == wire.NO_SUCH_ROOM


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"{}",
        b'"ann',
        b'{"username":5}',
        b'{"name":"ann"}',
        b'{"username":"ann","password":5}',
        b'{"username":"ann"}x',
        b'{"username":' + b"[" * 3000,
    ],
)
@pytest.mark.requirement("TCP-05")
def test_invalid_json_payloads_are_malformed(relay: Relay, payload: bytes) -> None:
    assert status_of(relay, nowhere(payload)) == wire.MALFORMED


@pytest.mark.requirement("TCP-06")
def test_a_json_reply_says_status_reason_and_message(relay: Relay) -> None:
    for payload, status, reason in (
        (b'{"username":"ann","reply":"json"}', wire.NO_SUCH_ROOM, "no_such_room"),
        (b'{"username":"a:b","reply":"json"}', wire.BAD_NAME, "bad_name"),
    ):
        (reply,) = ask(relay, nowhere(payload))
        answer = json.loads(reply.payload)
        assert (answer["status"], answer["reason"]) == (status, reason)
        assert answer["message"]


@pytest.mark.requirement("TCP-06")
def test_after_a_refusal_the_relay_ends_the_connection_whatever_still_comes(relay: Relay) -> None:
    with call(relay) as connection:
        connection.sendall(nowhere(b"ann"))
        assert wire.read_frame(connection)
        assert connection.recv(1) == b""  # its end is the only way on


@pytest.mark.parametrize("operation", [wire.CREATE, wire.JOIN])
@pytest.mark.requirement("TCP-06", "TCP-07", "ROOM-03")
def test_a_json_completion_has_the_token_and_all_other_fields(
    relay: Relay, people: People, room: bytes, operation: int
) -> None:
    if operation == wire.JOIN:
        people.create(room, b"ann")
    request = wire.frame(operation, wire.REQUEST, room, b'{"username":"bob","reply":"json"}')
    reply, completion = ask(relay, request)
    assert json.loads(reply.payload)["status"] == wire.OK
    answer = json.loads(completion.payload)
    bob = people.listener(relay.udp_port, people.local)
    bob.send(wire.chat(room, answer["token"].encode(), b"/leave"))
    fields = {"token", "host", "udp_port", "silence_timeout_seconds", "max_message_bytes", "moderation"}
    assert set(answer) == fields
    assert answer["host"] is (operation == wire.CREATE)
    assert 0 < answer["udp_port"] < 65_536
    assert answer["silence_timeout_seconds"] > 0
    assert 0 < answer["max_message_bytes"] <= 4094
    assert answer["moderation"] in {True, False}


@pytest.mark.requirement("TCP-08")
def test_a_plain_client_may_read_each_frame_with_one_call(start_relay: StartRelay, room: bytes) -> None:
    pause = 1.0
    relay = start_relay(completion_pause_seconds=pause).relay
    with call(relay) as plain, call(relay) as quick:
        started = time.monotonic()
        plain.sendall(create(room, b"ann"))
        assert plain.recv(4096) == wire.frame(wire.CREATE, wire.REPLY, room, b"\0")
        quick.sendall(create(room + b"2", b'{"username":"ann","reply":"json"}'))
        assert [frame.state for frame in wire.read_frames(quick)] == [wire.REPLY, wire.COMPLETION]
        plain.setblocking(False)
        with pytest.raises(BlockingIOError):  # JSON clients don't wait for the others' pause
            plain.recv(1)
        plain.settimeout(wire.WAIT_SECONDS)
        assert plain.recv(4096)[2] == wire.COMPLETION
        assert time.monotonic() - started >= pause


@pytest.mark.requirement("TCP-09")
def test_after_the_completion_the_relay_ends_its_side(relay: Relay, people: People, room: bytes) -> None:
    with call(relay) as connection:
        connection.sendall(create(room, b"ann"))
        frames = wire.read_frames(connection)  # returns at the end of the stream only
    assert len(frames) == 2
    ann = people.listener(relay.udp_port, people.local)
    ann.send(wire.chat(room, frames[1].payload, b"/leave"))


@pytest.mark.requirement("TCP-09", "TCP-03")
def test_a_second_request_on_the_connection_is_malformed(relay: Relay) -> None:
    assert status_of(relay, nowhere(b"ann") * 2) == wire.MALFORMED


@pytest.mark.requirement("TCP-10")
def test_every_kind_of_refusal_has_its_status(relay: Relay, people: People, room: bytes) -> None:
    people.create(room, b"ann")
    assert {
        "exists": status_of(relay, create(room, b"bob")),
        "missing": status_of(relay, nowhere(b"bob")),
        "taken": status_of(relay, join(room, b"ann")),
        "bad name": status_of(relay, join(room, b"a:b")),
        "malformed": status_of(relay, join(room, b"{")),
        "unknown": status_of(relay, wire.frame(9, wire.REQUEST, room, b"bob")),
    } == {
        "exists": wire.ROOM_EXISTS,
        "missing": wire.NO_SUCH_ROOM,
        "taken": wire.NAME_TAKEN,
        "bad name": wire.BAD_NAME,
        "malformed": wire.MALFORMED,
        "unknown": wire.NOT_SUPPORTED,
    }


@pytest.mark.requirement("TCP-12")
def test_a_tls_client_is_refused_like_any_wrong_request(relay: Relay) -> None:
    client_hello = bytes.fromhex("16030100c8010000c40303") + b"\x5a" * 194
    with call(relay) as connection:
        connection.sendall(client_hello)
        (reply,) = wire.read_frames(connection)
    assert reply == wire.Frame(3, wire.REPLY, b"", bytes([wire.PAYLOAD_TOO_LARGE]))


@pytest.mark.parametrize(
    "size",
    [
        b"3".ljust(29, b"\0"),
        b"3".ljust(29, b" "),
        b"3".rjust(29, b" "),
        b"3".rjust(29, b"0"),
        (3).to_bytes(29, "little"),
    ],
)
@pytest.mark.requirement("LEN-01")
def test_sizes_written_as_digits_or_little_endian_are_understood(relay: Relay, size: bytes) -> None:
    request = wire.header(4, wire.JOIN, wire.REQUEST, size) + b"noneann"
    assert status_of(relay, request) == wire.NO_SUCH_ROOM


@pytest.mark.requirement("LEN-02")
def test_messages_reach_the_port_of_the_tcp_connection_before_any_datagram_where_that_is_allowed(
    start_relay: StartRelay, room: bytes
) -> None:
    relay = start_relay(**RESTRICTED).relay
    with People(relay) as people:
        ann = people.create(room, b"ann")
        with call(relay, port=free_ports(1)[0]) as connection:  # free for UDP as well
            local, port = connection.getsockname()[:2]
            bob = people.listener(relay.udp_port, local, port)
            connection.sendall(join(room, b"bob"))
            _, completion = wire.read_frames(connection)
        ann.say(b"hello")
        assert bob.receive_until(lambda data: b"hello" in data)
        bob.send(wire.chat(room, completion.payload, b"/leave"))


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.requirement("LEN-02", "TCP-09")
def test_messages_reach_the_port_that_a_client_names_where_that_is_allowed(
    start_relay: StartRelay, room: bytes, at_once: bool
) -> None:
    relay = start_relay(**RESTRICTED).relay
    with People(relay) as people:
        ann = people.create(room, b"ann")
        with call(relay) as connection:
            bob = people.listener(relay.udp_port, connection.getsockname()[0])
            token = join_naming_port(connection, room, bob, at_once=at_once)
        assert b"hello" in bob.receive_until(lambda data: b"hello" in data, nudge=lambda: ann.say(b"hello"))
        bob.send(wire.chat(room, token, b"/leave"))


def join_naming_port(connection: socket.socket, room: bytes, bob: Listener, *, at_once: bool) -> bytes:
    """Join and name a UDP port, with the request or after the first answer; returns the token."""
    named = bob.udp.getsockname()[1].to_bytes(2, "big")
    connection.sendall(join(room, b"bob") + (named if at_once else b""))
    assert wire.read_frame(connection)
    if not at_once:
        connection.sendall(named)
    completion = wire.read_frame(connection)
    assert completion
    return completion.payload


@pytest.mark.parametrize("names_port", [True, False])
@pytest.mark.requirement("LEN-02", "TCP-09")
def test_clients_that_bind_or_name_a_port_receive_from_their_first_datagram_on(
    relay: Relay, people: People, room: bytes, names_port: bool
) -> None:
    ann = people.create(room, b"ann")
    with call(relay, port=free_ports(1)[0]) as connection:  # free for UDP as well
        local, port = connection.getsockname()[:2]
        bob = people.listener(relay.udp_port, local, 0 if names_port else port)
        if names_port:
            token = join_naming_port(connection, room, bob, at_once=True)
        else:
            connection.sendall(join(room, b"bob"))
            token = wire.read_frames(connection)[1].payload
    ann.say(b"early")  # which nobody has asked for at that port yet
    bob.send(wire.chat(room, token))
    ann.say(b"late")
    assert bob.receive() == b"ann: late"
    bob.send(wire.chat(room, token, b"/leave"))


@pytest.mark.requirement("LEN-03")
def test_state_1_is_accepted_as_a_request_only_with_a_plain_name(relay: Relay) -> None:
    for payload, status in (
        (b"ann", wire.NO_SUCH_ROOM),
        (b'"ann"', wire.NO_SUCH_ROOM),
        (b'{"username":"ann"}', wire.MALFORMED),
    ):
        request = wire.frame(wire.JOIN, wire.REPLY, b"no such room, ever", payload)
        assert status_of(relay, request) == status


@pytest.mark.requirement("TCP-03")
def test_a_slow_client_delays_no_other(relay: Relay) -> None:
    with half_request(relay), half_request(relay):
        assert status_of(relay, nowhere(b"ann")) == wire.NO_SUCH_ROOM
