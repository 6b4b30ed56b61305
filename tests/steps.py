"""How much work something is, as a count that no other load of the machine changes."""

import gc
import sys
from collections.abc import Callable


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
