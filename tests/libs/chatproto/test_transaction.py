"""Create and join: both ends against each other, and every wrong turn."""

import json
import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import (
    BadNameError,
    ClientTransaction,
    Completion,
    Frame,
    FrameDecoder,
    MalformedError,
    NotSupportedError,
    Operation,
    PayloadTooLargeError,
    Phase,
    ProtocolError,
    RefusedError,
    Request,
    ServerTransaction,
    State,
    Status,
    encode_frame,
)
from libs.chatproto.strategies import COMPLETIONS, REQUESTS, ROOM_NAMES, split

OPERATIONS = st.sampled_from([Operation.CREATE, Operation.JOIN])
ANN = Request("ann")


def read_all(server: ServerTransaction, pieces: list[bytes]) -> tuple[Operation, str, Request] | None:
    asked = None
    for piece in pieces:
        asked = server.feed(piece) or asked
    return asked


def consume(results: Iterable[object]) -> None:
    assert not [result for result in results if result is not None]


def reply_of(server: ServerTransaction, error: ProtocolError) -> Frame:
    decoder = FrameDecoder(4096)
    decoder.feed(server.refuse(error))
    frame = decoder.next_frame()
    assert frame is not None
    assert not decoder.take_rest()
    return frame


@pytest.mark.slow
@given(st.data(), OPERATIONS, ROOM_NAMES, REQUESTS, COMPLETIONS)
def test_both_ends_understand_each_other_however_the_bytes_are_split(
    data: st.DataObject, operation: Operation, room: str, request_: Request, completion: Completion
) -> None:
    client, server = ClientTransaction(operation, room, request_), ServerTransaction()
    assert read_all(server, data.draw(split(client.request))) == (operation, room, request_)
    assert server.operation is operation
    assert server.wants_pause is not request_.json_reply
    phases = [server.phase]
    reply = server.accept()
    phases.append(server.phase)
    reply += server.complete(completion)
    assert [*phases, server.phase] == [Phase.DECIDING, Phase.ACCEPTED, Phase.ENDED]
    results = [client.feed(piece) for piece in data.draw(split(reply))]
    granted = completion if request_.json_reply else Completion(completion.token)
    assert [result for result in results if result] == [granted]


@pytest.mark.parametrize("json_reply", [False, True])
def test_a_request_is_granted(*, json_reply: bool) -> None:
    granted = Completion(b"t" * 32, True, 9001, 300.0, 4000) if json_reply else Completion(b"t" * 32)
    asked = Request("ann", json_reply=json_reply, plain=not json_reply)
    client, server = ClientTransaction(Operation.JOIN, "lab", asked), ServerTransaction()
    assert server.feed(client.request) == (Operation.JOIN, "lab", asked)
    assert server.wants_pause is not json_reply
    assert client.feed(server.accept()) is None
    assert client.feed(server.complete(granted)) == granted


def test_a_request_is_refused() -> None:
    client, server = ClientTransaction(Operation.CREATE, "lab", ANN), ServerTransaction()
    assert server.feed(client.request) == (Operation.CREATE, "lab", ANN)
    with pytest.raises(RefusedError, match=re.escape(Status.NOT_SUPPORTED.message)):
        client.feed(server.refuse(NotSupportedError("Not today.")))


@pytest.mark.slow
@given(st.data(), OPERATIONS, ROOM_NAMES, REQUESTS)
def test_a_refusal_reaches_the_client_however_the_bytes_are_split(
    data: st.DataObject, operation: Operation, room: str, request_: Request
) -> None:
    client, server = ClientTransaction(operation, room, request_), ServerTransaction()
    read_all(server, data.draw(split(client.request)))
    reply = server.refuse(NotSupportedError("Not today."))
    assert server.phase is Phase.ENDED
    pieces = data.draw(split(reply))
    with pytest.raises(RefusedError) as caught:
        consume(map(client.feed, pieces))
    assert caught.value.status is Status.NOT_SUPPORTED
    assert str(caught.value) == ("Not today." if request_.json_reply else Status.NOT_SUPPORTED.message)


@given(st.data(), st.binary(max_size=300))
def test_arbitrary_bytes_are_a_request_or_a_protocol_error(data: st.DataObject, stream: bytes) -> None:
    server = ServerTransaction(64)
    try:
        read_all(server, data.draw(split(stream)))
    except ProtocolError as error:
        reply_of(server, error)


@given(st.data(), st.binary(max_size=300))
def test_an_arbitrary_reply_is_understood_or_an_error(data: st.DataObject, stream: bytes) -> None:
    client = ClientTransaction(Operation.JOIN, "lab", ANN)
    pieces = data.draw(split(stream))
    try:
        for piece in pieces:
            client.feed(piece)
    except (ProtocolError, RefusedError):
        return


EDGES = (0, 1, 2, 3, 127, 128, 254, 255)
"""Each of these operations is tried in every state, and every operation in each of these states."""


def test_every_operation_and_state_has_its_status() -> None:
    for operation in range(256):
        for state in range(256) if operation in EDGES else EDGES:
            server = ServerTransaction()
            try:
                server.feed(encode_frame(Frame(operation, state, b"lab", b"ann")))
            except ProtocolError as error:
                status = error.status
                reply = reply_of(server, error)
                assert reply == Frame(operation, State.REPLY, b"lab", bytes((status,)))
            else:
                status = Status.OK
            if operation not in {1, 2}:
                expected = Status.NOT_SUPPORTED
            else:
                expected = Status.OK if state in {0, 1} else Status.MALFORMED
            assert status is expected, (operation, state)


@pytest.mark.parametrize("payload", [b'{"username":"ann"}', b' {"username":"ann","reply":"json"}'])
@pytest.mark.requirement("LEN-03")
def test_state_1_is_forgiven_to_plain_names_only(payload: bytes) -> None:
    server = ServerTransaction()
    with pytest.raises(MalformedError):
        server.feed(encode_frame(Frame(1, 1, b"lab", payload)))
    quoted = ServerTransaction()
    assert quoted.feed(encode_frame(Frame(1, 1, b"lab", b'"ann"'))) == (Operation.CREATE, "lab", ANN)


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (Frame(1, 0, b"lab", b'{"username":"a:b","reply":"json"}'), Status.BAD_NAME),
        (Frame(1, 0, b"lab", b'{"username":5,"reply":"json"}'), Status.MALFORMED),
        (Frame(1, 0, b"", b'{"username":"ann","reply":"json"}'), Status.BAD_NAME),
        (Frame(7, 0, b"lab", b'{"username":"ann","reply":"json"}'), Status.NOT_SUPPORTED),
        (Frame(1, 2, b"lab", b'{"username":"ann","reply":"json"}'), Status.MALFORMED),
    ],
)
@pytest.mark.requirement("TCP-06")
def test_even_a_bad_request_is_answered_in_the_form_it_asks_for(frame: Frame, status: Status) -> None:
    server = ServerTransaction()
    with pytest.raises(ProtocolError) as caught:
        server.feed(encode_frame(frame))
    reply = reply_of(server, caught.value)
    assert (reply.operation, reply.room) == (frame.operation, frame.room)
    assert json.loads(reply.payload)["status"] == status


@pytest.mark.parametrize("room", [b"", b"\xff", b"a\nb"])
def test_a_bad_room_name_is_echoed_and_refused(room: bytes) -> None:
    server = ServerTransaction()
    with pytest.raises(BadNameError) as caught:
        server.feed(encode_frame(Frame(1, 0, room, b"ann")))
    assert reply_of(server, caught.value) == Frame(1, State.REPLY, room, b"\x05")


@pytest.mark.requirement("TCP-02")
def test_a_payload_too_large_is_answered_from_the_header_with_its_operation_and_no_room() -> None:
    server = ServerTransaction(10)
    with pytest.raises(PayloadTooLargeError) as caught:
        server.feed(encode_frame(Frame(2, 0, b"lab", b"x" * 11))[:32])
    assert reply_of(server, caught.value) == Frame(2, State.REPLY, b"", b"\x09")


def test_the_operation_is_none_until_a_known_one_came() -> None:
    server = ServerTransaction()
    assert server.operation is None
    assert server.phase is Phase.REQUESTING
    server.feed(b"\x03")
    assert server.operation is None
    server.feed(b"\x02")
    assert server.operation is Operation.JOIN


@pytest.mark.parametrize(
    ("pieces", "port"),
    [
        ([], None),
        ([b"\x23"], None),
        ([b"\x23\x29"], 9001),
        ([b"\x23", b"\x29"], 9001),
        ([b"", b"\x23\x29", b""], 9001),
        ([b"\0\0"], None),
        ([b"\xff\xff"], 65535),
        ([b"\x23\x29", b"\0"], None),
        ([b"\x23\x29\0\0\0"], None),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.requirement("TCP-09")
def test_two_bytes_after_the_request_are_the_clients_udp_port(
    pieces: list[bytes], port: int | None, at_once: bool
) -> None:
    request = ClientTransaction(Operation.CREATE, "lab", ANN).request
    server = ServerTransaction()
    if at_once and pieces and len(pieces[0]) <= 2:
        request, pieces = request + pieces[0], pieces[1:]
    assert server.feed(request)
    for piece in pieces:
        assert server.feed(piece) is None
    assert server.client_port == port


@pytest.mark.requirement("TCP-09", "LEN-02")
def test_a_client_of_json_replies_names_no_port() -> None:
    server = ServerTransaction()
    assert server.feed(ClientTransaction(Operation.CREATE, "lab", Request("ann", json_reply=True, plain=False)).request)
    server.feed(b"\x23\x29")
    assert server.client_port is None


@pytest.mark.requirement("STR-01")
@pytest.mark.parametrize(
    ("json_reply", "words", "gives_back"),
    [
        (True, [b'{"leave":true}\n'], True),
        (True, [b'{"leave":', b"true}\n"], True),
        (True, [b'{"leave":true}'], False),
        (True, [b'{"leave":true}\n!'], False),
        (False, [b'{"leave":true}\n'], False),
    ],
)
def test_who_wants_only_a_stream_gives_its_place_back(json_reply: bool, words: list[bytes], gives_back: bool) -> None:
    server = ServerTransaction()
    request = Request("ann", json_reply=json_reply, plain=not json_reply)
    assert server.feed(ClientTransaction(Operation.CREATE, "lab", request).request)
    for piece in words:
        server.feed(piece)
    assert server.gives_back is gives_back


def test_an_abandoned_transaction_takes_no_request_any_more() -> None:
    server = ServerTransaction()
    server.feed(b"\x04")
    server.abandon()
    assert server.phase is Phase.ENDED
    assert server.feed(ClientTransaction(Operation.CREATE, "demo", ANN).request) is None


def test_a_second_request_in_the_same_read_is_malformed() -> None:
    request = ClientTransaction(Operation.CREATE, "lab", ANN).request
    with pytest.raises(MalformedError, match="one request a connection"):
        ServerTransaction().feed(request * 2)


def frame(state: State, payload: bytes) -> bytes:
    return encode_frame(Frame(1, state, b"lab", payload))


@pytest.mark.parametrize(
    "reply",
    [
        frame(State.REQUEST, b"\0"),
        frame(State.COMPLETION, b"token"),
        frame(State.REPLY, b"\0") + frame(State.REPLY, b"\0"),
        frame(State.REPLY, b"\x7f"),
        frame(State.REPLY, b"\0") + frame(State.COMPLETION, b""),
    ],
)
def test_a_relay_that_speaks_out_of_turn_is_a_protocol_error(reply: bytes) -> None:
    with pytest.raises(MalformedError):
        ClientTransaction(Operation.CREATE, "lab", ANN).feed(reply)


def test_a_reply_larger_than_any_is_a_protocol_error() -> None:
    with pytest.raises(PayloadTooLargeError):
        ClientTransaction(Operation.CREATE, "lab", ANN).feed(b"\0\1\1" + b"\xff" * 29)


def test_what_follows_a_completion_is_left_for_the_stream() -> None:
    client, server = ClientTransaction(Operation.JOIN, "lab", ANN), ServerTransaction()
    server.feed(client.request)
    reply = server.accept() + server.complete(Completion(b"token"))
    assert client.feed(reply + b'{"ping":1}\n{"pi')
    assert client.take_rest() == b'{"ping":1}\n{"pi'
    assert client.take_rest() == b""


LIST = b'{"reply":"json"}'


@pytest.mark.requirement("LIST-01")
def test_a_list_is_asked_for_without_names_and_answered_in_two_frames() -> None:
    server = ServerTransaction()
    asked = server.feed(encode_frame(Frame(4, State.REQUEST, b"", LIST)))
    assert asked == (Operation.LIST, "", Request("", json_reply=True, plain=False))
    decoder = FrameDecoder(4096)
    decoder.feed(server.list_rooms(b'{"rooms":[]}'))
    accepted = decoder.next_frame()
    assert accepted is not None
    assert (accepted.operation, accepted.state, json.loads(accepted.payload)["reason"]) == (4, State.REPLY, "ok")
    assert decoder.next_frame() == Frame(4, State.COMPLETION, b"", b'{"rooms":[]}')
    assert server.phase is Phase.ENDED


@pytest.mark.requirement("LIST-01")
@pytest.mark.parametrize(
    ("state", "room", "payload"),
    [(0, b"", b"ann"), (0, b"", b""), (0, b"", b"{}"), (0, b"tea", LIST), (1, b"", LIST), (2, b"", LIST)],
)
def test_what_asks_for_a_list_otherwise_is_not_supported(state: int, room: bytes, payload: bytes) -> None:
    server = ServerTransaction()
    with pytest.raises((NotSupportedError, MalformedError)) as caught:
        server.feed(encode_frame(Frame(4, state, room, payload)))
    assert server.refuse(caught.value)[1:3] == bytes((4, State.REPLY))
