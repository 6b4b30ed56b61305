"""Clusters whose nodes, directory and networks break: what is true of rooms all the same (CLU-03).

`make simulate-cluster` lives through more.
"""

from dataclasses import replace
from typing import Any

import pytest

from relay_server.core import reclaiming
from relay_server.core.home_actions import CallFailure, OpenRoom
from relay_server.core.homes import Homes
from relay_server.core.homing import Homing
from relay_server.core.known_room import Tenancy
from relay_server.core.model import Residence
from relay_server.core.nodes import Nodes, Verdict
from services.relay_server.core.cluster_world.world import BrokenError, World, live_through

HISTORIES = 180
ENOUGH = 300
"""In so many histories a broken rule shows."""


@pytest.mark.slow
@pytest.mark.parametrize("part", range(6))
def test_rooms_survive_what_breaks(part: int) -> None:
    for seed in range(part, HISTORIES, 6):
        live_through(seed)


@pytest.mark.slow
def test_rooms_of_journals_are_there_again() -> None:
    worlds = [live_through(seed) for seed in range(40)]
    assert sum(world.reclaimed for world in worlds) >= 5


def broken_by(prepare: Any = lambda _: None, since: int = 0, **more: Any) -> str:
    """Live through histories, the first of which is number ``since``, until something is broken; returns what."""
    for seed in range(since, since + ENOUGH):
        world = World(seed, **more)
        prepare(world)
        try:
            world.run()
        except BrokenError as error:
            return str(error)
    return "nothing"


def test_a_directory_that_compares_no_revisions_is_noticed() -> None:
    def prepare(world: World) -> None:
        world.directory.compares = False

    assert "went from" in broken_by(prepare) or "as it was before" in broken_by(prepare)


def test_adopting_without_a_question_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nodes, "judge", lambda self, *_: Verdict.GONE if self.connected else Verdict.AWAY)
    assert "which lives" in broken_by()


@pytest.mark.slow
def test_believing_the_bus_alone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nodes, "_probe", lambda *_: None)
    assert "which lives" in broken_by()


def test_a_home_that_yields_to_nobody_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    keep = Homing._keep

    def keep_all(homing: Homing[Any], known: Any, mine: Any) -> bool:
        if known.record is not None and not homing.is_own(known.record) and known.giving is None:
            return False
        return keep(homing, known, mine)

    monkeypatch.setattr(Homing, "_keep", keep_all)
    assert " is at " in broken_by()


@pytest.mark.slow
def test_a_home_that_repairs_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Homes, "on_caught_up", lambda *_: None)
    assert broken_by(since=400) != "nothing"  # it shows in few


@pytest.mark.slow
def test_a_write_without_an_answer_that_is_forgotten_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Homing._note_failure

    def forget(homing: Homing[Any], known: Any, call: Any, failure: CallFailure) -> None:
        failed(homing, known, call, failure)
        homing._later.clear()

    monkeypatch.setattr(Homing, "_note_failure", forget)
    assert broken_by() != "nothing"


@pytest.mark.needs("interpreted")
def test_kicks_that_no_record_tells_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Residence, "kick", lambda *_: None)
    assert "from where it was kicked" in broken_by()


def test_serving_the_journals_rooms_without_a_question_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    reclaim = Homing._reclaim

    def believe(homing: Homing[Any], known: Any, tenancy: Tenancy) -> bool:
        if known.record is None:
            return reclaim(homing, known, tenancy)
        known.reclaims = None
        known.mine = homing._adopted(replace(known.record, term=tenancy.term, first_seat=tenancy.first_seat))
        homing.actions.append(OpenRoom(known.mine))
        return True

    monkeypatch.setattr(Homing, "_reclaim", believe)
    assert "serves it again" in broken_by()


@pytest.mark.slow
def test_members_of_an_older_tenancy_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tenancy, "is_of", lambda *_: True)
    monkeypatch.setattr(reclaiming, "_is_of", lambda *_: True)
    assert broken_by() != "nothing"
