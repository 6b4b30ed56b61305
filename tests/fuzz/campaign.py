"""One harness's run under libFuzzer, in a process of its own: its progress, its figures, and what it found."""

import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from fuzz.corpus import load_harness, read_kept, write_kept

MAX_INPUT_BYTES: Final = 4200
"""A little more than the longest datagram that counts."""
SLOWEST_SECONDS: Final = 30
"""An input that takes longer counts as a failure; far more than any should, even on a busy machine."""
MEMORY_MIB: Final = 1024
REPORT_SECONDS: Final = 10.0

_PULSE: Final = re.compile(r"#(\d+)\s+\w+ +cov: (\d+) ft: (\d+) corp: (\d+)/")
_PASSING: Final = re.compile(r"#\d+\s|Dictionary:|INFO:|WARNING:|stat::|\s*$")


class Bounds(NamedTuple):
    """When a run ends: after so many seconds or inputs, whichever is first; 0 is no bound."""

    seconds: int
    runs: int
    seed: int
    """Of libFuzzer's chance; 0 lets it choose."""


class Figures(NamedTuple):
    """What a run came to."""

    name: str
    inputs: int
    seconds: float
    edges: int
    """Places in the code under test that were reached, as atheris counts them."""
    kept: int
    """Inputs that each reach something of their own."""
    failing: list[Path]
    said: str
    """What the process wrote at its end, if an input failed."""


class Campaign:
    """A harness with its folder, where inputs stay from one run to the next."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder / name
        self._found = self._folder / "found"
        self._found.mkdir(parents=True, exist_ok=True)

    def run(self, bounds: Bounds, report: Callable[[str], None]) -> Figures:
        """Fuzz until a bound is reached or an input fails."""
        harness = load_harness(self.name)
        save(self._found, [*harness.SEEDS, *read_kept(self.name)])
        words = self._folder / "words"
        words.write_text("".join(f'"{escape(word)}"\n' for word in harness.WORDS), "ascii")
        before = set(self._folder.iterdir())
        flags = {
            "max_total_time": bounds.seconds, "runs": bounds.runs or -1, "seed": bounds.seed, "dict": words,
            "max_len": MAX_INPUT_BYTES, "timeout": SLOWEST_SECONDS, "rss_limit_mb": MEMORY_MIB,
            "artifact_prefix": f"{self._folder}/", "print_final_stats": 1,
        }  # fmt: skip
        start = time.monotonic()
        figures, said, code = self._watch([f"-{name}={value}" for name, value in flags.items()], report)
        failing = sorted(set(self._folder.iterdir()) - before)
        if code and not failing:
            raise RuntimeError(f"The fuzzing process ended with exit code {code}:\n{said}")
        inputs, edges, kept = figures
        return Figures(self.name, inputs, time.monotonic() - start, edges, kept, failing, said if failing else "")

    def keep(self) -> int:
        """Keep the fewest inputs that reach all that was reached; returns how many there are."""
        merged = self._folder / "merged"
        merged.mkdir(exist_ok=True)
        for path in merged.iterdir():
            path.unlink()
        self._watch(["-merge=1", str(merged), f"-max_len={MAX_INPUT_BYTES}"], lambda _: None)
        inputs = [path.read_bytes() for path in merged.iterdir()]
        write_kept(self.name, inputs)
        return len(inputs)

    def _watch(self, arguments: list[str], report: Callable[[str], None]) -> tuple[tuple[int, int, int], str, int]:
        """Run the process; returns inputs, edges and kept inputs, what else it said, and its exit code."""
        command = [sys.executable, "-m", "fuzz.guided", self.name, *arguments, str(self._found)]
        last_words: list[str] = []
        figures, reported = (0, 0, 0), time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                if found := _PULSE.match(line):
                    inputs, edges, _, kept = map(int, found.groups())
                    figures = inputs, edges, kept
                    if time.monotonic() - reported > REPORT_SECONDS:
                        reported = time.monotonic()
                        report(f"{self.name}: {inputs:,} inputs, {edges} places reached, {kept} inputs kept")
                elif executed := re.match(r"stat::number_of_executed_units: +(\d+)", line):
                    figures = int(executed[1]), *figures[1:]
                elif not _PASSING.match(line):
                    last_words.append(line)
        return figures, "".join(last_words), process.returncode


def save(folder: Path, inputs: Iterable[bytes]) -> None:
    """Write each input into a file that is named by its content, as libFuzzer does."""
    for data in inputs:
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def escape(word: bytes) -> str:
    """Write bytes as libFuzzer's dictionaries do."""
    return "".join(f"\\x{byte:02x}" for byte in word)
