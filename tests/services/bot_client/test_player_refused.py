"""How often a bot asks to be let in that isn't; nobody answers but what a test says, so that the asking is counted."""

import asyncio
from collections.abc import Iterable, Iterator
from random import Random

import pytest

from bot_client.attendance import Attendance, Run
from bot_client.casting import Role
from bot_client.ledger import Ledger
from bot_client.player import Player, PlayError
from bot_client.settings import Settings
from bot_client.steps import AnyStep, Create, Enter, Join, Lobby
from chatclient import Status


def play(monkeypatch: pytest.MonkeyPatch, step: AnyStep, answers: Iterable[Status | None], **settings: object) -> int:
    """Play one step; returns how often it was asked before it was given up."""
    asked, said = 0, iter(answers)

    async def answer(_: Attendance, _door: object) -> Status | None:
        nonlocal asked
        asked += 1
        return next(said)

    monkeypatch.setattr(Attendance, "come", answer)
    run = Run(Settings.load(settings), Ledger(5.0, lambda _: None), lambda _: None, None, rejoin=True)
    role = Role("Ann", "demo", 0.0, [step], (), "", "x", 1, 1)
    asyncio.run(Player(role, run, Random(1)).play())
    return asked


def forever(status: Status | None) -> Iterator[Status | None]:
    while True:
        yield status


@pytest.mark.parametrize("status", [Status.BAD_NAME, Status.ROOM_FULL, Status.NOT_SUPPORTED])
@pytest.mark.parametrize("step", [Create.model_construct(), Join.model_construct(), Lobby.model_construct()])
def test_what_will_not_pass_is_asked_once(monkeypatch: pytest.MonkeyPatch, status: Status, step: AnyStep) -> None:
    with pytest.raises(PlayError, match="Ann couldn't"):
        play(monkeypatch, step, [status])


def test_who_enters_tries_both_ways_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert play(monkeypatch, Enter.model_construct(), [Status.NO_SUCH_ROOM, Status.OK]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("status", [None, Status.BUSY, Status.SHUTTING_DOWN, Status.TOO_MANY])
def test_what_may_pass_is_asked_again(monkeypatch: pytest.MonkeyPatch, status: Status | None) -> None:
    assert play(monkeypatch, Create.model_construct(), [status, status, Status.OK]) == 3


@pytest.mark.parametrize("status", [None, Status.BUSY])
def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch, status: Status | None) -> None:
    with pytest.raises(PlayError, match="Ann couldn't create"):
        play(monkeypatch, Create.model_construct(), forever(status), patience_seconds=0.2)
