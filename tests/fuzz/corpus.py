"""The harnesses, and the inputs that are kept of each: one file, one input a line in hexadecimal."""

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol, cast

import fuzz.harnesses

FOLDER: Final = Path(__file__).parent / "corpus"
NAMES: Final = sorted(module.name for module in pkgutil.iter_modules(fuzz.harnesses.__path__))


class Harness(Protocol):
    """A module of ``fuzz.harnesses``."""

    SEEDS: Sequence[bytes]
    """Good inputs to begin with."""
    WORDS: Sequence[bytes]
    """Byte strings that mean something, to build inputs from."""

    @staticmethod
    def check(data: bytes) -> None:
        """Give an input to the code, and check what has to be true of the result whatever the input."""


def load_harness(name: str) -> Harness:
    """Import a harness by its name."""
    return cast("Harness", importlib.import_module(f"fuzz.harnesses.{name}"))


def read_kept(name: str) -> list[bytes]:
    """Return a harness's kept inputs; none if it has no file."""
    path = FOLDER / f"{name}.hex"
    lines = path.read_text("ascii").splitlines() if path.exists() else []
    return [bytes.fromhex(line) for line in lines if not line.startswith("#")]


def write_kept(name: str, inputs: Iterable[bytes]) -> None:
    """Keep these inputs, the shortest first."""
    shortest_first = sorted(inputs, key=lambda data: (len(data), data))
    lines = [f"# What `make fuzz` found and kept for {name}: one input a line.", *map(bytes.hex, shortest_first)]
    (FOLDER / f"{name}.hex").write_text("\n".join(lines) + "\n", "ascii")
