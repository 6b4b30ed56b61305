"""Facts from end to end: a real relay tells them, a bot and a person's messenger read them."""

import asyncio
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from chatclient import (
    Command,
    CommandDone,
    CommandFailed,
    Connection,
    Failure,
    ListedMember,
    MemberJoined,
    MemberList,
    Muted,
    create_room,
    join_room,
)
from chatclient.links import SocketLinks
from messenger.core.entry import Entry
from messenger.core.messenger import Messenger
from messenger.core.roster import Person
from messenger.presentation.wording import word
from services.messenger.core.fake_relay import FakeIgnored, FakeTrust

SECONDS = 20.0
NAME = "Doe, John"
_T = TypeVar("_T")


async def hears(connection: Connection, kind: type[_T]) -> _T:
    async for event in connection:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"{connection.name} heard no {kind.__name__}.")


@pytest.mark.requirement("FEAT-01", "FEAT-03", "MOD-02", "MOD-05")
def test_a_bot_gets_fields_not_sentences(relay: Any) -> None:
    room = f"room {uuid4().hex[:8]}"

    async def scenario() -> None:
        async with (
            asyncio.timeout(SECONDS),
            create_room(room, "ann", server=relay.server) as ann,
            join_room(room, NAME, server=relay.server) as john,
        ):
            assert await hears(ann, MemberJoined) == MemberJoined(NAME)
            ann.command(f"/mute {NAME}")
            assert await hears(ann, CommandDone) == CommandDone(Command.MUTE, NAME)
            await hears(john, Muted)
            ann.command("/who")
            members = (ListedMember("ann", host=True), ListedMember(NAME, muted=True))
            assert await hears(ann, MemberList) == MemberList(members, 2, 1, more=False)
            john.command("/kick ann")
            assert (await hears(john, CommandFailed)).code is Failure.NOT_HOST

    asyncio.run(scenario())


@pytest.mark.requirement("FEAT-01", "FEAT-03", "MOD-02")
def test_a_person_sees_whose_name_has_a_comma_as_one(relay: Any) -> None:
    room = f"room {uuid4().hex[:8]}"

    async def scenario() -> None:
        links = SocketLinks(asyncio.get_running_loop())
        messenger = Messenger(
            links, FakeTrust(), FakeIgnored(), word=word, random=lambda: 0.5, clock=lambda: datetime.now().astimezone()
        )
        changed = asyncio.Event()
        messenger.on_change = changed.set
        async with asyncio.timeout(SECONDS), create_room(room, NAME, server=relay.server):
            conversation = messenger.enter(Entry.read(relay.server, room, "ann"))
            while not conversation.roster.known:
                changed.clear()
                await changed.wait()
            assert list(conversation.roster.people) == [Person(NAME, host=True), Person("ann")]
            messenger.leave_all()

    asyncio.run(scenario())
