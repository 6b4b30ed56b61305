"""What the next process has of the one before when it is replaced: the state on disk, and all counts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.people import People
from conformance.tls import Authority
from e2e.relay_metrics import await_metrics, scrape
from e2e.replacing import running
from ports import free_ports
from replaceable import ReplaceableRelay
from waiting import DEADLINE_SECONDS

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="relays take over on Linux alone"),
    pytest.mark.timeout(180),
]


@pytest.fixture(params=["uvloop", "asyncio"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"RELAY_EVENT_LOOP": str(request.param), "RELAY_COMPLETION_PAUSE_SECONDS": "0"}


def test_the_state_on_disk_goes_over_with_its_lock(settings: dict[str, str], tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    kept = settings | {"RELAY_STATE_DIRECTORY": os.fspath(directory)}
    with running(tmp_path / "log", kept) as relay, People(relay.relay) as people:
        people.pair(b"demo")
        relay.replace()
        people.join(b"demo", b"eve")
        refused = subprocess.run(
            [sys.executable, "-m", "relay_server", "run"], check=False, capture_output=True, text=True,
            env=os.environ | kept | {f"RELAY_{name}_PORT": str(port) for name, port in
                                     zip(("TCP", "UDP", "LOBBY", "OPS"), free_ports(4), strict=True)},
        )  # fmt: skip
        assert (refused.returncode, "another relay uses it" in refused.stderr) == (2, True)
        await_metrics(relay, lambda now: now.value("relay_state_current") == 1)
        relay.process.kill()
        relay.process.wait(DEADLINE_SECONDS)
        relay.start_again()
        assert scrape(relay).value("relay_members") == 3


@pytest.mark.requirement("CON-01", "CON-02")
def test_no_counter_falls(settings: dict[str, str], tmp_path: Path) -> None:
    (web,) = free_ports(1)
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    authority = {f"RELAY_{name.upper()}": value for name, value in Authority(tmp_path).settings.items()}
    more = {"RELAY_STATE_DIRECTORY": os.fspath(directory), "RELAY_WEB_PORT": str(web), **authority}
    with running(tmp_path / "log", settings | more) as relay, People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        ann.say(b"/topic tea")
        bob.await_notice(b"topic: tea")
        ann.say(b"hello")
        assert bob.hear() == b"ann: hello"
        await_metrics(relay, lambda now: now.value("relay_state_writes_total") > 0)
        before = counts_of(relay)
        relay.replace()
        after = counts_of(relay)
        assert {name: after.get(name) for name, count in before.items() if after.get(name, -1.0) < count} == {}


def counts_of(relay: ReplaceableRelay) -> dict[str, float]:
    """Return all that only grows, but what the process's runtime counts."""
    lines = (line.rsplit(" ", 1) for line in relay.ops("/metrics").splitlines() if line.startswith("relay_"))
    grows = re.compile(r"\w+_(total|count|sum|bucket)(\{.*)?")
    return {name: float(value) for name, value in lines if grows.fullmatch(name)}


@pytest.mark.parametrize("other", [True, False])
def test_a_state_that_is_left_behind_brings_nobody_back(settings: dict[str, str], tmp_path: Path, other: bool) -> None:
    """Threat N15: who is kicked afterwards would be in again by a start with the settings of before."""
    before, after = tmp_path / "before", tmp_path / "after"
    for directory in (before, after):
        directory.mkdir(mode=0o700)
    kept = settings | {"RELAY_STATE_DIRECTORY": os.fspath(before)}
    with running(tmp_path / "log", kept) as relay, People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        relay.replace({"RELAY_STATE_DIRECTORY": os.fspath(after) if other else ""})
        await_metrics(relay, lambda _: not (before / "journal").exists())
        ann.say(b"/kick bob")
        bob.await_notice(b"disconnected: kicked")
        relay.process.kill()
        relay.process.wait(DEADLINE_SECONDS)
        relay.start_again()
        assert scrape(relay).value("relay_members") == 0
