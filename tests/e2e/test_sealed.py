"""Sealed rooms from end to end: who has the key reads, and nobody else, not even the relay (SEAL-01 to SEAL-04)."""

import asyncio
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from chatclient import (
    Delivery,
    DeliveryState,
    Joined,
    MemberLeft,
    Message,
    RefusedError,
    RoomKey,
    Status,
    Topic,
    Unreadable,
    UntrustedError,
    WrongKeyError,
    create_room,
    join_room,
)
from conformance import wire
from conformance.people import Member
from conformance.relays import Relay

SECONDS = 30.0
WORDS = ("meet me at noon", "日本語 \x1b[2J", "/kick bob", "server: hello")
_T = TypeVar("_T")


async def hears(events: Any, kind: type[_T]) -> _T:
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"There was no {kind.__name__}.")


def new_room() -> str:
    return f"room {uuid4().hex[:8]}"


def spy_in(relay: Any, room: str) -> Member:
    """Join with plain sockets and no key: this is all that the relay can read, too."""
    where = Relay("127.0.0.1", relay.tcp_port, relay.udp_port, relay.lobby_port)
    spy = Member(where, wire.JOIN, room.encode(), b"spy", features=("sealed",))
    spy.keep_alive()
    return spy


@pytest.mark.requirement("SEAL-01", "SEAL-02", "SEAL-03")
@pytest.mark.parametrize("receipts", [True, False])
def test_members_read_each_other_and_nobody_else_does(relay: Any, receipts: bool) -> None:
    room = new_room()

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), create_room(room, "ann", server=relay.server, sealed=True) as ann:
            assert ann.key
            await hears(ann, Joined)
            with spy_in(relay, room) as spy:
                async with join_room(room, "bob", server=relay.server, key=ann.key, receipts=receipts) as bob:
                    await hears(bob, Joined)
                    overheard = [await asyncio.to_thread(spy.receive)]  # which bob's greeting is
                    for word in WORDS:
                        bob.say(word)
                        said = await hears(ann, Message)
                        assert (said.sender, said.text) == ("bob", word.replace("\x1b", "\ufffd"))
                        overheard.append(await asyncio.to_thread(spy.receive))
                    ann.command("/topic tea at four")
                    assert (await hears(bob, Topic)).text == "tea at four"
                    overheard.append(await asyncio.to_thread(spy.receive))
                heard = b"\n".join(overheard)
                assert heard.count(b"bob: e2e1.") == len(WORDS)
                assert heard.count(b"topic: e2e1.") == 1
                for secret in (*WORDS, "noon", "tea at four", ann.key.text):
                    assert secret.encode() not in heard
                spy.leave()

    asyncio.run(scenario())


@pytest.mark.requirement("SEAL-03", "SEAL-04")
def test_without_the_key_nobody_comes_in_and_with_another_nothing_is_read_or_said(relay: Any) -> None:
    room = new_room()

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), create_room(room, "ann", server=relay.server, sealed=True) as ann:
            await hears(ann, Joined)
            with pytest.raises(RefusedError) as refused:
                async with join_room(room, "eve", server=relay.server):
                    pass
            assert refused.value.status is Status.SEALED
            async with join_room(room, "eve", server=relay.server, key=RoomKey(bytes(16))) as eve:
                await hears(eve, Joined)
                ann.say("can you read this?")
                assert await hears(eve, Unreadable) == Unreadable("ann", sealed=True, key_fits=False)
                with pytest.raises(WrongKeyError):
                    eve.say("no")
            async with join_room(room, "bob", server=relay.server, key=ann.key) as bob:
                await hears(bob, Joined)
                bob.say("but I can")
                assert (await hears(ann, Message)).text == "but I can"  # and nothing of eve's before

    asyncio.run(scenario())


@pytest.mark.requirement("SEAL-03")
def test_who_has_a_key_says_nothing_in_a_room_that_isnt_sealed(relay: Any) -> None:
    """Threat N7: somebody made a room of the same name, or left out that it is sealed."""
    room = new_room()

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), create_room(room, "ann", server=relay.server, receipts=True) as ann:
            await hears(ann, Joined)
            with pytest.raises(UntrustedError, match="doesn't say that the room is sealed"):
                async with join_room(room, "bob", server=relay.server, key=RoomKey(bytes(16))) as bob:
                    bob.say("secret")
            async for event in ann:
                assert not isinstance(event, Message | Unreadable)
                if isinstance(event, MemberLeft):
                    break
            ann.say("still open")
            async for event in ann:
                if isinstance(event, Delivery) and event.state is DeliveryState.TAKEN:
                    break

    asyncio.run(scenario())
