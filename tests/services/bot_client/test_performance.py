"""A whole run on a real relay, by the program's own parts."""

import asyncio
from collections.abc import Callable

import pytest

from bot_client.happenings import Happening, Spoken
from bot_client.ledger import Ledger
from bot_client.performance import Performance
from bot_client.scenario import parse_scenario
from bot_client.settings import Settings
from conformance.relays import CommonRelays

TALK = """\
title: Talk
rooms: [desk]
bots:
  - {name: Ann, room: desk, steps: [create, expect: hello, say: hi]}
  - {name: Ben, room: desk, steps: [join, say: hello, expect: hi]}
"""


def perform(relays: CommonRelays, observe: Callable[[Happening], None], stop: asyncio.Event | None = None) -> Ledger:
    relay = relays.get().relay
    settings = Settings.load({"server": f"{relay.host}:{relay.tcp_port}"})

    async def run() -> None:
        performance = Performance(scenario, settings, ledger, observe, "x")
        await performance.run(stop or asyncio.Event())
        assert not performance.failures
        assert performance.elapsed_seconds == performance.elapsed_seconds > 0  # it stands still

    scenario = parse_scenario(TALK, "talk.yaml", settings)
    ledger = Ledger(5.0, lambda _: None)
    asyncio.run(run())
    return ledger


@pytest.mark.slow
def test_all_leave_at_the_end_and_every_copy_is_in_the_books(common_relays: CommonRelays) -> None:
    tally = perform(common_relays, lambda _: None).tally
    assert (tally.sent, tally.delivered, tally.lost, tally.outstanding) == (2, 2, 0, 0)
    assert (tally.members, tally.locked_out, tally.joins["ok"]) == (0, 0, 2)


@pytest.mark.slow
def test_what_breaks_in_the_program_itself_ends_the_run(common_relays: CommonRelays) -> None:
    def observe(happening: Happening) -> None:
        if isinstance(happening, Spoken):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        perform(common_relays, observe)


def test_who_wants_the_end_has_it_at_once(common_relays: CommonRelays) -> None:
    stop = asyncio.Event()
    stop.set()
    assert perform(common_relays, lambda _: None, stop).tally.sent == 0
