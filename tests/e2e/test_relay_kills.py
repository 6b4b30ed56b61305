"""A relay that keeps its state is killed in the moment after it told somebody of a change (CONT-01)."""

import signal
from pathlib import Path

import pytest

from conformance.people import People
from conformance.relays import STOP_SECONDS, OwnRelay
from e2e.kills import killed_when_a_join_is_told, killed_when_a_kick_is_told
from e2e.relay_metrics import scrape
from faults.weakening import Weakness, program_with


@pytest.mark.requirement("CONT-01")
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("moment", [killed_when_a_kick_is_told, killed_when_a_join_is_told])
def test_what_somebody_was_told_is_still_true(tmp_path: Path, loop: str, moment: Weakness) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    settings = {
        "RELAY_STATE_DIRECTORY": str(state), "RELAY_EVENT_LOOP": loop, "RELAY_COMPLETION_PAUSE_SECONDS": "0"
    }  # fmt: skip
    relay = OwnRelay(tmp_path / "log", settings, program=program_with(moment))
    with People(relay.relay) as people:
        ann = people.create(b"tea", b"ann")
        if moment is killed_when_a_kick_is_told:
            people.join(b"tea", b"bob")
            ann.say(b"/kick bob")
        assert relay.process.wait(STOP_SECONDS) == -signal.SIGKILL
    again = OwnRelay(tmp_path / "log", settings)
    try:
        assert scrape(again).value("relay_state_restored_members") == 1
    finally:
        code = again.stop()
    assert code == 0
