"""Errors that nobody expected: counted, told once, and the end."""

import asyncio
import errno
from collections import Counter
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from relay_server.crashes import SAY_AGAIN_SECONDS, Crashes
from relay_server.telemetry.metrics import Component


class Case:
    """Crashes, and what came of them."""

    def __init__(self) -> None:
        self.counts: Counter[Component] = Counter()
        self.stops = 0
        self.crashes = Crashes(self.counts, self._stop)

    def _stop(self) -> None:
        self.stops += 1


def fail() -> None:
    raise ZeroDivisionError


def test_the_first_is_told_and_all_are_counted() -> None:
    case = Case()
    with capture_logs() as logs:
        case.crashes.crash(Component.LOOP, "it broke", ValueError("one"))
        case.crashes.crash(Component.LOOP, "it broke again", ValueError("two"))
        case.crashes.crash(Component.DRAIN, "and again", None)
    assert case.counts == {Component.LOOP: 2, Component.DRAIN: 1}
    assert case.stops == 3
    assert case.crashes.happened
    assert [(entry["event"], entry["component"], entry["error"]) for entry in logs] == [("crashed", "loop", "it broke")]


def test_one_error_that_is_told_twice_is_one() -> None:
    case, error = Case(), OSError("one")
    for _ in range(2):
        case.crashes.crash(Component.LOOP, "it broke", error)
    assert case.counts == {Component.LOOP: 1}


def test_what_is_caught_doesnt_stop_what_comes_behind() -> None:
    case = Case()
    with case.crashes.caught(Component.TELEMETRY, "it broke"):
        fail()
    assert (case.counts, case.stops) == ({Component.TELEMETRY: 1}, 1)


def test_a_broken_log_keeps_nobody_from_ending(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("a broken log")

    structlog.configure(processors=[broken])
    try:
        case = Case()
        case.crashes.crash(Component.LOOP, "it broke", ZeroDivisionError("the reason"))
    finally:
        structlog.reset_defaults()
    assert (case.stops, case.crashes.happened) == (1, True)
    assert "ZeroDivisionError: the reason" in capsys.readouterr().err


def test_a_page_that_fails_ends_nothing_and_is_told_now_and_then() -> None:
    case = Case()
    with capture_logs() as logs:
        for now in (0.0, 1.0, SAY_AGAIN_SECONDS - 0.1, SAY_AGAIN_SECONDS):
            case.crashes.note_page_error(ValueError("x"), now)
    assert (case.counts, case.stops, case.crashes.happened) == ({Component.PAGE: 4}, 0, False)
    assert [entry["event"] for entry in logs] == ["page_failed"] * 2


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_a_connection_that_cant_be_accepted_ends_nothing(number: int) -> None:
    case, error = Case(), OSError(number, "no more")

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(100):
            case.crashes.on_loop_error(loop, {"message": "accept", "exception": error, "socket": object()})

    with capture_logs() as logs:
        asyncio.run(scenario())
    assert (case.counts, case.stops) == ({}, 0)
    assert [entry["event"] for entry in logs] == ["accept_failed"]


@pytest.mark.parametrize(
    "context",
    [
        {"exception": OSError(errno.EMFILE, "no more")},  # not of accepting
        {"exception": OSError(errno.EBADF, "closed"), "socket": object()},
        {"exception": ValueError("x"), "message": "m"},
        {"message": "without an exception"},
        {},
    ],
)
def test_everything_else_does(context: dict[str, Any]) -> None:
    case = Case()

    async def scenario() -> None:
        case.crashes.on_loop_error(asyncio.get_running_loop(), context)

    asyncio.run(scenario())
    assert (case.counts, case.stops) == ({Component.LOOP: 1}, 1)


@pytest.mark.parametrize(
    ("is_expected", "fails", "counted"), [(False, False, 1), (False, True, 1), (True, False, 0), (True, True, 1)]
)
def test_a_task_may_end_only_when_it_is_expected_to(is_expected: bool, fails: bool, counted: int) -> None:
    case = Case()

    async def work() -> None:
        if fails:
            raise ZeroDivisionError

    async def scenario() -> None:
        task = asyncio.create_task(work())
        case.crashes.watch(task, "it ended", is_expected=lambda: is_expected)
        await asyncio.wait([task])

    asyncio.run(scenario())
    assert case.counts.total() == counted
    assert case.counts[Component.TASK] == counted
