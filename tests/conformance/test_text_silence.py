"""What the exercise's text demands when somebody is silent for long, as far as the relay's time-out is known."""

import pytest

from conformance import wire
from conformance.conftest import Strict
from conformance.plain import HELLO, PATIENCE_SECONDS, Clients, meet, new_word, shown

pytestmark = pytest.mark.level("text")


@pytest.mark.requirement("EVI-01", "EVI-02")
def test_a_silent_member_is_told_of_its_eviction_and_must_join_again(strict: Strict, room: bytes) -> None:
    with Clients(strict.relay) as clients:
        ann, bob = clients.pair(room)
        told = bob.hear_while(
            strict.silence_seconds + PATIENCE_SECONDS,
            lambda: ann.say(b"tick"),
            lambda data: b"tick" not in data and HELLO not in data,
        )
        assert told, "expected a message that it is disconnected, saw none"
        word, last_word = new_word(), new_word()
        bob.say(word)
        again = clients.join(room, b"bob")
        heard = ann.hear_while(
            PATIENCE_SECONDS, lambda: again.say(last_word), lambda data: word in data or last_word in data
        )
        assert heard, "expected to hear who joined again, saw nothing"
        assert word not in heard, f"expected nothing of who is out, saw {shown(heard)}"


@pytest.mark.requirement("ROOM-01", "EVI-04")
def test_a_room_closes_when_its_host_is_silent(strict: Strict, room: bytes) -> None:
    with Clients(strict.relay) as clients:
        ann, bob, eve = clients.create(room, b"ann"), clients.join(room, b"bob"), clients.join(room, b"eve")
        meet(ann, bob, eve)

        def talk() -> None:
            bob.say(b"tick")
            eve.say(b"tick")

        bob.await_quiet(b"tick", talk, strict.silence_seconds + PATIENCE_SECONDS)
        answer = clients.ask(wire.JOIN, room, b"zoe")
        assert not answer.token, f"expected no token for a room that is closed, saw {answer.seen()}"


@pytest.mark.usefixtures("lobby")
@pytest.mark.requirement("LOB-04", "EVI-01")
def test_a_silent_lobby_client_receives_nothing_more(strict: Strict) -> None:
    with Clients(strict.relay) as clients:
        ann, bob = clients.lobby(b"ann"), clients.lobby(b"bob")
        bob.say(HELLO)
        bob.await_quiet(b"tick", lambda: ann.say(b"tick"), strict.silence_seconds + PATIENCE_SECONDS)
