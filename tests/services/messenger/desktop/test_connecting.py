"""From names to connections: which addresses are tried, for how long, and what is said of those that fail."""

import socket
from collections.abc import Callable

import pytest
from PySide6.QtNetwork import QHostAddress, QHostInfo, QNetworkProxy

from chatbrain import Ended, EndReason, Fault, Joined, Message
from messenger.desktop import connecting
from services.messenger.desktop.people import Backstage, Crowd


class Names:
    """Stands for Qt's way of asking for addresses."""

    def __init__(self, *addresses: str) -> None:
        self.info = QHostInfo()
        self.info.setAddresses([QHostAddress(address) for address in addresses])
        self.asked: list[Callable[[QHostInfo], None]] = []

    def lookupHost(self, _: str, answer: Callable[[QHostInfo], None]) -> None:  # noqa: N802 - Qt's name
        self.asked.append(answer)
        if self.info.addresses():
            answer(self.info)


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    """Let all names have these addresses; without any, nobody answers."""

    def know(*addresses: str) -> Names:
        names = Names(*addresses)
        monkeypatch.setattr(connecting, "QHostInfo", lambda: names)
        return names

    return know


def port_of(server: str) -> int:
    return int(server.rpartition(":")[2])


def test_a_name_is_asked_for(crowd: Crowd, backstage: Backstage) -> None:
    _, server = backstage.relay()
    crowd.room(f"localhost:{port_of(server)}").wait_for(Joined)


def test_a_proxy_for_the_web_is_not_used(crowd: Crowd, backstage: Backstage) -> None:
    _, server = backstage.relay()
    before = QNetworkProxy.applicationProxy()
    QNetworkProxy.setApplicationProxy(QNetworkProxy(QNetworkProxy.ProxyType.HttpProxy, "127.0.0.3", 9))
    try:
        ann = crowd.room(server)
        ann.wait_for(Joined)
        ann.say("hi")
        ann.wait_for(Message)
    finally:
        QNetworkProxy.setApplicationProxy(before)


def test_an_address_that_refuses_is_followed_by_the_next(
    crowd: Crowd, backstage: Backstage, know: Callable[..., Names]
) -> None:
    _, server = backstage.relay()
    know("::1", "127.0.0.3", "127.0.0.1")
    ann = crowd.room(f"relay:{port_of(server)}")
    ann.wait_for(Joined)
    ann.say("hi")
    ann.wait_for(Message)


def test_an_address_that_says_nothing_is_followed_by_the_next(
    crowd: Crowd, backstage: Backstage, know: Callable[..., Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, server = backstage.relay()
    know("127.0.0.2", "127.0.0.1")
    monkeypatch.setattr(connecting, "_NEXT_ADDRESS_SECONDS", 0.01)
    with socket.socket() as silent, socket.socket() as first, socket.socket() as second:
        silent.bind(("127.0.0.2", port_of(server)))
        silent.listen(0)
        for caller in (first, second):  # with these its queue is full, and who calls then isn't answered
            caller.setblocking(False)
            caller.connect_ex(silent.getsockname())
        crowd.room(f"relay:{port_of(server)}").wait_for(Joined)


def test_when_all_refuse_it_is_over(crowd: Crowd, know: Callable[..., Names]) -> None:
    know("127.0.0.2", "127.0.0.3")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        ended = crowd.room(f"relay:{reserved.getsockname()[1]}").wait_for(Ended)
    assert ended.finding
    assert ended.finding.fault is Fault.REFUSED


def test_the_lobby_is_looked_for_at_each_address(
    crowd: Crowd, backstage: Backstage, know: Callable[..., Names]
) -> None:
    relay, _ = backstage.relay()
    relay.lobby = True
    know("127.0.0.2", "::1", "127.0.0.1")
    ann = crowd.lobby("relay", relay.udp_port)
    ann.wait_for(Joined)
    ann.say("hi")
    assert ann.wait_for(Message).text == "hi"


def test_a_lobby_where_nobody_listens(crowd: Crowd, know: Callable[..., Names]) -> None:
    know("127.0.0.2", "127.0.0.3")
    with socket.socket(type=socket.SOCK_DGRAM) as reserved:
        reserved.bind(("127.0.0.1", 0))
        ended = crowd.lobby("relay", reserved.getsockname()[1]).wait_for(Ended)
    assert (ended.reason, ended.finding and ended.finding.fault) == (EndReason.UNREACHABLE, Fault.REFUSED)


@pytest.mark.parametrize(
    ("host", "fault"), [("a..b", Fault.BAD_HOST), ("nobody.invalid", Fault.UNKNOWN_HOST)], ids=["bad", "unknown"]
)
@pytest.mark.parametrize("lobby", [False, True], ids=["room", "lobby"])
def test_a_host_that_is_none(crowd: Crowd, host: str, fault: Fault, *, lobby: bool) -> None:
    person = crowd.lobby(host, 9002) if lobby else crowd.room(host)
    ended = person.wait_for(Ended)
    assert (ended.reason, ended.finding and ended.finding.fault) == (EndReason.UNREACHABLE, fault)


def test_a_name_server_that_says_nothing_is_waited_for_no_longer_than_for_a_relay(
    crowd: Crowd, know: Callable[..., Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    know()
    monkeypatch.setattr(connecting, "LOOKUP_SECONDS", 0.01)
    ended = crowd.lobby("elsewhere", 9002).wait_for(Ended)
    assert ended.finding
    assert ended.finding.fault is Fault.NO_ANSWER


def test_who_stops_waiting_for_an_address_asks_nobody_there(
    crowd: Crowd, backstage: Backstage, know: Callable[..., Names]
) -> None:
    relay, server = backstage.relay()
    names = know()
    people = [crowd.room(f"relay:{port_of(server)}"), crowd.lobby("relay", relay.udp_port)]
    crowd.wait_until(lambda: len(names.asked) == 2)
    for person in people:
        person.link.close()
    names.info.setAddresses([QHostAddress("127.0.0.1")])
    for answer in names.asked:
        answer(names.info)
    assert not crowd.links.children()
    assert not any(person.events for person in people)
