"""Requests become places in rooms or refusals, and each is counted once."""

import json
import unicodedata
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from chatproto import Frame, FrameDecoder, Operation, ServerTransaction, State, Status, encode_frame
from chatproto.payloads import decode_status
from relay_server.answers import Answer, Granted, Pending, Proof
from relay_server.asked import Peer
from relay_server.control import Control
from relay_server.core.address import parse_ip
from relay_server.core.errors import BusyError
from relay_server.core.guesses import AT_ONCE, KEPT, Guesses
from relay_server.core.registry import Registry
from relay_server.net.address import locate, make_address
from relay_server.passwords import Passwords
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay_server.core import events
    from relay_server.core.places import Places

ANN = Peer(parse_ip("10.0.0.1"), 40_000)
GUESSES_PER_MINUTE = 1
BOB = Peer(parse_ip("10.0.0.2"), 40_000, local_ip=parse_ip("10.0.0.9"))


class ControlCase:
    """A control with its registry, and what it counted."""

    def __init__(
        self, *, attribution: bool = True, hide_rooms: bool = False, tls_required: bool = False,
        make_places: "Callable[[Registry], Places] | None" = None, guesses: Guesses | None = None, **policy: Any,
    ) -> None:  # fmt: skip
        """``make_places`` makes this relay a node of a cluster."""
        self.events: list[events.Event] = []
        self.counted: list[tuple[Operation | None, Status]] = []
        self.registry = Registry(unlimited(**policy), self.events.append, new_nonces(), locate)
        self.passwords = Passwords()
        tokens = count(1)
        self.control = Control(
            self.registry,
            passwords=self.passwords,
            guesses=guesses or Guesses(GUESSES_PER_MINUTE),
            make_address=make_address,
            hide_rooms=hide_rooms,
            new_token=lambda: b"token-%d" % next(tokens),
            on_transaction=lambda operation, status: self.counted.append((operation, status)),
            udp_port=9001,
            silence_timeout_seconds=300.0,
            attribution=attribution,
            moderation=True,
            tls_required=tls_required,
            places=make_places(self.registry) if make_places else None,
        )

    def ask(
        self, operation: int, payload: bytes | dict[str, Any], peer: Peer = ANN, room: bytes = b"demo"
    ) -> Granted | Frame:
        """Send a request at once and do its work if there is any; returns the place, or the refusal's frame."""
        result = self.begin(operation, payload, peer, room)
        if isinstance(result, Pending):
            result = finish(result)
        if isinstance(result, Granted):
            return result
        assert result is None or isinstance(result, bytes)
        return frame_of(result)

    def begin(
        self, operation: int, payload: bytes | dict[str, Any], peer: Peer = ANN, room: bytes = b"demo", now: float = 0.0
    ) -> Answer | None:
        """Send a request at once; its work is still to be done."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        data = encode_frame(Frame(operation, State.REQUEST, room, raw))
        return self.control.receive(ServerTransaction(), data, peer, now)

    def wait(self, *arguments: Any, **named: Any) -> Pending:
        pending = self.begin(*arguments, **named)
        assert isinstance(pending, Pending), pending
        return pending

    def grant(self, *arguments: Any, **named: Any) -> Granted:
        granted = self.ask(*arguments, **named)
        assert isinstance(granted, Granted), granted
        return granted

    def refuses(self, *arguments: Any, **named: Any) -> tuple[Status, str]:
        """Return how a request that asks for JSON is refused, and with which words."""
        frame = self.ask(*arguments, **named)
        assert isinstance(frame, Frame), frame
        return decode_status(frame.payload)


def finish(pending: Pending, now: float = 0.0) -> Answer:
    """Do the work here and now, if it is admitted."""
    try:
        pending.admit(now)
    except BusyError as error:
        return pending.finish(_refused(error), now)
    return pending.finish(pending.work, now)


def finish_busy(pending: Pending, now: float = 0.0) -> bytes:
    """Tell a request that its work couldn't be done."""
    answer = pending.finish(_refused(BusyError()), now)
    assert isinstance(answer, bytes)
    return answer


def _refused(error: BusyError) -> Proof:
    def refuse() -> str:
        raise error

    return refuse


def frame_of(answer: bytes | None) -> Frame:
    decoder = FrameDecoder(4096)
    decoder.feed(answer or b"")
    frame = decoder.next_frame()
    assert frame
    return frame


def knock(name: str, password: str | None = None) -> dict[str, Any]:
    """Return the payload of a request that asks for JSON."""
    return {"username": name, "password": password, "reply": "json"}


@pytest.mark.requirement("TCP-04", "TCP-07")
def test_create_and_join_grant_places() -> None:
    case = ControlCase()
    ann = case.grant(Operation.CREATE, b"ann")
    bob = case.grant(Operation.JOIN, b"bob", BOB)
    assert ann.member.room is bob.member.room
    assert (ann.completion.host, bob.completion.host) == (True, False)
    assert (ann.completion.token, bob.completion.token) == (b"token-1", b"token-2")
    assert (ann.completion.udp_port, ann.completion.silence_timeout_seconds) == (9001, 300.0)
    assert case.counted == [(Operation.CREATE, Status.OK), (Operation.JOIN, Status.OK)]


def test_bytes_that_are_no_whole_request_are_waited_for() -> None:
    case = ControlCase()
    transaction = ServerTransaction()
    data = encode_frame(Frame(Operation.CREATE, State.REQUEST, b"demo", b"ann"))
    assert case.control.receive(transaction, data[:-1], ANN, 0.0) is None
    assert case.counted == []
    assert isinstance(case.control.receive(transaction, data[-1:], ANN, 0.0), Granted)


@pytest.mark.requirement("TCP-06", "TCP-10")
@pytest.mark.parametrize(
    ("operation", "payload", "room", "status"),
    [
        (Operation.CREATE, b"bob", b"taken", Status.ROOM_EXISTS),
        (Operation.JOIN, b"bob", b"nowhere", Status.NO_SUCH_ROOM),
        (Operation.JOIN, b"Ann", b"taken", Status.NAME_TAKEN),
        (Operation.JOIN, b"server", b"taken", Status.BAD_NAME),
        (Operation.JOIN, b"", b"taken", Status.BAD_NAME),
        (Operation.CREATE, b"bob", b"", Status.BAD_NAME),
        (Operation.CREATE, b"{", b"new", Status.MALFORMED),
        (Operation.CREATE, {"username": "bob", "password": "x"}, b"taken", Status.ROOM_EXISTS),
        (Operation.CREATE, {"username": "bob", "password": "x" * 1025}, b"new", Status.MALFORMED),
        (Operation.JOIN, {"username": "bob", "password": "\ud800"}, b"taken", Status.MALFORMED),
        (Operation.JOIN, {"username": "bob", "password": "x"}, b"nowhere", Status.NO_SUCH_ROOM),
        (3, b"bob", b"new", Status.NOT_SUPPORTED),
    ],
)
def test_a_refusal_echoes_the_request_and_says_why(
    operation: int, payload: bytes | dict[str, Any], room: bytes, status: Status
) -> None:
    case = ControlCase()
    case.grant(Operation.CREATE, b"ann", room=b"taken")
    case.counted.clear()
    assert case.ask(operation, payload, BOB, room) == Frame(operation, State.REPLY, room, bytes((status,)))
    assert case.counted == [(operation if operation in {*Operation} else None, status)]
    assert list(case.registry.rooms) == [b"taken"]


@pytest.mark.requirement("TCP-05")
def test_a_password_of_nothing_is_none_and_one_for_an_open_room_does_not_matter() -> None:
    case = ControlCase()
    case.grant(Operation.CREATE, {"username": "ann", "password": ""})
    case.grant(Operation.JOIN, {"username": "bob", "password": "a guess"}, BOB)


def closed_room(**settings: Any) -> ControlCase:
    """Return a relay with a room of ann's whose password is "café"; nothing is counted yet."""
    case = ControlCase(**settings)
    case.grant(Operation.CREATE, knock("ann", "café"))
    case.counted.clear()
    return case


@pytest.mark.requirement("TCP-11", "PWD-01", "PWD-02")
def test_only_who_knows_its_password_comes_into_a_room() -> None:
    case = closed_room()
    assert case.refuses(Operation.JOIN, knock("bob"), BOB) == (
        Status.WRONG_PASSWORD,
        "The room has a password: give it to join.",
    )
    assert case.refuses(Operation.JOIN, knock("bob", "Café"), BOB) == (Status.WRONG_PASSWORD, "The password is wrong.")
    case.grant(Operation.JOIN, knock("bob", unicodedata.normalize("NFD", "café")), BOB)
    statuses = [Status.WRONG_PASSWORD, Status.WRONG_PASSWORD, Status.OK]
    assert case.counted == [(Operation.JOIN, status) for status in statuses]


@pytest.mark.requirement("PWD-03")
@pytest.mark.parametrize(
    ("policy", "operation", "room", "status"),
    [
        ({}, Operation.CREATE, b"demo", Status.ROOM_EXISTS),
        ({"max_rooms": 1}, Operation.CREATE, b"new", Status.TOO_MANY),
        ({"max_rooms_per_address": 1}, Operation.CREATE, b"new", Status.TOO_MANY),
        ({"max_members": 1}, Operation.JOIN, b"demo", Status.TOO_MANY),
        ({"max_members_per_address": 1}, Operation.JOIN, b"demo", Status.TOO_MANY),
    ],
)
def test_what_cant_be_is_refused_without_work(
    policy: dict[str, Any], operation: int, room: bytes, status: Status
) -> None:
    case = closed_room(**policy)
    answer = case.begin(operation, knock("bob", "café"), ANN, room)
    assert isinstance(answer, bytes)
    assert decode_status(frame_of(answer).payload)[0] is status


@pytest.mark.requirement("PWD-03", "ROOM-03")
@pytest.mark.parametrize("name", ["admin", "s\u0435rver", "zero\u200bwidth"])
def test_a_name_that_cant_be_is_refused_without_work(name: str) -> None:
    answer = closed_room().begin(Operation.CREATE, knock(name, "café"), BOB, b"new")
    assert isinstance(answer, bytes)
    assert decode_status(frame_of(answer).payload)[0] is Status.BAD_NAME


@pytest.mark.requirement("PWD-03")
def test_an_address_has_so_many_new_passwords_hashed() -> None:
    case = ControlCase(password_guesses_per_minute=1)
    for number in range(2):  # four a minute for each guess, half a minute's worth at once
        case.wait(Operation.CREATE, knock("ann", "café"), ANN, b"room %d" % number)
    answer = case.begin(Operation.CREATE, knock("ann", "café"), ANN, b"one more")
    assert isinstance(answer, bytes)
    assert decode_status(frame_of(answer).payload)[0] is Status.BUSY
    case.wait(Operation.CREATE, knock("bob", "café"), BOB, b"somebody else's")


@pytest.mark.requirement("LIM-01")
def test_a_request_with_a_password_is_one_request_to_the_rate_of_joins() -> None:
    case = ControlCase(join_rate=1.0)
    case.grant(Operation.CREATE, knock("ann", "café"))
    for number in range(4):
        case.grant(Operation.JOIN, knock(f"bob {number}", "café"))
    assert case.refuses(Operation.JOIN, knock("eve", "café"))[0] is Status.BUSY


@pytest.mark.requirement("PWD-03")
def test_what_happened_during_the_work_counts() -> None:
    case = ControlCase()
    first, second = (case.wait(Operation.CREATE, knock(name, name)) for name in ("ann", "bob"))
    assert isinstance(finish(second), Granted)
    refused = finish(first)
    assert isinstance(refused, bytes)
    assert decode_status(frame_of(refused).payload)[0] is Status.ROOM_EXISTS
    assert case.counted == [(Operation.CREATE, Status.OK), (Operation.CREATE, Status.ROOM_EXISTS)]


@pytest.mark.requirement("PWD-02")
@pytest.mark.parametrize(
    ("anew", "status"),
    [(None, Status.NO_SUCH_ROOM), (b"eve", Status.OK), (knock("eve", "café"), Status.WRONG_PASSWORD)],
)
def test_a_password_opens_no_room_but_the_one_that_it_was_checked_for(
    anew: bytes | dict[str, Any] | None, status: Status
) -> None:
    case = closed_room()
    pending = case.wait(Operation.JOIN, knock("bob", "café"), BOB)
    (ann,) = case.registry.rooms[b"demo"].members
    case.registry.leave(ann, 0.0)
    if anew:
        case.grant(Operation.CREATE, anew)
    answer = finish(pending)
    assert isinstance(answer, Granted) == (status is Status.OK)
    assert case.counted[-1] == (Operation.JOIN, status)


@pytest.mark.requirement("EVI-06")
def test_work_that_is_done_when_the_relay_shuts_down_opens_nothing() -> None:
    case = closed_room()
    waiting = [
        case.wait(Operation.JOIN, knock("bob", "café"), BOB),
        case.wait(Operation.CREATE, knock("bob", "café"), BOB, b"new"),
    ]
    case.registry.shut_down()
    for pending in waiting:
        answer = finish(pending)
        assert isinstance(answer, bytes)
        assert decode_status(frame_of(answer).payload)[0] is Status.SHUTTING_DOWN
    assert not case.registry.rooms


@pytest.mark.requirement("PWD-02", "PWD-04")
def test_a_member_that_asks_whether_it_is_there_needs_no_password_and_guesses_nothing() -> None:
    case = closed_room()
    case.grant(Operation.JOIN, knock("bob", "café"), BOB)
    for password in ("an older one", None) * 10:
        answer = case.begin(Operation.JOIN, knock("bob", password), BOB)
        assert isinstance(answer, bytes)  # at once
        assert decode_status(frame_of(answer).payload)[0] is Status.NAME_TAKEN
    assert case.refuses(Operation.JOIN, knock("bob"), ANN)[0] is Status.WRONG_PASSWORD
    case.grant(Operation.JOIN, knock("eve", "café"), BOB)


@pytest.mark.slow
@pytest.mark.requirement("PWD-04")
def test_only_wrong_passwords_are_counted_as_guesses() -> None:
    case = closed_room()
    for _ in range(10):
        assert case.refuses(Operation.JOIN, knock("bob"), BOB)[0] is Status.WRONG_PASSWORD  # no guess
        assert case.refuses(Operation.JOIN, knock("ann", "café"), BOB)[0] is Status.NAME_TAKEN  # right
        busy = finish_busy(case.wait(Operation.JOIN, knock("bob", "a guess"), BOB))  # not looked at
        assert decode_status(frame_of(busy).payload)[0] is Status.BUSY
    statuses = [case.refuses(Operation.JOIN, knock("bob", "a guess"), BOB)[0] for _ in range(AT_ONCE)]
    half = AT_ONCE - KEPT
    assert statuses == [Status.WRONG_PASSWORD] * half + [Status.BUSY] * (AT_ONCE - half)
    case.grant(Operation.JOIN, knock("eve", "café"), ANN)


@pytest.mark.slow
@pytest.mark.requirement("PWD-05")
def test_a_relay_that_hides_rooms_answers_for_a_missing_one_as_for_a_wrong_password() -> None:
    case = closed_room(hide_rooms=True)
    answers = {
        case.refuses(Operation.JOIN, knock("bob", password), BOB, room)
        for password in (None, "wrong")
        for room in (b"demo", b"nowhere")
    }
    assert answers == {(Status.WRONG_PASSWORD, "There is no such room, or the password is wrong.")}
    assert {status for _, status in case.counted} == {Status.WRONG_PASSWORD}
    for _ in range(AT_ONCE - KEPT - 2):  # guesses as well
        assert case.refuses(Operation.JOIN, knock("bob", "wrong"), BOB, b"nowhere")[0] is Status.WRONG_PASSWORD
    assert case.refuses(Operation.JOIN, knock("bob", "wrong"), BOB, b"nowhere")[0] is Status.BUSY
    case.grant(Operation.JOIN, knock("eve", "café"), ANN)


@pytest.mark.requirement("PWD-06")
def test_nothing_that_is_printed_shows_a_password() -> None:
    case = closed_room()
    pending = case.wait(Operation.JOIN, knock("bob", "open sesame"), BOB)
    room = case.registry.rooms[b"demo"]
    for one in (pending, pending.work, pending.finish, room, case.control.__dict__):
        assert "sesame" not in repr(one)
        assert "argon2id$" not in repr(one)


@pytest.mark.requirement("TCP-06")
def test_who_asks_for_json_is_refused_in_json() -> None:
    case = ControlCase()
    frame = case.ask(Operation.JOIN, {"username": "ann", "reply": "json"})
    assert isinstance(frame, Frame)
    reply = json.loads(frame.payload)
    assert (reply["status"], reply["reason"]) == (Status.NO_SUCH_ROOM, "no_such_room")


@pytest.mark.requirement("EVI-06")
def test_a_relay_that_shuts_down_refuses() -> None:
    case = ControlCase()
    case.registry.shut_down()
    frame = case.ask(Operation.CREATE, b"ann")
    assert isinstance(frame, Frame)
    assert frame.payload == bytes((Status.SHUTTING_DOWN,))


@pytest.mark.requirement("TCP-12")
def test_a_relay_that_requires_tls_lets_nobody_in_without_it() -> None:
    case = ControlCase(tls_required=True)
    refused = case.ask(Operation.CREATE, b"ann")
    assert isinstance(refused, Frame)
    assert decode_status(refused.payload)[0] is Status.NOT_SUPPORTED
    assert case.counted == [(Operation.CREATE, Status.NOT_SUPPORTED)]
    assert not case.registry.rooms
    case.grant(Operation.CREATE, b"ann", replace(ANN, encrypted=True))
