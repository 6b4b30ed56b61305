"""Programs within the tests' own process: what they answer, without the time that a process takes to start.

How a process of theirs starts and ends, others show; here it is about what a command does and says.
"""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout

import pytest


def run_here(
    main: Callable[[], int | None], *command: str, prefix: str, settings: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program's main function with a command line; of all variables with the prefix only ``settings`` are set."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", list(command))
        for name in [name for name in os.environ if name.startswith(prefix)]:
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
        try:
            code = main() or 0
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def relay_server(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``relay-server`` with settings such as ``RELAY_TCP_PORT="9000"``."""
    from relay_server.__main__ import main  # noqa: PLC0415 - not every worker needs it

    return run_here(main, "relay-server", *arguments, prefix="RELAY_", settings=settings)


def bot_client(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``bot-client`` with settings such as ``BOT_ROOMS="2"``."""
    from bot_client.__main__ import main  # noqa: PLC0415 - not every worker needs it

    return run_here(main, "bot-client", *arguments, prefix="BOT_", settings=settings)
