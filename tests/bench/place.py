"""Where the measurement takes place: which CPUs, and a network namespace without packet filters."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

_INSIDE: Final = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


class Cpus(NamedTuple):
    """The CPU that runs what is measured, and the one that runs the load."""

    relay: int
    load: int


def choose_cpus() -> Cpus:
    """Take the first two CPUs that this process may use; with only one, both are the same."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cpus(allowed[0], allowed[1 % len(allowed)])


def why_no_fresh_network() -> str:
    """Say why a network namespace of one's own can't be had; empty if it can."""
    if os.geteuid() != 0:
        return "only root can make a network namespace"
    if missing := [program for program in ("unshare", "ip") if not shutil.which(program)]:
        return f"`{missing[0]}` is not installed"
    done = subprocess.run([*_INSIDE, "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "the system allows no network namespace"


def run_in_fresh_network(arguments: list[str]) -> None:
    """Become a process in a network namespace of its own, with nothing but loopback."""
    sys.stdout.flush()
    os.execvp(_INSIDE[0], [*_INSIDE, *arguments])  # noqa: S606 - no shell reads the arguments


@contextmanager
def coming_first(relay: int) -> Iterator[None]:
    """Let the relay and what this thread starts wait for no other program, where that is allowed.

    Else latencies would be of those.
    """
    with suppress(PermissionError):
        for pid in (relay, 0):
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
