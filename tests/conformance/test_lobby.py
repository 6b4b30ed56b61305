"""The lobby: one chat for all, without rooms."""

import contextlib
import secrets
from collections.abc import Callable, Iterator

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Listener, People, call
from conformance.relays import Relay

pytestmark = pytest.mark.level("extension")

Enter = Callable[[bytes], Listener]


@pytest.fixture(scope="session")
def regulars(relay: Relay) -> Iterator[list[Listener]]:
    """Open three sockets for all tests: nobody can leave a lobby, and a relay may cap clients per address."""
    with call(relay) as connection:
        local, numeric = connection.getsockname()[0], connection.getpeername()[0]
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Listener((numeric, relay.lobby_port), local)) for _ in range(3)]


@pytest.fixture
def enter(regulars: list[Listener]) -> Enter:
    """Let somebody into the lobby with a keep-alive; what its socket heard in other tests is forgotten."""
    free = iter(regulars)

    def enter_lobby(name: bytes) -> Listener:
        listener = next(free)
        listener.waiting()
        listener.send(wire.lobby(name))
        return listener

    return enter_lobby


def heard(listener: Listener, after: Listener) -> list[bytes]:
    """Let ``after`` say a last word and return everything of this test that came before it.

    It says it again until it is heard, as its name is another one: a relay limits how often names change (LOB-05).
    """
    last_word = wire.lobby(b"last", secrets.token_bytes(8).hex().encode())
    datagrams: list[bytes] = []

    def is_last(data: bytes) -> bool:
        datagrams.append(data)
        return data == last_word

    listener.receive_until(is_last, nudge=lambda: after.send(last_word))
    return datagrams[:-1]


@pytest.mark.requirement("LOB-01", "LOB-02", "LOB-03")
def test_a_message_is_relayed_unchanged_to_all_but_its_sender(enter: Enter) -> None:
    ann, bob, eve = enter(b"ann"), enter(b"bob"), enter(b"eve")
    said = wire.lobby("漢字".encode(), "こんにちは\n\x1b[2J".encode())
    ann.send(said)
    assert heard(bob, after=eve) == [said]
    assert said in heard(eve, after=bob)
    assert said not in heard(ann, after=bob)


@pytest.mark.requirement("LOB-02")
def test_a_client_is_known_from_its_first_datagram_on(people: People, enter: Enter) -> None:
    ann = enter(b"ann")
    newcomer = people.listener(people.relay.lobby_port, people.local)
    newcomer.send(wire.lobby(b"bob", b"hello"))
    assert ann.receive_until(lambda data: data == wire.lobby(b"bob", b"hello"))
    ann.send(wire.lobby(b"ann", b"welcome"))
    assert newcomer.receive() == wire.lobby(b"ann", b"welcome")


@pytest.mark.requirement("LOB-01")
def test_sizes_go_to_their_limits(enter: Enter) -> None:
    ann, bob = enter(b"ann"), enter(b"bob")
    for name, message in ((b"n", b"x" * 4094), (b"n" * 255, b"x" * 3840), (b"n", b"x"), (b"n" * 255, b"x")):
        ann.send(wire.lobby(name, message))
        assert bob.receive() == wire.lobby(name, message)
    for size in (4097, 5000, 9000):
        ann.send(wire.lobby(b"ann", b"x" * (size - 4)))
    assert heard(bob, after=ann) == []


@pytest.mark.requirement("LOB-03")
def test_an_empty_message_is_not_relayed(enter: Enter) -> None:
    ann, bob = enter(b"ann"), enter(b"bob")
    ann.send(wire.lobby(b"ann"))
    assert heard(bob, after=ann) == []


@pytest.mark.requirement("LOB-04", "EVI-01")
def test_a_silent_client_is_removed_and_told(start_relay: StartRelay) -> None:
    relay = start_relay(silence_timeout_seconds=0.5).relay
    with People(relay) as people:
        ann = people.listener(relay.lobby_port, people.local)
        bob = people.listener(relay.lobby_port, people.local)
        bob.send(wire.lobby(b"bob"))

        def keep_ann() -> None:
            ann.send(wire.lobby(b"ann", b"are you there?"))

        goodbye = wire.lobby(b"server", b"disconnected: silence")
        assert bob.receive_until(lambda data: data == goodbye, nudge=keep_ann)
        keep_ann()
        carol = people.listener(relay.lobby_port, people.local)
        carol.send(wire.lobby(b"carol", b"hello"))
        assert ann.receive() == wire.lobby(b"carol", b"hello")
        assert bob.waiting() == []


@pytest.mark.parametrize(
    "datagram",
    [
        b"\0",
        b"\0hello",
        b"\x05ann",
        b"\xff",
        wire.lobby(b"server", b"hi"),
        wire.lobby(b"SERVER", b"hi"),
        wire.lobby("ѕerver".encode(), b"hi"),  # noqa: RUF001 - a look-alike
        wire.lobby("server\u200b".encode(), b"hi"),
        wire.lobby(b"\x1bserver", b"hi"),
        wire.lobby(b"\xff\xfe", b"hi"),
        wire.lobby(b"ann", b"\xff\xfe"),
    ],
)
@pytest.mark.requirement("LOB-05", "CON-03")
def test_invalid_datagrams_are_dropped_without_an_answer(people: People, enter: Enter, datagram: bytes) -> None:
    ann, bob = enter(b"ann"), enter(b"bob")
    stranger = people.listener(people.relay.lobby_port, people.local)
    stranger.send(datagram)
    ann.send(datagram)
    assert heard(bob, after=ann) == []
    assert stranger.waiting() == []


@pytest.mark.requirement("LOB-02")
def test_rooms_and_lobby_dont_receive_each_others_messages(
    relay: Relay, people: People, room: bytes, enter: Enter
) -> None:
    assert relay.lobby_port != relay.udp_port
    ann, bob = people.pair(room)
    dora, eve = enter(b"dora"), enter(b"eve")
    dora.send(wire.lobby(b"dora", b"in the lobby"))
    ann.say(b"in the room")
    assert bob.heard(after=ann) == [b"ann: in the room"]
    assert heard(eve, after=dora) == [wire.lobby(b"dora", b"in the lobby")]
