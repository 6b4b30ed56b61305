"""Where the time goes: every part comes out, and each function counts for its own. Nothing is timed."""

import asyncio
import os
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from bench.calling import bench, needs_linux
from bench.measures import Shape
from bench.profiling import KERNEL, NAMES, Profile, Times
from bench.sampler import Part, before_asyncio_closes, judge, part_of


@needs_linux
@pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_the_parts_of_a_busy_relay_come_out(tmp_path: Path, loop: str) -> None:
    picture = tmp_path / "parts.svg"
    arguments = ("--here", "--profile", "--shape", "20x5", "--seconds", "1", "--runs", "1", "--picture", str(picture))
    done = bench(*arguments, RELAY_EVENT_LOOP=loop)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r" us a delivery +kernel +calls and packing +decisions +event loop +rest +samples\n", done.stdout)
    row = re.search(r"^20 x 5 +([\d.]+)((?: +[\d.]+ \(\d+%\)){5}) +[\d,]+$", done.stdout, re.MULTILINE)
    assert row, done.stdout
    parts = [float(part) for part in re.findall(r"([\d.]+) \(", row[2])]
    assert sum(parts) == pytest.approx(float(row[1]), abs=0.04)
    bars = [each.get("class") for each in ET.parse(picture).iter() if each.get("height") == "16"]  # noqa: S314
    assert bars == [f"part{number}" for number in range(len(NAMES))]


def test_our_own_time_is_divided_as_the_samples_are() -> None:
    profile = Profile(Shape(1, 2))
    profile.kernel_seconds, profile.user_seconds, profile.deliveries = 3.0, 1.0, 2_000_000
    profile.parts = Counter({Part.PACKING: 30, Part.DECIDING: 10})
    assert profile.shares() == {KERNEL: 0.75, Part.PACKING: 0.1875, Part.DECIDING: 0.0625, Part.LOOP: 0, Part.REST: 0}
    assert profile.microseconds == 2.0


def test_without_samples_our_own_time_is_the_rest() -> None:
    profile = Profile(Shape(1, 2))
    profile.kernel_seconds, profile.user_seconds = 3.0, 1.0
    assert profile.shares()[Part.REST] == 0.25


def test_sampling_ends_before_signals_have_nowhere_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.SelectorEventLoop, "close", asyncio.SelectorEventLoop.close)  # which undoes it later
    loop, was_closed = asyncio.SelectorEventLoop(), []
    before_asyncio_closes(lambda: was_closed.append(loop.is_closed()))
    loop.close()
    assert (was_closed, loop.is_closed()) == ([False], True)


@needs_linux
def test_the_times_of_a_process_are_those_that_it_is_told_itself() -> None:
    before, found, after = os.times(), Times.of(os.getpid()), os.times()
    assert before.user <= found.user <= after.user
    assert before.system <= found.kernel <= after.system


@pytest.mark.parametrize(
    ("module", "part"),
    [
        ("relay_server.net.batch", Part.PACKING),
        ("ctypes", Part.PACKING),
        ("relay_server.core.relay", Part.DECIDING),
        ("chatproto.datagram", Part.DECIDING),
        ("asyncio.events", Part.LOOP),
        ("relay_server.net.loop", Part.LOOP),
        ("relay_server.telemetry.metrics", Part.REST),
        ("relay_server_too", None),
        ("heapq", None),
    ],
)
def test_modules_have_their_parts(module: str, part: Part | None) -> None:
    assert part_of(module) is part


def calling(module: str, body: str, **names: object) -> Any:
    """Make a function ``f`` that seems to be of a module."""
    names["__name__"] = module
    exec(f"def f():\n    return {body}\n", names)  # noqa: S102 - of the tests' own text
    return names["f"]


def here() -> FrameType:
    return sys._getframe(1)


def test_a_library_works_for_the_one_that_called_it() -> None:
    library = calling("heapq", "here()", here=here)
    decide = calling("relay_server.core.deadlines", "library()", library=library)
    assert judge(decide()) == (Part.DECIDING, "relay_server.core.deadlines.f")
    assert judge(None) == (Part.REST, "elsewhere")


def test_what_the_loop_has_only_just_called_took_no_time_yet() -> None:
    entered: list[FrameType] = []
    callback = calling("relay_server.net.udp", "1")
    loop = calling("asyncio.events", "callback()", callback=callback)

    def trace(frame: FrameType, _event: str, _argument: object) -> None:
        if frame.f_code is callback.__code__:
            entered.append(frame)
            found.append(judge(frame))

    found: list[tuple[Part, str]] = []
    sys.setprofile(trace)
    try:
        loop()
    finally:
        sys.setprofile(None)
    assert found[0][0] is Part.LOOP
    assert found[-1] == (Part.PACKING, "relay_server.net.udp.f")
