"""The pace of a filter, against a relay's default limits, and the lines that are on their way."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbrain import Delivery, DeliveryState
from messenger.cli import lines, pipe
from messenger.cli.lines import UnreadableInputError
from messenger.cli.pipe import BURST, BYTES_PER_SECOND, MESSAGES_PER_SECOND, Pace, Spoken, chat_through_pipes

if TYPE_CHECKING:
    from chatclient import Connection


def test_a_few_lines_go_at_once_and_the_rest_steadily() -> None:
    pace = Pace(100.0)
    waits = [pace.wait_seconds(10, 100.0) for _ in range(BURST + 2)]
    assert max(waits[:BURST]) < 1e-9
    assert waits[BURST] > 0.05
    assert abs(waits[BURST + 1] - 2 / MESSAGES_PER_SECOND) < 1e-9


def test_an_hour_of_rest_saves_up_no_more_than_a_burst() -> None:
    pace = Pace(0.0)
    waits = [pace.wait_seconds(10, 3600.0) for _ in range(BURST + 1)]
    assert waits[-1] > 0.05


def test_nobody_waits_for_a_line_that_is_too_long_to_be_said() -> None:
    assert Pace(0.0).wait_seconds(10**9, 0.0) == 0.0


@given(st.lists(st.integers(1, 4096), min_size=1, max_size=300))
def test_it_stays_below_a_relays_limits(sizes: list[int]) -> None:
    pace, now = Pace(0.0), 0.0
    for size in sizes:
        now += pace.wait_seconds(size, now)
    assert len(sizes) <= BURST + MESSAGES_PER_SECOND * now + 1e-6
    assert sum(sizes) <= BYTES_PER_SECOND * (now + BURST / MESSAGES_PER_SECOND) + 1e-6


def test_no_more_lines_are_said_than_may_wait_for_an_answer() -> None:
    async def scenario() -> int:
        spoken = Spoken()
        for number in range(1, 65):
            spoken.follow(number, number, "hello")
        waiting = asyncio.create_task(spoken.room_for(1))
        await asyncio.sleep(0)
        spoken.take(Delivery(1, DeliveryState.SENDING, "hello"))
        spoken.take(Delivery(99, DeliveryState.TAKEN, "of nobody's"))
        await asyncio.sleep(0)
        assert not waiting.done()
        spoken.take(Delivery(1, DeliveryState.TAKEN, "hello"))
        await waiting
        return spoken.lost

    assert asyncio.run(scenario()) == 0


def test_a_line_that_is_lost_is_named_and_a_password_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    spoken = Spoken()
    for number, text in enumerate(("hi\x1b", "/password sesame", "bye"), start=1):
        spoken.follow(number, number, text)
        if number < 3:
            spoken.take(Delivery(number, DeliveryState.NOT_DELIVERED, text, "muted"))
    spoken.give_up()
    assert capsys.readouterr().err.splitlines() == [
        "chat: Line 1 was not delivered (you are muted): hi\N{REPLACEMENT CHARACTER}",
        "chat: Line 2 was not delivered (you are muted): /password",
        "chat: Line 3 was not delivered (no answer came): bye",
    ]
    assert spoken.lost == 3


class SlowRoom:
    """A room whose relay answers when the test says so."""

    room, obeys, ended = "demo", False, None

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.answers: asyncio.Queue[Delivery] = asyncio.Queue()

    def say(self, text: str) -> int:
        self.said.put_nowait(text)
        return 1

    async def __aiter__(self) -> AsyncIterator[Delivery]:
        while True:
            yield await self.answers.get()


@pytest.mark.parametrize("rest", [b"", b"a line without an end"])
def test_after_the_end_of_the_input_answers_are_waited_for(monkeypatch: pytest.MonkeyPatch, rest: bytes) -> None:
    monkeypatch.setattr(pipe, "_LINGER_SECONDS", 0)
    monkeypatch.setattr(lines, "MAX_INPUT_LINE_BYTES", 10)
    readable, writable = os.pipe()
    os.write(writable, b"hello\n")

    async def scenario() -> None:
        room, others = SlowRoom(), set(threading.enumerate())
        chat = asyncio.create_task(chat_through_pipes(cast("Connection", room), stay=False))
        assert await room.said.get() == "hello"
        os.write(writable, rest)
        os.close(writable)
        readers = [each for each in threading.enumerate() if each not in others]
        for reader in readers:  # it ends once the chat has been handed the end of the input
            await asyncio.to_thread(reader.join)
        for _ in range(100):  # more turns of the loop than the end of the chat takes
            await asyncio.sleep(0)
        assert not chat.done()
        room.answers.put_nowait(Delivery(1, DeliveryState.TAKEN, "hello"))
        if rest:
            with pytest.raises(UnreadableInputError):
                await chat
        else:
            assert await chat == (None, 0)

    with os.fdopen(readable) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        asyncio.run(scenario())
