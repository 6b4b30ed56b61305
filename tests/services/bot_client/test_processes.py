"""Programs that are started beside the bots: what they see, and that none stays when it isn't wanted any more."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bot_client import processes
from bot_client.processes import Child, StartError, installed

TELL = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()} {sorted(os.environ)}'); time.sleep(60)"


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def start(file: Path, ask: Callable[[], object], **settings: str) -> Child:
    command = [sys.executable, "-c", TELL, os.fspath(file)]
    return await Child.start("program", command, settings, prefix="RELAY_", ask=ask)


def read(file: Path) -> str:
    """Return what the program has said; an OSError until it has."""
    if not (text := file.read_text()).endswith("]"):
        raise OSError
    return text


def never() -> None:
    raise OSError


@pytest.mark.parametrize("end", [Child.stop, Child.kill])
def test_a_program_sees_its_settings_and_none_that_were_meant_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[Child], "asyncio.Future[None]"]
) -> None:
    monkeypatch.setenv("RELAY_HOST", "another's")
    monkeypatch.setenv("relay_port", "another's")
    file = tmp_path / "said"

    async def scenario() -> str:
        child = await start(file, lambda: read(file), RELAY_ROOMS="7")
        said = read(file)
        assert runs(int(said.split()[0]))
        await end(child)
        assert not runs(int(said.split()[0]))
        await child.stop()  # once more does nothing
        return said

    said = asyncio.run(scenario())
    assert "'RELAY_ROOMS'" in said
    assert "'PATH'" in said
    assert "RELAY_HOST" not in said
    assert "relay_port" not in said


def test_who_waits_no_longer_leaves_no_program_behind(tmp_path: Path) -> None:
    file = tmp_path / "said"

    async def scenario() -> int:
        starting = asyncio.create_task(start(file, never))
        while True:
            with suppress(OSError):
                pid = int(read(file).split()[0])
                break
            await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        return pid

    assert not runs(asyncio.run(scenario()))


@pytest.mark.slow
def test_a_program_that_ends_or_takes_too_long_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [sys.executable, "-c", "print('first'); print('The moon is in the wrong phase.')"]
    with pytest.raises(StartError, match=r"^The program didn't start: The moon is in the wrong phase\.$"):
        asyncio.run(Child.start("program", ends, {}, prefix="RELAY_", ask=never))
    monkeypatch.setattr(processes, "START_SECONDS", 0.5)
    with pytest.raises(StartError, match=r"^The program didn't start: it wasn't ready in 0\.5 s\.$"):
        asyncio.run(start(tmp_path / "said", never))


def test_what_is_beside_python_is_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside, elsewhere = tmp_path / "beside", tmp_path / "elsewhere"
    for folder, names in ((beside, ["one"]), (elsewhere, ["one", "two"])):
        folder.mkdir()
        for name in names:
            (folder / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", os.fspath(beside / "python"))
    monkeypatch.setenv("PATH", os.fspath(elsewhere))
    assert installed("one") == os.fspath(beside / "one")
    assert installed("two") == os.fspath(elsewhere / "two")
    assert installed("three") is None
