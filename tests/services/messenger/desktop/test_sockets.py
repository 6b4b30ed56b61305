"""Brains on Qt's sockets, against a real relay and one that does as it is told."""

import socket
import threading
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from chatbrain import (
    Ended,
    EndReason,
    Event,
    Fault,
    Joined,
    Message,
    Rebound,
    Reconnecting,
    Rejoined,
    Stage,
)
from chatbrain.join_request import TRANSACTION_SECONDS
from chatbrain.liveness import DEAF_SECONDS
from chatclient.names import Address
from chatproto import Disconnected, EvictionReason, MemberJoined, MemberLeft, Status, encode_notice
from conformance.relays import OwnRelay
from libs.chatclient.backstage import Backstage
from libs.chatclient.tiny_relay import babbler
from messenger.desktop.sockets import QtLoop
from services.messenger.desktop.people import Crowd, Person


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRelay]:
    own = OwnRelay(Path(tmp_path_factory.mktemp("relay")) / "log", {})
    yield own
    own.stop()


@pytest.fixture
def server(relay: OwnRelay) -> str:
    return f"127.0.0.1:{relay.relay.tcp_port}"


def texts(person: Person) -> list[str]:
    return [event.text for event in person.events if isinstance(event, Message)]


def test_two_talk_both_ways_and_one_leaves(crowd: Crowd, server: str) -> None:
    ann = crowd.room(server, create=True)
    assert ann.wait_for(Joined).host
    bob = crowd.room(server, "bob")
    assert not bob.wait_for(Joined).host
    assert ann.wait_for(MemberJoined).name == "bob"
    ann.say("hello こんにちは")
    message = bob.wait_for(Message)
    assert (message.sender, message.text) == ("ann", "hello こんにちは")
    bob.say("hi")
    assert ann.wait_for(Message).text == "hi"
    bob.brain.leave()
    bob.link.pump()
    assert bob.wait_for(Ended).reason is EndReason.LEFT
    assert ann.wait_for(MemberLeft).name == "bob"


def test_what_the_brain_wants_last_is_done_when_the_link_is_closed(crowd: Crowd, server: str) -> None:
    ann = crowd.room(server, create=True)
    ann.wait_for(Joined)
    bob = crowd.room(server, "bob")
    ann.wait_for(MemberJoined)
    bob.brain.leave()
    bob.link.close()
    ann.wait_for(MemberLeft)
    assert not any(isinstance(event, Ended) for event in bob.events)


def test_a_refusal_ends_it(crowd: Crowd, server: str) -> None:
    ended = crowd.room(server).wait_for(Ended)
    assert (ended.reason, ended.status) == (EndReason.REFUSED, Status.NO_SUCH_ROOM)


def test_the_lobby(crowd: Crowd, relay: OwnRelay, server: str) -> None:
    first, second = (crowd.lobby(server, relay.relay.lobby_port) for _ in range(2))
    first.wait_for(Joined)
    second.wait_for(Joined)
    first.say("hi all")
    assert second.wait_for(Message).text == "hi all"


def test_nobody_there(crowd: Crowd) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        ended = crowd.room(f"127.0.0.1:{reserved.getsockname()[1]}").wait_for(Ended)
    assert (ended.reason, ended.finding and ended.finding.fault) == (EndReason.UNREACHABLE, Fault.REFUSED)


def test_a_relay_that_does_not_answer_is_given_up_in_time(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    relay.answers = False
    ann = crowd.room(server)
    crowd.wait_until(lambda: relay.received != b"")
    crowd.skip(TRANSACTION_SECONDS)
    ended = ann.wait_for(Ended)
    assert ended.finding
    assert ended.finding.fault is Fault.NO_ANSWER


@pytest.mark.parametrize(
    ("answer", "fault"), [(b"", Fault.HUNG_UP), (b"SSH-2.0-OpenSSH_9.2\r\n" + bytes(11), Fault.NO_RELAY)]
)
def test_who_closes_in_the_middle_or_is_no_relay(
    crowd: Crowd, backstage: Backstage, answer: bytes, fault: Fault
) -> None:
    ended = crowd.room(backstage.enter(babbler(answer))).wait_for(Ended)
    assert (ended.reason, ended.finding and ended.finding.fault) == (EndReason.UNREACHABLE, fault)


def test_long_silence_leads_to_a_new_port(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    ann = crowd.room(server)
    ann.wait_for(Joined)
    _, before = backstage.heard(relay)
    crowd.skip(DEAF_SECONDS)
    ann.wait_for(Rebound)
    while backstage.heard(relay)[1] == before:  # a keep-alive was due, too
        pass
    ann.say("still here")
    assert ann.wait_for(Message).text == "still here"
    assert ann.brain.stage is Stage.CHATTING


def test_who_is_evicted_comes_back(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    ann = crowd.room(server)
    ann.wait_for(Joined)
    _, address = backstage.heard(relay)
    backstage.call(relay.transport.sendto, encode_notice(Disconnected(EvictionReason.SHUTDOWN)), address)
    cause = ann.wait_for(Reconnecting).cause
    assert cause.eviction is EvictionReason.SHUTDOWN
    ann.wait_for(Rejoined)
    ann.say("again")
    ann.wait_for(Message)
    assert len(relay.tcp_peers) == 2


def test_who_must_not_come_back_does_not(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    ann = crowd.room(server)
    ann.wait_for(Joined)
    _, address = backstage.heard(relay)
    backstage.call(relay.transport.sendto, encode_notice(Disconnected(EvictionReason.KICKED)), address)
    assert ann.wait_for(Ended).eviction is EvictionReason.KICKED


def test_a_closed_port_is_noticed_at_once(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    ann = crowd.room(server)
    ann.wait_for(Joined)
    backstage.heard(relay)
    backstage.call(relay.transport.close)
    ann.say("anybody?")  # the answer is an ICMP error
    ann.wait_for(Rebound)


def test_over_ipv6(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay("::1")
    ann = crowd.room(server)
    ann.wait_for(Joined)
    ann.say("hi")
    assert ann.wait_for(Message).text == "hi"
    _, address = backstage.heard(relay)
    assert address[0] == "::1"


def test_datagrams_come_from_the_address_that_tcp_came_from(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay("127.0.0.2")
    crowd.room(server).wait_for(Joined)
    _, (host, port) = backstage.heard(relay)
    assert host == relay.tcp_peers[0][0]
    assert port != relay.tcp_peers[0][1]


def test_a_link_that_is_closed_at_once_asks_nobody(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    ann = crowd.room(server)
    ann.link.close()
    crowd.room(server, "bob").wait_for(Joined)
    assert len(relay.tcp_peers) == 1
    assert ann.events == []


def test_a_link_that_is_closed_leaves_nothing_open(crowd: Crowd, backstage: Backstage) -> None:
    _, server = backstage.relay()
    ann = crowd.room(server)
    ann.wait_for(Joined)
    ann.link.close()
    assert ann.brain.stage is Stage.CHATTING  # it could go on
    crowd.wait_until(lambda: not crowd.loop.children())
    ann.link.pump()
    assert not crowd.loop.children()


def test_an_event_may_lead_to_the_end_of_its_own_link(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    ann = crowd.room(server)

    def leave(event: Event) -> None:
        ann.events.append(event)
        ann.brain.leave()
        ann.link.pump()
        ann.link.close()
        ann.link.close()

    ann.link._on_event = leave
    ann.wait_for(Joined)
    said = [backstage.heard(relay)[0] for _ in range(2)]
    assert said == [b"", b"/leave"]
    assert [type(event) for event in ann.events] == [Joined]


def test_an_event_may_lead_to_words_before_the_next_event(crowd: Crowd, backstage: Backstage) -> None:
    _, server = backstage.relay()
    ann = crowd.room(server)

    def answer(event: Event) -> None:
        ann.events.append(event)
        if isinstance(event, Joined):
            ann.say("one")
            ann.say("two")

    ann.link._on_event = answer
    ann.wait_for(Message, 2)
    assert texts(ann) == ["one", "two"]


def test_a_new_port_has_the_address_that_tcp_had(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    ann = crowd.room(server)
    ann.wait_for(Joined)
    ann.link._way = Address(socket.AF_INET, ("127.0.0.5", 0)), ann.link._way[1]
    crowd.skip(DEAF_SECONDS)
    ann.wait_for(Rebound)
    while backstage.heard(relay)[1][0] != "127.0.0.5":
        pass


def test_a_timer_fires_while_a_flood_comes_in(crowd: Crowd, backstage: Backstage) -> None:
    relay, server = backstage.relay()
    ann = crowd.room(server)
    ann.wait_for(Joined)
    _, address = backstage.heard(relay)
    at_ticks: list[int] = []
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: at_ticks.append(len(ann.events)))
    timer.start()
    crowd.wait_until(lambda: bool(at_ticks))

    def flood() -> None:
        for _ in range(5000):
            relay.transport.sendto(b"x: y", address)

    backstage.call(flood)
    crowd.wait_until(lambda: len(ann.events) > 200)  # more than the system keeps is lost
    ann.say("over")
    crowd.wait_until(lambda: texts(ann)[-1] == "over")
    timer.stop()
    steps = [after - before for before, after in pairwise(at_ticks)]
    assert max(steps) <= 64


def port_of(server: str) -> int:
    return int(server.rpartition(":")[2])


def test_a_name_is_asked_for(crowd: Crowd, backstage: Backstage) -> None:
    _, server = backstage.relay()
    crowd.room(f"localhost:{port_of(server)}").wait_for(Joined)


def test_each_address_of_a_name_is_tried(crowd: Crowd, backstage: Backstage, monkeypatch: pytest.MonkeyPatch) -> None:
    relay, server = backstage.relay()
    several = [Address(socket.AF_INET, (f"127.0.0.{last}", 0)) for last in (2, 3, 1)]
    monkeypatch.setattr("chatclient.names._look_up", lambda _host, _flags: several)
    ann = crowd.room(f"relay:{port_of(server)}")
    ann.wait_for(Joined)
    ann.say("hi")
    ann.wait_for(Message)
    relay.lobby = True
    bob = crowd.lobby("relay", relay.udp_port)
    bob.wait_for(Joined)
    bob.say("hi")
    bob.wait_for(Message)


@pytest.mark.parametrize(
    ("host", "fault"), [("a..b", Fault.BAD_HOST), ("nobody.invalid", Fault.UNKNOWN_HOST)], ids=["bad", "unknown"]
)
@pytest.mark.parametrize("lobby", [False, True], ids=["room", "lobby"])
def test_a_host_that_is_none(crowd: Crowd, host: str, fault: Fault, *, lobby: bool) -> None:
    person = crowd.lobby(host, 9002) if lobby else crowd.room(host)
    ended = person.wait_for(Ended)
    assert (ended.reason, ended.finding and ended.finding.fault) == (EndReason.UNREACHABLE, fault)


def test_a_lobby_where_nobody_listens(crowd: Crowd) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as reserved:
        reserved.bind(("127.0.0.1", 0))
        ended = crowd.lobby("127.0.0.2", reserved.getsockname()[1]).wait_for(Ended)
    assert (ended.reason, ended.finding and ended.finding.fault) == (EndReason.UNREACHABLE, Fault.NO_LOBBY)


def test_who_is_called_back_may_ask_to_be_called_no_more(qtbot: QtBot) -> None:
    loop, calls = QtLoop(), list[str]()
    here, there = socket.socketpair()
    with here, there:

        def read() -> None:
            calls.append("read")
            loop.remove_reader(here.fileno())
            loop.add_writer(here.fileno(), write)

        def write() -> None:
            calls.append("write")
            loop.remove_writer(here.fileno())

        loop.add_reader(here.fileno(), read)
        there.send(b"not taken")
        qtbot.waitUntil(lambda: not loop.children())
        loop.remove_reader(here.fileno())
        assert calls == ["read", "write"]


def test_timers_call_back_in_order_unless_they_are_cancelled(qtbot: QtBot) -> None:
    loop, calls = QtLoop(), list[int]()
    timers = [loop.call_at(loop.time() + number / 1000, partial(calls.append, number)) for number in (30, 10, 20, 0)]
    timers[2].cancel()
    loop.call_at(loop.time() + 1e9, lambda: calls.append(-1)).cancel()
    assert calls == []
    qtbot.waitUntil(lambda: len(calls) == 3)
    assert calls == [0, 10, 30]
    for timer in timers:
        timer.cancel()


def test_another_thread_has_its_callback_called_in_this_one(qtbot: QtBot) -> None:
    loop, threads = QtLoop(), list[int]()
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(lambda: threads.append(threading.get_ident()),))
    thread.start()
    thread.join()
    assert threads == []
    qtbot.waitUntil(lambda: bool(threads))
    assert threads == [threading.get_ident()]
