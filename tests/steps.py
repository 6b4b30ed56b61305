"""How much work something is, as a count that no other load of the machine changes."""

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def count_steps(run: Callable[[], object]) -> int:
    """Run something and return how many calls and returns there were, of functions in Python and in C."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    gc.collect()
    gc.disable()  # a collection in between may call what has nothing to do with this
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
        gc.enable()
    return steps


@contextmanager
def counted_calls(*files: str) -> Iterator[Counter[str]]:
    """Count which functions of these files are called in the block, in this thread."""
    counted: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.endswith(files):
            counted[frame.f_code.co_name] += 1

    sys.setprofile(note)
    try:
        yield counted
    finally:
        sys.setprofile(None)
