"""From a brain's wishes to sockets and back, on a toolkit in memory."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from chatbrain import (
    BindDatagram,
    CloseStream,
    Driver,
    Ended,
    EndReason,
    Event,
    Fault,
    Finding,
    Joined,
    LobbyBrain,
    Message,
    OpenStream,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    RoomBrain,
    SecureBy,
    SendStream,
    ServerAddress,
    Stage,
)
from chatbrain.driver import HASTY_SECONDS, LOOKUP_SECONDS
from chatbrain.findings import HUNG_UP
from chatbrain.join_request import TRANSACTION_SECONDS
from chatbrain.liveness import DEAF_SECONDS
from chatproto import Completion, ElsewhereError, Feature, Operation, Server, ServerTransaction
from libs.chatbrain.fake_toolkit import DISTRUSTED, LOCAL, FakePort, FakeTls, FakeToolkit, FakeWire

SERVER = ServerAddress("relay", 9000)
PRINT = ":".join(["AB"] * 32)


class Case:
    """A driver, and a relay that lets everybody in."""

    def __init__(self, make: Callable[[], RoomBrain | LobbyBrain], secure: SecureBy | None = None) -> None:
        self.toolkit = FakeToolkit(self)
        self.events: list[Event] = []
        self.said: list[bytes] = []
        self.written: list[bytes] = []
        self.answers = secure is None
        self.sends_on: Server | None = None
        """Where the configured server says that the room is."""
        self.completion = Completion(b"t", False, 9001, 300.0, 100)
        self.silent = False
        """Whether nobody takes a connection any more."""
        self.driver = Driver(self.toolkit, make(), SERVER, self.hear, secure)
        self.on_event: Callable[[Event], None] = lambda _event: None

    def hear(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def start(self) -> None:
        self.driver.start()
        assert self.driver.brain.stage is Stage.IDLE
        self.toolkit.pass_time()

    def say(self, text: str) -> int:
        said = self.driver.brain.say(text, self.driver.now)
        self.driver.pump()
        return said

    def called(self, wire: FakeWire) -> None:
        if not self.silent:
            wire.open()

    def told(self, wire: FakeWire, data: bytes) -> None:
        self.written.append(data)
        relay = ServerTransaction()
        if self.sends_on and wire.port == SERVER.port:
            assert relay.feed(data)
            wire.deliver(relay.refuse(ElsewhereError(self.sends_on)))
            return
        if self.answers:
            assert relay.feed(data)
            wire.deliver(relay.accept())
            wire.deliver(relay.complete(self.completion))

    def heard_datagram(self, _port: FakePort, data: bytes) -> None:
        self.said.append(data)


def room() -> RoomBrain:
    return RoomBrain(Operation.JOIN, "demo", "ann", server=str(SERVER), random=lambda: 1.0)


def lobby() -> LobbyBrain:
    return LobbyBrain("ann", server=str(SERVER), random=lambda: 1.0)


@pytest.fixture
def member() -> Case:
    case = Case(room)
    case.start()
    return case


def test_a_room_is_joined_over_tcp_and_spoken_with_between_the_same_addresses(member: Case) -> None:
    assert [type(event) for event in member.events] == [Joined]
    assert (member.toolkit.wire.address, member.toolkit.wire.port, member.toolkit.wire.closed) == (
        "192.0.2.1",
        9000,
        True,
    )
    assert member.toolkit.port.way == (LOCAL, "192.0.2.1", 9001)
    assert member.say("hi")
    assert member.said == [b"\x04\x01demot", b"\x04\x01demothi"]
    member.toolkit.port.deliver(b"bob: hello")
    assert member.events[-1] == Message("bob", "hello", b"bob: hello", 0.0)


def test_the_lobby_is_looked_for_at_each_address() -> None:
    case = Case(lobby)
    case.toolkit.found = ["192.0.2.1", "192.0.2.2"]
    case.start()
    case.toolkit.port.come_back()
    assert [port.way for port in case.toolkit.ports] == [(None, "192.0.2.1", 9002), (None, "192.0.2.2", 9002)]
    assert [port.closed for port in case.toolkit.ports] == [True, False]
    case.toolkit.pass_time(0.3)
    assert [type(event) for event in case.events] == [Joined]


def test_a_lobby_whose_address_nobody_knows() -> None:
    case = Case(lobby)
    unknown = case.toolkit.found = Finding(Fault.UNKNOWN_HOST, "the host name isn't known")
    case.start()
    (ended,) = case.events
    assert isinstance(ended, Ended)
    assert ended.finding == unknown
    assert case.toolkit.is_idle


def test_a_name_server_that_says_nothing_is_waited_for_no_longer_than_for_a_relay() -> None:
    case = Case(lobby)
    case.toolkit.found = None
    case.start()
    case.toolkit.pass_time(LOOKUP_SECONDS - 0.1)
    assert case.events == []
    case.toolkit.pass_time(0.1)
    (ended,) = case.events
    assert isinstance(ended, Ended)
    assert ended.finding
    assert ended.finding.fault is Fault.NO_ANSWER
    case.toolkit.lookups[0].answer(["192.0.2.1"])  # too late
    assert (len(case.events), case.toolkit.ports) == (1, [])


def test_a_relay_that_does_not_answer_is_given_up_in_time() -> None:
    case = Case(room)
    case.answers = False
    case.start()
    case.toolkit.pass_time(TRANSACTION_SECONDS)
    assert [type(event) for event in case.events] == [Ended]
    assert case.toolkit.is_idle


def test_a_relay_that_hangs_up_is_unreachable() -> None:
    case = Case(room)
    case.answers = False
    case.start()
    case.toolkit.wire.end()
    (ended,) = case.events
    assert isinstance(ended, Ended)
    assert ended.finding == HUNG_UP
    case.toolkit.pass_time(TRANSACTION_SECONDS)
    assert case.toolkit.is_idle


@pytest.mark.requirement("TCP-12")
def test_who_is_not_trusted_gets_no_request() -> None:
    case = Case(room, lambda _server, _fingerprint: FakeTls())
    case.start()
    case.toolkit.wire.deliver(b"bad")
    assert case.events == [DISTRUSTED]
    assert case.written == [b"HELLO", b"ALERT"]


def test_a_request_for_a_connection_that_is_gone_is_dropped(member: Case) -> None:
    member.driver.brain._outbox.act(SendStream(b"late"))
    member.driver.pump()
    assert len(member.written) == 1


def test_long_silence_leads_to_a_new_port_and_to_a_question(member: Case) -> None:
    before = member.toolkit.port
    member.toolkit.pass_time(DEAF_SECONDS)
    assert member.events[-1] == Rebound()
    assert (before.closed, len(member.toolkit.ports)) == (True, 2)
    member.toolkit.pass_time(DEAF_SECONDS)
    assert isinstance(member.events[-1], Rejoined)
    assert len(member.toolkit.wires) == 2


def test_what_comes_back_is_told(member: Case) -> None:
    member.toolkit.port.come_back()
    assert member.events[-1] == Rebound()


def test_a_port_that_cannot_be_had_is_told(member: Case) -> None:
    member.toolkit.refuses_ports = True
    member.answers = False
    member.toolkit.port.come_back()
    assert member.driver.brain.stage is Stage.VERIFYING  # neither this port nor a new one
    assert member.say("lost")
    member.toolkit.pass_time(TRANSACTION_SECONDS)
    assert isinstance(member.events[-1], Reconnecting)


def test_a_relay_that_answers_again_was_only_thought_lost(member: Case) -> None:
    member.answers = False
    member.toolkit.pass_time(DEAF_SECONDS + 20.0 + TRANSACTION_SECONDS)
    assert isinstance(member.events[-1], Reconnecting)
    member.toolkit.port.deliver(b"bob: hi")
    assert [type(event) for event in member.events[-2:]] == [Recovered, Message]


def test_what_the_system_does_not_take_makes_doubt(member: Case) -> None:
    member.toolkit.port.fault = OSError("out of order")
    assert member.say("lost")
    assert member.driver.brain.stage is Stage.DEAF


def test_a_deadline_that_moves_away_costs_no_timer(member: Case) -> None:
    timers = member.toolkit.timers
    for _ in range(3):
        member.toolkit.pass_time(1.0)
        member.toolkit.port.deliver(b"bob: hi")
    assert member.toolkit.timers == timers


def test_a_deadline_that_comes_nearer_has_one_timer(member: Case) -> None:
    member.driver.brain.fall_silent()
    member.driver.pump()
    member.toolkit.pass_time(60.0)
    assert member.toolkit.timers == []  # the old one found nothing due
    assert member.say("back")
    assert [timer.when for timer in member.toolkit.timers] == [82.0]
    member.answers = False
    member.toolkit.port.come_back()
    member.toolkit.port.come_back()
    assert [timer.when for timer in member.toolkit.timers] == [60.0 + TRANSACTION_SECONDS]


def test_what_an_event_leads_to_is_done_before_the_next_event() -> None:
    case = Case(room)

    def answer(event: Event) -> None:
        if isinstance(event, Joined):
            case.say("one")
            case.said.append(b"-")

    case.on_event = answer
    case.start()
    case.toolkit.port.deliver(b"bob: hi")
    assert case.said == [b"\x04\x01demot", b"-", b"\x04\x01demotone"]
    assert [type(event) for event in case.events] == [Joined, Message]


def test_an_event_may_lead_to_the_end_of_its_own_driver() -> None:
    case = Case(room)

    def leave(_event: Event) -> None:
        case.driver.brain.leave()
        case.driver.pump()
        case.driver.close()
        case.driver.close()

    case.on_event = leave
    case.start()
    assert case.said[-1] == b"\x04\x01demot/leave"
    assert [type(event) for event in case.events] == [Joined]
    assert case.toolkit.is_idle


def test_what_the_brain_wants_last_is_done_when_it_is_closed_and_no_event_comes_any_more(member: Case) -> None:
    member.driver.brain.leave()
    member.driver.close()
    member.driver.pump()
    assert member.said[-1] == b"\x04\x01demot/leave"
    assert [type(event) for event in member.events] == [Joined]
    assert member.toolkit.is_idle


def test_who_leaves_is_told_so(member: Case) -> None:
    member.driver.brain.leave()
    member.driver.pump()
    assert member.events[-1] == Ended(EndReason.LEFT, "You left.")
    member.toolkit.pass_time(100.0)
    assert member.toolkit.is_idle


@pytest.mark.parametrize("make", [room, lobby])
def test_what_is_closed_at_once_asks_nobody(make: Callable[[], RoomBrain | LobbyBrain]) -> None:
    case = Case(make)
    case.driver.start()
    case.driver.close()
    case.toolkit.pass_time(1.0)
    assert (case.toolkit.lookups, case.events) == ([], [])


@pytest.mark.parametrize("make", [room, lobby])
def test_what_is_closed_while_an_address_is_looked_up_connects_to_nobody(
    make: Callable[[], RoomBrain | LobbyBrain],
) -> None:
    case = Case(make)
    case.toolkit.found = None
    case.start()
    case.driver.close()
    case.toolkit.lookups[0].answer(["192.0.2.1"])
    case.toolkit.pass_time(100.0)
    assert (case.toolkit.wires, case.toolkit.ports, case.events) == ([], [], [])


class OpenTls(FakeTls):
    """TLS that changes nothing, and says nothing of its own."""

    def feed(self, data: bytes) -> bytes:
        self.proven = self.proven or bool(data)  # there is no hello
        return data.removeprefix(b"proof")

    def write(self, data: bytes) -> None:
        self._out += data

    def end(self) -> None:
        """Say nothing."""


def follower(*, encrypted: bool = False) -> RoomBrain:
    return RoomBrain(
        Operation.JOIN, "demo", "ann", server=str(SERVER), random=lambda: 1.0, receipts=True,
        new_nonce=lambda: "an attempt of ann", encrypted=encrypted,
    )  # fmt: skip


@pytest.mark.requirement("CLU-01")
def test_who_is_sent_on_connects_and_speaks_there() -> None:
    case = Case(follower)
    case.sends_on = Server("other:9010")
    case.start()
    assert [lookup.host for lookup in case.toolkit.lookups] == ["relay", "other"]
    assert [(wire.port, wire.closed) for wire in case.toolkit.wires] == [(9000, True), (9010, True)]
    assert case.toolkit.port.way == (LOCAL, "192.0.2.1", 9001)
    assert [type(event) for event in case.events] == [Joined]


@pytest.mark.requirement("CLU-01", "TCP-12")
def test_each_server_proves_itself_by_the_certificate_that_was_told() -> None:
    asked: list[tuple[ServerAddress, str]] = []

    def secure(server: ServerAddress, fingerprint: str) -> FakeTls:
        asked.append((server, fingerprint))
        return OpenTls()

    case = Case(partial(follower, encrypted=True), secure)
    case.sends_on = Server("other:9010", PRINT)
    case.start()
    case.toolkit.wire.deliver(b"proof")
    assert asked == [(SERVER, ""), (ServerAddress("other", 9010), PRINT)]


@pytest.mark.requirement("CLU-02")
def test_where_there_are_other_servers_one_that_takes_no_connection_is_soon_given_up() -> None:
    case = Case(follower)
    case.completion = replace(
        case.completion, ticket="T", features=frozenset({*Feature} - {Feature.SEALED}),
        servers=(Server(str(SERVER)), Server("other:9010")),
    )  # fmt: skip
    case.start()
    case.silent = True
    assert case.say("hello")
    case.toolkit.pass_time(2.0)
    assert (case.toolkit.wire.port, case.toolkit.wire.closed) == (9010, False)
    case.toolkit.pass_time(HASTY_SECONDS)
    assert case.toolkit.wire.closed
    assert isinstance(case.events[-1], Reconnecting)


def test_a_new_port_speaks_where_the_old_one_did_whatever_tcp_reached_meanwhile() -> None:
    case = Case(follower)
    case.sends_on = Server("other:9010")
    case.start()
    case.toolkit.found = ["192.0.2.2"]
    case.sends_on, case.answers = None, False
    case.driver.brain._outbox.act(OpenStream(), CloseStream(), BindDatagram(9001, again=True))
    case.driver.pump()
    assert case.toolkit.port.way == (LOCAL, "192.0.2.1", 9001)
