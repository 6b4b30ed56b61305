"""Where the relay's CPU time goes: the kernel's part, and what the relay's own time is spent on."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.joining import join_members
from bench.measures import Shape
from bench.pictures import Bar, draw
from bench.place import Cpus
from bench.programs import Programs, run_load, running_relay
from bench.report import Report
from bench.sampler import Part

KERNEL: Final = "kernel"
NAMES: Final = (KERNEL, *Part)
TOP: Final = 6
"""So many functions are named."""
_TICK: Final = os.sysconf("SC_CLK_TCK")


class Times(NamedTuple):
    """The CPU time of a process in the kernel's mode and in its own, in seconds."""

    kernel: float
    user: float

    @classmethod
    def of(cls, pid: int) -> "Times":
        """Read those of a process so far."""
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return cls(int(fields[12]) / _TICK, int(fields[11]) / _TICK)


class Profile:
    """The time of one shape's runs, and what was seen meanwhile."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.deliveries = 0
        self.kernel_seconds = self.user_seconds = 0.0
        self.parts: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()

    def shares(self) -> dict[str, float]:
        """Return each part's share of all CPU time; of a run too short for any sample, our own time is the rest."""
        parts = self.parts or Counter({Part.REST: 1})
        samples, total = parts.total(), self.kernel_seconds + self.user_seconds or 1.0
        user: dict[str, float] = {part: self.user_seconds / total * parts[part] / samples for part in Part}
        return {KERNEL: self.kernel_seconds / total, **user}

    @property
    def microseconds(self) -> float:
        """The CPU time for a delivery."""
        return (self.kernel_seconds + self.user_seconds) / max(1, self.deliveries) * 1e6

    def add(self, programs: Programs, cpus: Cpus, folder: Path, *, rate: float, seconds: float, sizes: range) -> None:
        """Run the relay under load once more."""
        file = folder / "samples"
        with running_relay(cpus.relay, command=(sys.executable, "-m", "bench.sampler", str(file))) as relay:
            members = join_members(relay.tcp_port, *self.shape)
            before, started_at = Times.of(relay.pid), time.monotonic()
            result = run_load(programs, relay, members, self.shape.members, rate=rate, seconds=seconds, sizes=sizes)
            after, ended_at = Times.of(relay.pid), time.monotonic()
        self.deliveries += result.delivered
        self.kernel_seconds += after.kernel - before.kernel
        self.user_seconds += after.user - before.user
        for line in file.read_text(encoding="utf-8").splitlines():
            at, part, function = json.loads(line)
            if started_at <= at <= ended_at:
                self.parts[part] += 1
                self.functions[function] += 1


def profile(
    programs: Programs, cpus: Cpus, folder: Path, shapes: Sequence[Shape],
    *, rate: float, seconds: float, runs: int, sizes: range,
) -> Report:  # fmt: skip
    """Run the relay in each shape; returns where its time went."""
    profiles = [Profile(shape) for shape in shapes]
    for _ in range(runs):
        for each in profiles:
            each.add(programs, cpus, folder, rate=rate, seconds=seconds, sizes=sizes)
    return Report(
        name="profile",
        method=f"{runs} runs of {seconds:g} s for each shape together, in microseconds of the relay's CPU time for a "
        "delivery",
        rows=[("rooms x members", "us a delivery", *NAMES, "samples"), *map(_row, profiles)],
        picture=_draw(profiles),
        details=[_details(each) for each in profiles],
    )


def _row(profile: Profile) -> tuple[str, ...]:
    parts = (f"{share * profile.microseconds:.2f} ({share:.0%})" for share in profile.shares().values())
    return str(profile.shape), f"{profile.microseconds:.2f}", *parts, f"{profile.parts.total():,}"


def _draw(profiles: Sequence[Profile]) -> str:
    bars = [
        Bar(str(each.shape), [share * each.microseconds for share in each.shares().values()],
            f"{each.microseconds:.2f} us")
        for each in profiles
    ]  # fmt: skip
    return draw("Microseconds of CPU time for a delivery", NAMES, [("rooms x members", bars)])


def _details(profile: Profile) -> str:
    samples = profile.functions.total() or 1
    seen = (
        f"{function.removeprefix('relay_server.')} {count / samples:.0%}"
        for function, count in profile.functions.most_common(TOP)
    )
    return f"{profile.shape}, of the relay's own time: {', '.join(seen)}"
