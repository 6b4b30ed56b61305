"""Ports for programs under test: no two processes choose from the same ones."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import ports

PROCESSES, WANTED = 6, 300
ASKING = f"import sys, ports; print(*ports.free_ports({WANTED}), flush=True); sys.stdin.read()"


def test_no_two_processes_choose_from_the_same_ports() -> None:
    command, env = [sys.executable, "-c", ASKING], os.environ | {"PYTHONPATH": str(Path(ports.__file__).parent)}
    with ExitStack() as all_at_once:
        chosen: list[str] = []
        for _ in range(PROCESSES):
            process = all_at_once.enter_context(
                subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            assert process.stdout is not None
            chosen += process.stdout.readline().split()
    assert len(set(chosen)) == len(chosen) == PROCESSES * WANTED
