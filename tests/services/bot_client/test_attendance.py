"""One bot's place: what becomes of it when it is lost, won back, or gone for good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot_client.attendance import Attendance, Run
from bot_client.happenings import Advised, Entered, Happening, Left, Lost, Spoken
from bot_client.ledger import Ledger
from bot_client.settings import Settings
from chatclient import (
    Advice,
    Connection,
    Delivery,
    DeliveryState,
    Disconnected,
    Ended,
    EndReason,
    Event,
    EvictionReason,
    MemberJoined,
    Message,
    Moved,
    Reconnecting,
    Recovered,
    Rejoined,
    Status,
)

SILENCE = Ended(EndReason.EVICTED, EvictionReason.SILENCE.message, eviction=EvictionReason.SILENCE)
UNREACHABLE = Ended(EndReason.UNREACHABLE, "No relay answers.")


class Placed(Connection):
    """A connection that was never opened, so that nothing but what a test says happens."""

    server = "127.0.0.1:9000"


class Case:
    """Two bots in a room, of whom one hears what a test says."""

    def __init__(self) -> None:
        self.seen: list[Happening] = []
        self.heard: list[tuple[str | None, str]] = []
        self.ledger = Ledger(5.0, lambda _: None)
        self.run = Run(Settings.load({}), self.ledger, self.seen.append, None, rejoin=True)
        self.ann = Attendance("Ann", self.run, lambda sender, text: self.heard.append((sender, text)))
        self.connection = Placed("Ann", "desk", 100)

    async def enter(self, bot: Attendance, connection: Connection) -> None:
        @asynccontextmanager
        async def door() -> AsyncIterator[Connection]:
            yield connection

        assert await bot.come(door) is Status.OK

    async def happen(self, *events: Event) -> None:
        for event in events:
            self.connection.take(event)
        for _ in range(3 * len(events)):  # a turn of the loop for each, and some to spare
            await asyncio.sleep(0)

    @property
    def state(self) -> tuple[bool, int, int]:
        """Whether Ann is in, how many bots are, and how many want to be."""
        return self.ann.present, self.ledger.tally.members, self.ledger.tally.locked_out


def test_who_lost_its_place_is_locked_out_until_it_is_in_again_or_it_is_over() -> None:
    async def scenario() -> None:
        case = Case()
        await case.enter(case.ann, case.connection)
        states = [case.state]
        for event in (
            Disconnected(EvictionReason.SILENCE), Reconnecting(SILENCE, 0.5, 1), Recovered(),
            Reconnecting(UNREACHABLE, 0.5, 1), Reconnecting(UNREACHABLE, 1.0, 2),
            Rejoined(host=False, was_host=False, max_message_bytes=9), Reconnecting(UNREACHABLE, 0.5, 1), UNREACHABLE,
        ):  # fmt: skip
            await case.happen(event)
            states.append(case.state)
        here, gone, wanting = (True, 1, 0), (False, 0, 0), (False, 0, 1)
        assert states == [here, gone, wanting, here, wanting, wanting, here, wanting, gone]
        assert case.ledger.tally.evictions == {EvictionReason.SILENCE: 1}
        assert case.ledger.tally.joins == {"ok": 2}
        assert [type(happening) for happening in case.seen] == [Entered, Lost, Entered, Lost, Entered, Lost]
        assert [text for sender, text in case.heard if sender == "server"] == [
            "disconnected: silence", "disconnected: No relay answers.", "disconnected: No relay answers.",
        ]  # fmt: skip
        await case.ann.close()

    asyncio.run(scenario())


def test_what_the_relay_says_is_heard_and_what_it_says_to_one_alone_is_shown() -> None:
    async def scenario() -> None:
        case = Case()
        await case.enter(case.ann, case.connection)
        await case.happen(MemberJoined("Eve"), Advice("Slow down."), Message(None, "psst", b"psst", 1.0))
        assert case.heard == [("server", "Eve joined"), ("server", "Slow down."), (None, "psst")]
        assert case.seen[1:] == [Advised("desk", "Ann", "Slow down."), Spoken("desk", "?", "psst")]
        await case.ann.leave()
        await case.ann.leave()
        assert case.seen[3:] == [Left("desk", "Ann", host=False)]
        assert case.state == (False, 0, 0)

    asyncio.run(scenario())


def test_what_a_relay_answers_for_is_counted_once() -> None:
    async def scenario() -> None:
        case = Case()
        await case.enter(case.ann, case.connection)
        await case.happen(*(Delivery(1, state, "hi") for state in (DeliveryState.SENDING, DeliveryState.TAKEN)))
        await case.happen(Delivery(2, DeliveryState.NOT_DELIVERED, "ho"))
        assert case.ledger.tally.taken == 1
        await case.ann.close()

    asyncio.run(scenario())


def test_a_bot_that_goes_along_to_another_server_is_in_all_the_time() -> None:
    async def scenario() -> None:
        case = Case()
        await case.enter(case.ann, case.connection)
        await case.happen(Moved("next:9000"))
        assert case.state == (True, 1, 0)
        assert case.ledger.tally.moves == 1
        assert [str(happening) for happening in case.seen[1:]] == ["Ann is at next:9000 now"]
        await case.ann.close()

    asyncio.run(scenario())


def test_people_who_are_no_bots_are_shown_by_the_first_bot_alone_and_then_by_the_next() -> None:
    async def scenario() -> None:
        case = Case()
        ben, bens = Attendance("Ben", case.run, lambda _sender, _text: None), Placed("Ben", "desk", 100)
        await case.enter(case.ann, case.connection)
        await case.enter(ben, bens)
        message = Message("Liz", "hello", b"Liz: hello", 1.0)
        bens.take(message)
        await case.happen(message)
        assert case.seen[2:] == [Spoken("desk", "Liz", "hello")]
        await case.ann.close()
        bens.take(message)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert case.seen[3:] == [Spoken("desk", "Liz", "hello")]
        await ben.close()

    asyncio.run(scenario())


def test_who_waits_in_its_place_waits_no_longer_than_it_has_it() -> None:
    async def scenario() -> None:
        case = Case()
        await case.ann.linger(0.0)
        await case.enter(case.ann, case.connection)
        waiting = asyncio.create_task(case.ann.linger(3600.0))
        await case.happen(MemberJoined("Eve"))
        assert not waiting.done()
        await case.happen(Disconnected(EvictionReason.SILENCE))
        async with asyncio.timeout(20):
            await waiting
        await case.ann.close()

    asyncio.run(scenario())


def test_who_wins_its_place_back_need_not_enter_again() -> None:
    async def scenario() -> None:
        case = Case()
        assert not await case.ann.return_home()
        await case.enter(case.ann, case.connection)
        assert await case.ann.return_home()
        for event, back in ((Recovered(), True), (UNREACHABLE, False)):
            await case.happen(Reconnecting(UNREACHABLE, 0.5, 1))
            returning = asyncio.create_task(case.ann.return_home())
            await asyncio.sleep(0)
            assert not returning.done()
            case.connection.take(event)
            async with asyncio.timeout(20):
                assert await returning is back

    asyncio.run(scenario())
