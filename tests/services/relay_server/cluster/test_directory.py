"""Directories do the same, in memory and on NATS: one suite for both."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count

import pytest

from relay_server.cluster.base import (
    AwayError,
    Directory,
    Found,
    GoneError,
    SilentError,
    StaleError,
    TakenError,
)
from services.relay_server.cluster.conftest import Make
from services.relay_server.cluster.hearing import Hearing
from services.relay_server.net.loopback import until


@asynccontextmanager
async def nodes(make: Make, *hearings: Hearing) -> AsyncIterator[list[Directory]]:
    """Start a node n0, n1 and so on for each of those who listen."""
    directories = [make() for _ in hearings]
    try:
        for number, (directory, hearing) in enumerate(zip(directories, hearings, strict=True)):
            await directory.start(f"n{number}", hearing)
        for directory, hearing in zip(directories, hearings, strict=True):
            await until(partial(_is_ready, directory, hearing))
        yield directories
    finally:
        for directory in directories:
            await directory.close()


def _is_ready(directory: Directory, hearing: Hearing) -> bool:
    return directory.is_connected and bool(hearing.caught_up)


def test_writes_by_compare_and_set(make: Make) -> None:
    async def scenario() -> None:
        async with nodes(make, Hearing()) as (directory,):
            first = await directory.create("room.a", b"1")
            with pytest.raises(TakenError):
                await directory.create("room.a", b"2")
            assert await directory.get("room.a") == Found(first, b"1")
            second = await directory.put("room.a", b"2", first)
            assert second > first
            with pytest.raises(StaleError):
                await directory.put("room.a", b"3", first)
            with pytest.raises(StaleError):
                await directory.delete("room.a", first)
            assert await directory.get("room.a") == Found(second, b"2")
            await directory.delete("room.a", second)
            assert await directory.get("room.a") is None
            assert await directory.get("room.b") is None
            with pytest.raises(StaleError):
                await directory.put("room.a", b"3", second)

    asyncio.run(scenario())


def test_a_deleted_key_is_free_and_its_revisions_go_on(make: Make) -> None:
    async def scenario() -> None:
        async with nodes(make, Hearing()) as (directory,):
            first = await directory.create("room.a", b"1")
            await directory.delete("room.a", first)
            again = await directory.create("room.a", b"2")
            assert again > first
            with pytest.raises(TakenError):
                await directory.create("room.a", b"3")
            assert await directory.get("room.a") == Found(again, b"2")

    asyncio.run(scenario())


def test_who_comes_is_told_all_there_is_and_then_each_write(make: Make) -> None:
    async def scenario() -> None:
        async with nodes(make, Hearing()) as (writer,):
            revisions = [await writer.create(f"room.{number}", b"%d" % number) for number in range(300)]
            await writer.delete("room.7", revisions[7])
            late = Hearing()
            reader = make()
            await reader.start("late", late)
            await until(lambda: late.caught_up)
            assert late.values == {f"room.{number}": b"%d" % number for number in range(300) if number != 7}
            assert late.entries["room.8"].revision == revisions[8]
            newest = await writer.put("room.8", b"new", revisions[8])
            await writer.delete("room.9", revisions[9])
            await until(lambda: late.values["room.8"] == b"new" and "room.9" not in late.values)
            assert late.entries["room.8"].revision == newest
            assert (late.listings, late.caught_up) == (1, 1)
            await reader.close()

    asyncio.run(scenario())


def test_an_empty_directory_is_caught_up_with_too(make: Make) -> None:
    async def scenario() -> None:
        hearing = Hearing()
        async with nodes(make, hearing):
            assert (hearing.listings, hearing.caught_up, hearing.values) == (1, 1, {})

    asyncio.run(scenario())


@pytest.mark.slow
def test_2000_raced_creates_of_100_names_have_100_winners(make: Make) -> None:
    async def scenario() -> None:
        async with nodes(make, *(Hearing() for _ in range(4))) as directories:
            tries = [(f"room.{number % 100}", b"%d" % number) for number in range(2000)]
            random.Random(7).shuffle(tries)
            gate = asyncio.Semaphore(64)

            async def attempt(number: int, key: str, value: bytes) -> bytes | None:
                async with gate:
                    try:
                        await directories[number % 4].create(key, value)
                    except TakenError:
                        return None
                    return value

            won = await asyncio.gather(*(attempt(number, *one) for number, one in enumerate(tries)))
            winners = [value for value in won if value is not None]
            assert len(winners) == 100
            found = [await directories[0].get(f"room.{number}") for number in range(100)]
            assert sorted(one.value for one in found if one) == sorted(winners)

    asyncio.run(scenario())


def test_raced_writes_lose_none(make: Make) -> None:
    async def scenario() -> None:
        async with nodes(make, *(Hearing() for _ in range(3))) as directories:
            await directories[0].create("room.a", b"0")

            async def add(directory: Directory) -> None:
                for _ in count():
                    found = await directory.get("room.a")
                    assert found is not None
                    try:
                        await directory.put("room.a", b"%d" % (int(found.value) + 1), found.revision)
                    except StaleError:
                        continue
                    return

            await asyncio.gather(*(add(directory) for directory in directories * 10))
            found = await directories[0].get("room.a")
            assert found is not None
            assert found.value == b"30"

    asyncio.run(scenario())


def test_nodes_hear_beats_and_answer_questions(make: Make) -> None:
    async def scenario() -> None:
        one, other = Hearing(b"one here"), Hearing(b"other here")
        async with nodes(make, one, other) as (first, second):
            await first.beat(b"beat of one")
            await until(lambda: other.beats and one.beats)
            assert one.beats == other.beats == [b"beat of one"]
            assert await first.ask("n1", b"who?") == b"other here"
            assert await second.ask("n0", b"who?") == b"one here"
            assert (one.asked, other.asked) == ([b"who?"], [b"who?"])
            with pytest.raises(GoneError):
                await first.ask("nobody", b"who?")
            await second.close()
            with pytest.raises(GoneError):
                await ask_until_it_is_known(first, "n1")

    asyncio.run(scenario())


async def ask_until_it_is_known(directory: Directory, node: str) -> None:
    """Ask a node that went, until the server knows that, too."""
    while True:
        with suppress(SilentError):
            await directory.ask(node, b"who?")


def test_before_the_start_calls_are_refused_at_once(make: Make) -> None:
    async def scenario() -> None:
        directory = make()
        assert not directory.is_connected
        for call in (
            directory.create("room.a", b"1"), directory.put("room.a", b"1", 1), directory.get("room.a"),
            directory.delete("room.a", 1), directory.ask("n1", b"who?"),
        ):  # fmt: skip
            with pytest.raises(AwayError):
                await call
        await directory.beat(b"unheard")
        await directory.close()

    asyncio.run(scenario())
