"""From a relay's name to a connection that may be spoken over, on a toolkit in memory."""

import pytest

from chatbrain import Ended, Fault, Finding, ServerAddress, Stream, TlsFailedError
from chatbrain.findings import HUNG_UP, NO_ANSWER
from chatbrain.stream import NEXT_ADDRESS_SECONDS, Path
from libs.chatbrain.fake_toolkit import DISTRUSTED, EXPIRED, LOCAL, FakePort, FakeTls, FakeToolkit, FakeWire

SERVER = ServerAddress("relay", 9000)
REFUSED = Finding(Fault.REFUSED, "connection refused")


class Case:
    def __init__(self, *addresses: str, secure: bool = False, patience_seconds: float | None = None) -> None:
        self.toolkit = FakeToolkit(self)
        self.toolkit.found = list(addresses)
        self.opened: list[Path] = []
        self.data: list[bytes] = []
        self.ends: list[Finding | Ended] = []
        self.written: list[bytes] = []
        self.answers: dict[str, bool] = {}
        self.stream = Stream(
            self.toolkit,
            SERVER,
            FakeTls if secure else None,
            on_open=self.opened.append,
            on_data=self.data.append,
            on_end=self.ends.append,
            patience_seconds=patience_seconds,
        )

    def called(self, wire: FakeWire) -> None:
        answer = self.answers.get(wire.address)
        if answer:
            wire.open()
        elif answer is False:
            wire.end(REFUSED)

    def told(self, _wire: FakeWire, data: bytes) -> None:
        self.written.append(data)

    def heard_datagram(self, _port: FakePort, data: bytes) -> None:
        raise AssertionError(data)


def test_what_stands_tells_its_path_and_carries_bytes_both_ways() -> None:
    case = Case("a")
    case.stream.start()
    case.stream.write(b"early")  # Nobody writes so early; the toolkit's wire would keep it.
    case.toolkit.wire.open()
    case.stream.write(b"hi")
    case.toolkit.wire.deliver(b"hello")
    assert (case.opened, case.data) == ([Path(LOCAL, LOCAL, "a")], [b"hello"])
    assert case.written[-1] == b"hi"
    case.stream.close()
    case.stream.write(b"late")
    assert (case.written[-1], case.toolkit.is_idle, case.ends) == (b"hi", True, [])


def test_an_address_that_refuses_or_says_nothing_is_followed_by_the_next() -> None:
    case = Case("a", "b", "c")
    case.answers = {"a": False, "c": True}
    case.stream.start()
    assert [wire.address for wire in case.toolkit.wires] == ["a", "b"]
    case.toolkit.pass_time(NEXT_ADDRESS_SECONDS - 0.1)
    assert not case.opened
    case.toolkit.pass_time(0.1)
    assert [path.remote for path in case.opened] == ["c"]
    assert [wire.closed for wire in case.toolkit.wires] == [True, True, False]
    case.toolkit.pass_time(100.0)
    assert (len(case.toolkit.wires), case.toolkit.timers) == (3, [])


def test_the_last_address_has_all_the_time_there_is() -> None:
    case = Case("a", "b")
    case.answers = {"a": False}
    case.stream.start()
    case.toolkit.pass_time(100.0)
    assert not case.ends
    case.toolkit.wire.end(REFUSED)
    assert (case.ends, case.toolkit.is_idle) == ([REFUSED], True)


def test_an_address_that_answers_is_the_only_one() -> None:
    case = Case("a", "b")
    case.answers = {"a": True}
    case.stream.start()
    case.toolkit.pass_time(100.0)
    case.toolkit.wire.end()
    assert (len(case.toolkit.wires), case.ends) == (1, [HUNG_UP])


def test_a_name_that_is_none_ends_it() -> None:
    case = Case()
    case.toolkit.found = REFUSED
    case.stream.start()
    assert case.ends == [REFUSED]


@pytest.mark.parametrize("found", [["a"], REFUSED], ids=["found", "not found"])
def test_what_is_closed_tells_nothing(found: list[str] | Finding) -> None:
    case = Case()
    case.toolkit.found = None
    case.stream.close()
    case.stream.start()
    case.toolkit.lookups[0].answer(found)
    assert (case.toolkit.wires, case.ends) == ([], [])


def test_by_tls_nothing_is_said_or_heard_before_the_relay_is_proven() -> None:
    case = Case("a", secure=True)
    case.answers = {"a": True}
    case.stream.start()
    case.stream.write(b"too early")
    assert (case.written, case.opened) == ([b"HELLO"], [])
    case.toolkit.wire.deliver(b"proofwelcome")
    assert ([path.remote for path in case.opened], case.data) == (["a"], [b"welcome"])
    case.stream.write(b"hi")
    case.toolkit.wire.deliver(b"GOOD DAY")
    case.stream.close()
    assert (case.written[1:], case.data[1:]) == ([b"HI", b"BYE"], [b"good day"])


@pytest.mark.parametrize(
    ("answer", "end", "alert"), [(b"bad", DISTRUSTED, [b"ALERT"]), (b"junk", EXPIRED, [])], ids=["distrusted", "no tls"]
)
def test_who_is_not_the_one_that_is_meant_hears_an_alert_at_most(
    answer: bytes, end: Finding | Ended, alert: list[bytes]
) -> None:
    case = Case("a", secure=True)
    case.answers = {"a": True}
    case.stream.start()
    case.toolkit.wire.deliver(answer)
    case.stream.write(b"secret")
    assert (case.ends, case.opened, case.data) == ([end], [], [])
    assert case.written == [b"HELLO", *alert]
    assert case.toolkit.is_idle


def test_a_name_that_tls_cannot_take_ends_it() -> None:
    def refuse() -> FakeTls:
        raise TlsFailedError(EXPIRED)

    case = Case("a")
    case.stream._make_secure = refuse
    case.answers = {"a": True}
    case.stream.start()
    assert (case.ends, case.opened, case.toolkit.is_idle) == ([EXPIRED], [], True)


def test_what_closes_it_when_it_opens_hears_nothing_more() -> None:
    case = Case("a", secure=True)
    case.answers = {"a": True}
    case.stream._on_open = lambda _path: case.stream.close()
    case.stream.start()
    case.toolkit.wire.deliver(b"proofwelcome")
    assert (case.data, case.written) == ([], [b"HELLO", b"BYE"])


def test_where_there_are_other_servers_the_last_address_has_little_time_too() -> None:
    case = Case("a", "b", patience_seconds=0.5)
    case.stream.start()
    case.toolkit.pass_time(0.9)
    assert ([wire.address for wire in case.toolkit.wires], case.ends) == (["a", "b"], [])
    case.toolkit.pass_time(0.1)
    assert (case.ends, case.toolkit.is_idle) == ([NO_ANSWER], True)


def test_a_server_that_takes_the_connection_has_all_the_time_there_is() -> None:
    case = Case("a", patience_seconds=0.5)
    case.answers = {"a": True}
    case.stream.start()
    case.toolkit.pass_time(100.0)
    assert (len(case.opened), case.ends) == (1, [])
