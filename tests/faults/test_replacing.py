"""A new process in the relay's place, under load: nothing is lost, whether it takes over or fails (threat N16)."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import People
from conformance.tls import Authority
from conftest import Figures
from e2e.relay_metrics import scrape
from faults.relays import StartRelay, check_gone
from faults.streamers import Streamer
from faults.town import Town
from replaceable import ReplaceableRelay

ROOMS, MEMBERS = 20, 10
RATE = 2000.0
TIMES = 5
NAMES = ["ann", "bob", "cid", "dee", "eve"]
TLS_TIMES = 3
FAILURES = {
    "bad_setting": "RELAY_TCP_PORT is 'nowhere'",
    "exits": "ended with exit code 3",
    "hangs": "didn't take over in time",
    "dies_with_the_state": "was ended by SIGKILL",
    "hangs_with_the_state": "didn't take over in time",
    "other_format": "reads the state in format 98, 99",
}
CALM_RATE = 100.0
"""Who hangs with the state stops the chat for two seconds, and the kernel's buffer holds some 300 datagrams."""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def relay(start_relay: StartRelay) -> ReplaceableRelay:
    return start_relay.replaceable(RELAY_COMPLETION_PAUSE_SECONDS="0")


@pytest.mark.repeated(3)
@pytest.mark.requirement("CON-01", "CON-02")
def test_five_replacements_lose_nothing(relay: ReplaceableRelay, figures: Figures) -> None:
    with People(relay.relay) as people:
        town = Town(people, ROOMS, MEMBERS)
        pauses = []
        for _ in range(TIMES):
            town.talk_for(1, RATE)
            asked = relay.begin_replacing()
            town.talk_until(lambda: asked.poll() is not None, RATE)  # noqa: B023
            pauses.append(relay.finish_replacing(asked)["pause_ms"])
        town.talk_for(1, RATE)
        town.check_nothing_lost()
        metrics = scrape(relay)
        assert metrics.total("relay_datagrams_dropped_total") == metrics.total("relay_kernel_drops_total") == 0
        assert metrics.value("relay_datagrams_sent_total") == town.deliveries
        assert metrics.value("relay_replacements_total") == TIMES
        figures(f"{town.deliveries} deliveries, none lost; the chat paused for {', '.join(map(str, pauses))} ms")


@pytest.mark.repeated(3)
@pytest.mark.requirement("STR-05", "STR-08")
def test_streams_by_tls_resume_and_lose_nothing(start_relay: StartRelay, tmp_path: Path, figures: Figures) -> None:
    authority = Authority(tmp_path)
    relay = start_relay.replaceable(**{f"RELAY_{name.upper()}": value for name, value in authority.settings.items()})

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            people = [Streamer(b"tea", name, relay.relay.tcp_port, authority.context()) for name in NAMES]
            for person in people:
                await stack.enter_async_context(person.there(wire.CREATE if person is people[0] else wire.JOIN))
            words = 0
            for _ in range(TLS_TIMES):
                replacing = asyncio.create_task(asyncio.to_thread(relay.replace))
                while not replacing.done():
                    words += 1
                    for person in people:
                        await person.say(f"{person.name} {words}")
                    await asyncio.sleep(0.02)
                await replacing
            for person in people:
                await person.until(lambda one=person: one.is_answered)
                await person.until(lambda one=person: len(one.heard) >= (len(NAMES) - 1) * words)
                for other in people:
                    texts = [text for _, text in person.heard if text.startswith(other.name)]
                    assert texts == [f"{other.name} {number}" for number in range(1, words + 1) if other is not person]
                assert not person.gone
            resumes = sorted(seconds for person in people for seconds in person.resumes)
            figures(f"{len(resumes)} resumes, none lost: the longest took {resumes[-1] * 1000:.0f} ms")
            assert len(resumes) == TLS_TIMES * len(NAMES)

    asyncio.run(scenario())


@pytest.mark.repeated(2)
@pytest.mark.parametrize("how", FAILURES)
def test_a_newcomer_that_fails_loses_nothing(relay: ReplaceableRelay, how: str, figures: Figures) -> None:
    rate = CALM_RATE if how == "hangs_with_the_state" else RATE / 2
    settings = {"RELAY_TCP_PORT": "nowhere"} if how == "bad_setting" else {"NEWCOMER": how}
    with People(relay.relay) as people:
        town = Town(people, ROOMS, MEMBERS)
        town.talk_for(0.5, rate)
        asked = relay.begin_replacing(settings)
        town.talk_until(lambda: asked.poll() is not None, rate)
        _, told = asked.communicate()
        assert (asked.returncode, FAILURES[how] in told, "This relay goes on as before." in told) == (1, True, True), (
            told
        )
        town.talk_for(0.5, rate)
        town.check_nothing_lost()
        assert scrape(relay).value("relay_replacements_total") == 0
        figures(f"{town.deliveries} deliveries, none lost")


def test_control_a_relay_that_believes_whoever_is_there_is_gone(start_relay: StartRelay) -> None:
    relay = start_relay.replaceable("believe_whoever_is_there", check_gone)
    with People(relay.relay) as people:
        people.pair(b"demo")
        asked = relay.begin_replacing({"NEWCOMER": "dies_with_the_state"})
        asked.communicate()
        assert relay.process.wait(20) == 0
