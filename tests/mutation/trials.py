"""Whether the tests notice a mutant: they run in a copy of the tree, so that nothing else ever sees it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

from mutation.mutants import Mutant

AT_A_TIME: Final = 2
_DOCUMENTS: Final = Path("tests/docs")
"""Its tests compare what the documents promise with the sources: settings, limits, statuses, metrics."""
_PROGRAMS: Final = {
    "relay-server": ("conformance", "e2e/test_relay_*.py", "e2e/test_replace*.py", "e2e/test_cluster*.py"),
    "bot-client": ("e2e/test_bot_*.py", "e2e/test_demo.py", "e2e/test_cluster_show.py"),
    "messenger": ("e2e/test_chat*.py", "e2e/test_f*.py", "e2e/test_hostile_*.py", "e2e/test_r[eo][co]*.py",
                  "e2e/test_sealed.py"),
    "libs": ("conformance", "e2e/test_chat*.py", "e2e/test_bot_*.py"),
}  # fmt: skip
"""The tests of whole programs that run a package's code: they come last."""
_PROGRAM_TESTS: Final = {"conformance", "e2e"}
_PROCESSES: Final = "4"
"""So many run these, as they mostly wait."""
_NO_TESTS: Final = 5
"""What pytest ends with if it found none."""


class BrokenError(Exception):
    """Tests fail without any mutant."""


def package_of(path: Path) -> str:
    """Return the package that a source counts for: `chatproto`, or `relay_server.core`."""
    within = path.parts[path.parts.index("src") + 1 :]
    return ".".join(within[: 2 if len(within) > 2 else 1])


def whole_of(path: Path) -> Path:
    """Return the folder of the tests of a source's package."""
    group, _, _, package, *_ = path.parts
    return Path("tests", group, package)


def mirrors_of(path: Path) -> list[list[Path]]:
    """Return the tests that mirror a source, then its folder's, its package's, and those of the documents."""
    _, _, _, _, *folders, name = path.parts
    whole = whole_of(path)
    folder = whole.joinpath(*folders)
    stem = Path(name).stem.strip("_")
    mirrored = sorted({*folder.glob(f"test_{stem}.py"), *folder.glob(f"test_{stem}_*.py")})
    steps = [mirrored, *([each] if each.is_dir() else [] for each in (folder, whole, _DOCUMENTS))]
    return [step for number, step in enumerate(steps) if step and step not in steps[:number]]


def programs_of(path: Path) -> list[Path]:
    """Return the tests of whole programs that run a source."""
    group, package, *_ = path.parts
    patterns = _PROGRAMS.get(group, _PROGRAMS.get(package, ()))
    return sorted({found for pattern in patterns for found in Path("tests").glob(pattern)})


class Copies:
    """Copies of the tree, each with its tests and one mutant at a time."""

    def __init__(self, folder: Path) -> None:
        """Copy what git knows or could know into a folder."""
        listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], capture_output=True, check=True)
        names = [Path(os.fsdecode(name)) for name in filter(None, listed.stdout.split(b"\0"))]
        self._free: asyncio.Queue[Path] = asyncio.Queue()
        self._seconds: dict[tuple[Path, ...], float] = {}
        for number in range(AT_A_TIME):
            copy = folder / str(number)
            for name in filter(Path.exists, names):
                (copy / name.parent).mkdir(parents=True, exist_ok=True)
                shutil.copy(name, copy / name)
            self._free.put_nowait(copy)
        folder.chmod(0o755)  # some tests run a program as a user without rights
        self._times = count(int(time.time()) + 1)  # none is a copied file's

    async def measure(self, sources: Iterable[Path], done: Callable[[], None]) -> None:
        """Run the tests of the sources' packages and the documents as they are, to know how long they take.

        Raises:
            BrokenError: Some fail.

        """
        sources = list(sources)
        folders = {*map(whole_of, sources), _DOCUMENTS}
        steps = {(folder,) for folder in folders if folder.is_dir()} | {tuple(programs_of(path)) for path in sources}
        await self._all([self._measure(step, done) for step in sorted(filter(None, steps))])

    async def _measure(self, step: tuple[Path, ...], done: Callable[[], None]) -> None:
        copy = await self._free.get()
        begin = time.monotonic()
        if await _run(copy, step, seconds=1200):
            names = " ".join(map(str, step))
            raise BrokenError(f"{names} fails without any mutant:\n{_output(copy).read_text()[-2000:]}")
        self._seconds[step] = time.monotonic() - begin
        self._free.put_nowait(copy)
        done()

    async def try_out(self, mutants: Iterable[Mutant], done: Callable[[Mutant, bool], None]) -> None:
        """Tell of each mutant, in whatever order, whether some test noticed it."""
        await self._all([self._try(mutant, done) for mutant in mutants])

    async def _try(self, mutant: Mutant, done: Callable[[Mutant, bool], None]) -> None:
        copy = await self._free.get()
        self._write(copy / mutant.path, mutant.source())
        try:
            done(mutant, await self._is_noticed(copy, mutant.path))
        finally:
            self._write(copy / mutant.path, mutant.original)
            self._free.put_nowait(copy)

    async def _is_noticed(self, copy: Path, path: Path) -> bool:
        passed: list[Path] = []
        for step in [*mirrors_of(path), programs_of(path)]:
            usual = self._seconds.get(tuple(step), self._seconds.get((whole_of(path),), 0.0))
            if step and await _run(copy, step, but=passed, seconds=30 + 4 * usual) not in {0, _NO_TESTS}:
                return True
            passed += step
        return False

    def _write(self, path: Path, source: str) -> None:
        path.write_text(source)
        # Python takes byte code for a source's by its size and its time in seconds: no two may have the same.
        os.utime(path, (stamp := next(self._times), stamp))

    async def _all(self, works: Sequence[Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(_wait(work))


async def _wait(work: Awaitable[None]) -> None:
    await work


def _sources(copy: Path) -> str:
    """Return what PYTHONPATH says so that Python takes the copy before what is installed."""
    return os.pathsep.join(map(os.fspath, copy.glob("*/*/src")))


def _output(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.txt")


async def _run(copy: Path, tests: Sequence[Path], *, but: Sequence[Path] = (), seconds: float) -> int:
    """Run tests until one fails; return what pytest ended with, or -1 if it took too long."""
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", "--basetemp", f"{copy}.tmp"]
    command += ["-n", _PROCESSES] if _PROGRAM_TESTS & {path.parts[1] for path in tests} else ["-p", "no:xdist"]
    command += [*map(os.fspath, tests), *(f"--ignore={path}" for path in but)]
    environment = {**os.environ, "PYTHONPATH": _sources(copy)}
    with _output(copy).open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=copy, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            async with asyncio.timeout(seconds):
                return await process.wait()
        except TimeoutError:
            return -1
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and whatever it left running
            await process.wait()
