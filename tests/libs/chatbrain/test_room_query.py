"""A question for the rooms of a relay, on a toolkit in memory (LIST-01)."""

import pytest

from chatbrain import EndReason, Fault, Finding, RoomQuery, RoomsAnswer, ServerAddress, UnreachableError, UntrustedError
from chatbrain.room_query import QUERY_SECONDS
from chatproto import Frame, ListedRoom, ListTransaction, RefusedError, State, Status, encode_frame
from libs.chatbrain.fake_toolkit import DISTRUSTED, FakePort, FakeTls, FakeToolkit, FakeWire

pytestmark = pytest.mark.requirement("LIST-01")

SERVER = ServerAddress("relay", 9000)
LISTED = encode_frame(Frame(4, State.REPLY, b"", b"\0")) + encode_frame(
    Frame(4, State.COMPLETION, b"", b'{"rooms":[{"name":"tea","members":3}]}')
)


class Case:
    def __init__(self, *, tls: bool = False) -> None:
        self.toolkit = FakeToolkit(self)
        self.answers: list[RoomsAnswer] = []
        self.written = b""
        secure = (lambda _server, _fingerprint: FakeTls()) if tls else None
        self.query = RoomQuery(self.toolkit, SERVER, self.answers.append, secure)

    def called(self, wire: FakeWire) -> None:
        wire.open()

    def told(self, _wire: FakeWire, data: bytes) -> None:
        self.written += data

    def heard_datagram(self, _port: FakePort, data: bytes) -> None:
        raise AssertionError(data)

    def start(self) -> None:
        assert not self.toolkit.wires  # nothing before the next turn
        self.toolkit.pass_time()

    def hear(self, data: bytes) -> RoomsAnswer:
        """Take what the relay says, byte by byte; returns the answer, after which all is quiet."""
        for byte in data:
            self.toolkit.wire.deliver(bytes((byte,)))
        return self.end()

    def end(self) -> RoomsAnswer:
        (answer,) = self.answers
        assert self.toolkit.is_idle
        self.toolkit.pass_time(2 * QUERY_SECONDS)
        assert len(self.answers) == 1
        return answer


def test_the_rooms_are_told_and_the_connection_ends() -> None:
    case = Case()
    case.start()
    assert case.written == ListTransaction().request
    assert case.hear(LISTED) == (ListedRoom("tea", 3),)


def test_a_refusal_is_told_and_its_words_are_harmless() -> None:
    case = Case()
    case.start()
    refused = case.hear(encode_frame(Frame(4, State.REPLY, b"", b'{"status":10,"message":"no\\u001b[31m"}')))
    assert isinstance(refused, RefusedError)
    assert (refused.status, str(refused)) == (Status.NOT_SUPPORTED, "no\N{REPLACEMENT CHARACTER}[31m")


def test_who_answers_nonsense_or_nothing_is_no_relay() -> None:
    case = Case()
    case.start()
    nonsense = case.hear(encode_frame(Frame(4, State.COMPLETION, b"", b"")))
    assert isinstance(nonsense, UnreachableError)
    assert nonsense.cause.finding
    assert nonsense.cause.finding.fault is Fault.NO_RELAY
    case = Case()
    case.toolkit.found = Finding(Fault.UNKNOWN_HOST, "unknown")
    case.start()
    nobody = case.end()
    assert isinstance(nobody, UnreachableError)
    assert not isinstance(nobody, UntrustedError)
    assert nobody.cause.reason is EndReason.UNREACHABLE


def test_patience_ends() -> None:
    case = Case()
    case.start()
    case.toolkit.pass_time(QUERY_SECONDS)
    late = case.end()
    assert isinstance(late, UnreachableError)
    assert late.cause.finding
    assert late.cause.finding.fault is Fault.NO_ANSWER


def test_by_tls_nothing_is_asked_before_the_relay_is_proven() -> None:
    case = Case(tls=True)
    case.start()
    assert case.written == b"HELLO"
    case.toolkit.wire.deliver(b"proof")
    assert case.written == b"HELLO" + ListTransaction().request.upper()


def test_a_relay_that_isnt_trusted_is_asked_nothing() -> None:
    case = Case(tls=True)
    case.start()
    case.toolkit.wire.deliver(b"bad")
    distrusted = case.end()
    assert isinstance(distrusted, UntrustedError)
    assert (distrusted.cause, case.written) == (DISTRUSTED, b"HELLOALERT")


def test_what_is_given_up_says_nothing() -> None:
    early, late = Case(), Case()
    early.query.cancel()
    early.toolkit.pass_time(2 * QUERY_SECONDS)
    late.start()
    late.query.cancel()
    late.toolkit.wire.deliver(LISTED)
    late.toolkit.pass_time(2 * QUERY_SECONDS)
    assert not early.toolkit.wires
    assert not early.answers
    assert not late.answers
    assert late.toolkit.is_idle
