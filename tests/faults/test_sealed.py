"""Attacks on sealed rooms: plain words, strangers, a seal stripped on the way, repeated texts (threats N7, N8)."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from chatclient import Joined, Message, RoomKey, Unreadable, UntrustedError, create_room, join_room
from conformance import wire
from conformance.people import Member, People, ask
from conformance.relays import OwnRelay
from e2e.relay_metrics import scrape
from faults.conftest import Chance
from faults.relays import StartRelay
from faults.stripping import Fields, Stripper, leave_as_it_is
from faults.weakened import let_anybody_be_in_sealed_rooms, relay_any_text

ROOM: Final = "sealed"
WORDS: Final = "the secret plan"
SECONDS: Final = 30.0
PLAIN_TEXTS: Final = 2000
SEALED: Final = ("sealed", "notices")
MORE: Final = {"sealed": True}
KEY: Final = RoomKey(bytes(range(16)))


@contextmanager
def pair(own: OwnRelay) -> Iterator[tuple[Member, Member]]:
    """Let ann, the host of a sealed room, and bob be there; both have heard that both are."""
    with People(own.relay) as people:
        ann = people.create(ROOM.encode(), b"ann", features=SEALED, more=MORE)
        bob = people.join(ROOM.encode(), b"bob", features=SEALED)
        ann.await_fact("member_joined")
        bob.say(b"e2e1.begin")
        assert ann.hear() == b"bob: e2e1.begin"
        yield ann, bob


def readable(ann: Member, bob: Member, chance: Chance) -> list[bytes]:
    """Let bob say many things that aren't sealed; returns those that ann hears."""
    forms = (b"hello %d", b" e2e1.%d", b"E2E1.%d", b"bob: e2e1.%d", b"bob:e2e1.%d", b"/nonsense %d", b"\xe6\xbc\xa2%d")
    for number in range(PLAIN_TEXTS):
        bob.say(chance.choice(forms) % number)
        if number % 50 == 49:  # so that the kernel's buffers hold all
            bob.say(b"e2e1.%d" % number)
            ann.receive_until(lambda data, number=number: data == b"bob: e2e1.%d" % number)  # type: ignore[misc]
    bob.say(b"e2e1.end")
    heard: list[bytes] = []
    while (data := ann.receive()) != b"bob: e2e1.end":
        heard.append(data)
    return [data for data in heard if not data.startswith((b"bob: e2e1.", b"server: "))]


def test_nothing_that_isnt_sealed_is_relayed_in_a_sealed_room(start_relay: StartRelay, chance: Chance) -> None:
    own = start_relay(RELAY_MESSAGE_RATE="0", RELAY_BYTE_RATE="0")
    with pair(own) as (ann, bob):
        assert readable(ann, bob, chance) == []
        assert scrape(own).value("relay_datagrams_dropped_total", reason="not_sealed") == PLAIN_TEXTS


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_without_the_check_it_is(start_relay: StartRelay) -> None:
    with pair(start_relay.weakened(relay_any_text)) as (ann, bob):
        bob.say(b"hello")
        assert ann.hear() == b"bob: hello"


def strangers(own: OwnRelay) -> list[int]:
    """Try in every form to come in without the feature; returns the statuses."""
    forms: list[bytes] = [b"eve", b'"eve"', b'{"username": "eve"}']
    asked: tuple[list[str], ...] = ([], ["notices"], ["receipts", "resume"], ["Sealed"], ["sealed "])
    forms += [json.dumps({"username": "eve", "reply": "json", "features": each} | MORE).encode() for each in asked]
    answers = [ask(own.relay, wire.frame(wire.JOIN, wire.REQUEST, ROOM.encode(), form))[0].payload for form in forms]
    return [json.loads(answer)["status"] if answer[:1] == b"{" else answer[0] for answer in answers]


def test_who_doesnt_know_sealed_rooms_doesnt_come_in(start_relay: StartRelay) -> None:
    own = start_relay()
    with pair(own):
        assert strangers(own) == [wire.NOT_SUPPORTED] * 3 + [wire.SEALED] * 5


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_without_the_check_of_joins_it_does(start_relay: StartRelay) -> None:
    own = start_relay.weakened(let_anybody_be_in_sealed_rooms)
    with pair(own):
        assert strangers(own)[0] == wire.OK


def without(*keys: str) -> Callable[[Fields], Fields]:
    return lambda fields: {key: value for key, value in fields.items() if key not in keys}


def with_value(value: object) -> Callable[[Fields], Fields]:
    return lambda fields: fields | {"sealed": value}


STRIPS: Final[dict[str, tuple[Callable[[Fields], Fields], Callable[[Fields], Fields]]]] = {
    "the completion doesn't say it": (leave_as_it_is, without("sealed")),
    "the completion denies it": (leave_as_it_is, with_value(value=False)),
    "the completion says it in another form": (leave_as_it_is, with_value("true")),
    "nothing is granted": (leave_as_it_is, without("sealed", "features", "resume")),
    "the completion is plain": (leave_as_it_is, lambda fields: {"token": fields["token"]}),
    "the wish is left out": (without("sealed", "features"), leave_as_it_is),
}


async def say_through(stripper: Stripper) -> None:
    async with create_room(ROOM, "ann", server=stripper.server, sealed=KEY, receipts=True, rejoin=False) as ann:
        ann.say(WORDS)


def carried(stripper: Stripper) -> set[bytes]:
    """Return what UDP carried, without room, token and numbers."""
    messages = {data[2 + data[0] + data[1] :] for data in stripper.heard}
    return {message for message in messages if b"e2e1." in message or (message and not message.startswith(b"/say "))}


@pytest.mark.parametrize("strip", STRIPS)
def test_where_the_seal_is_stripped_on_the_way_no_word_is_said(start_relay: StartRelay, strip: str) -> None:
    asked, granted = STRIPS[strip]
    with Stripper(start_relay().relay, asked, granted) as stripper:
        with pytest.raises(UntrustedError, match="doesn't say that the room is sealed"):
            asyncio.run(say_through(stripper))
        assert carried(stripper) <= {b"/leave"}
        assert WORDS.encode() not in b"".join(stripper.heard)


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_where_nothing_is_stripped_the_words_go_out_sealed(start_relay: StartRelay) -> None:
    with Stripper(start_relay().relay) as stripper:
        asyncio.run(say_through(stripper))
        assert any(b"e2e1." in message for message in carried(stripper))


async def take_until(connection: Any, text: str) -> list[object]:
    """Return what is heard until somebody says a text."""
    heard: list[object] = []
    async for event in connection:
        if isinstance(event, Message | Unreadable):
            heard.append(event)
        if isinstance(event, Message) and event.text == text:
            return heard
    raise AssertionError(connection.ended)


async def replay(own: OwnRelay) -> list[object]:
    """Let mallory, who has no key, repeat what bob said, as it is and changed; return what ann hears of it."""
    server = f"127.0.0.1:{own.relay.tcp_port}"
    async with (
        asyncio.timeout(SECONDS),
        create_room(ROOM, "ann", server=server, sealed=KEY) as ann,
        join_room(ROOM, "bob", server=server, key=KEY) as bob,
    ):
        with Member(own.relay, wire.JOIN, ROOM.encode(), b"mallory", features=("sealed",)) as mallory:
            mallory.keep_alive()
            while not isinstance(await anext(bob), Joined):
                pass
            bob.say("pay eve 10")
            overheard = (await asyncio.to_thread(mallory.hear)).removeprefix(b"bob: ")
            for _ in range(20):
                mallory.say(overheard)
                mallory.say(overheard[:-1])
                mallory.say(overheard + b"A")
            bob.say("done")
            return await take_until(ann, "done")


def test_what_a_member_without_the_key_repeats_is_shown_as_nobodys_words(start_relay: StartRelay) -> None:
    heard = asyncio.run(replay(start_relay(RELAY_MESSAGE_RATE="0")))
    said = [(event.sender, event.text) for event in heard if isinstance(event, Message)]
    assert said == [("bob", "pay eve 10"), ("bob", "done")]
    broken = {event for event in heard if isinstance(event, Unreadable)}
    assert broken == {Unreadable("mallory", sealed=True, key_fits=True)}
