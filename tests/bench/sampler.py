"""Run the relay, and look by a timer of its own user time which Python function it is in.

    python -m bench.sampler FILE ARGUMENT...

The arguments are those of relay-server. At its end FILE has a line of JSON for each sample: the monotonic time, the
part of the relay, the function. No thread takes part: it would only ever see the main thread where that waits.
"""

import asyncio
import dis
import json
import math
import runpy
import signal
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Final

_COARSE_CLOCK: Final = 6
"""CLOCK_MONOTONIC_COARSE, whose resolution is the kernel's tick."""
TICK_SECONDS: Final = math.ceil(time.clock_getres(_COARSE_CLOCK) * 1e6) / 1e6
"""The kernel counts a process's own time in ticks. A timer that repeats itself more often than that lags behind, and
runs out in the kernel's time, too, so that system calls seem to take more of our own time than they do."""
_RESUME: Final = dis.opmap["RESUME"]


class Part(StrEnum):
    """What user time is spent on."""

    PACKING = "calls and packing"
    DECIDING = "decisions"
    LOOP = "event loop"
    REST = "rest"


_PARTS: Final = (
    ("relay_server.net.loop", Part.LOOP),
    ("relay_server.net", Part.PACKING),
    ("ctypes", Part.PACKING),
    ("relay_server.core", Part.DECIDING),
    ("chatproto", Part.DECIDING),
    ("relay_server", Part.REST),
    ("asyncio", Part.LOOP),
)
"""By the beginning of a module's name; others work for who called them."""


def part_of(module: str) -> Part | None:
    """Return the part that a module belongs to, if it is one of ours or the loop's."""
    for package, part in _PARTS:
        if module == package or module.startswith(f"{package}."):
            return part
    return None


def judge(frame: FrameType | None) -> tuple[Part, str]:
    """Return what the time before this moment was spent on, and in which function."""
    while frame and part_of(_module_of(frame)) is None:
        frame = frame.f_back
    if frame is None:
        return Part.REST, "elsewhere"
    if _is_called_by_loop(frame):
        return Part.LOOP, "the loop's C code"
    part = part_of(_module_of(frame))
    assert part
    return part, f"{_module_of(frame)}.{frame.f_code.co_qualname}"


def _is_called_by_loop(frame: FrameType) -> bool:
    """Tell whether the loop has only just called a function: what took time was its C code, which has no frames."""
    if frame.f_back is None or frame.f_code.co_code[max(frame.f_lasti, 0)] != _RESUME:
        return False
    return part_of(_module_of(frame.f_back)) is Part.LOOP


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def before_asyncio_closes(do: Callable[[], None]) -> None:
    """Do something before a loop of asyncio's own is closed.

    It closes the socket by which signals wake it before it tells Python so: a signal between the two is an error.
    """
    close = asyncio.SelectorEventLoop.close

    def close_after(loop: asyncio.SelectorEventLoop) -> None:
        do()
        close(loop)

    asyncio.SelectorEventLoop.close = close_after  # type: ignore[method-assign, assignment]


def main() -> None:
    """Run the relay to its end."""
    file, *sys.argv[1:] = sys.argv[1:]
    samples: list[tuple[float, str, str]] = []

    def sample(_number: int, frame: FrameType | None) -> None:
        samples.append((time.monotonic(), *judge(frame)))

    def stop() -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    signal.signal(signal.SIGVTALRM, sample)
    signal.siginterrupt(signal.SIGVTALRM, False)
    before_asyncio_closes(stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, TICK_SECONDS, TICK_SECONDS)
    try:
        runpy.run_module("relay_server", run_name="__main__")
    finally:
        stop()
        Path(file).write_text("".join(f"{json.dumps(each)}\n" for each in samples), encoding="utf-8")


if __name__ == "__main__":
    main()
