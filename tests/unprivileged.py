"""Python code that runs without root's rights, also where the tests have them."""

import subprocess
import sys
from typing import Final

NOBODY: Final = 65_534
DEADLINE_SECONDS: Final = 30.0

# Modules are to be imported before: the interpreter itself may lie where only root may look.
_PRELUDE: Final = f"""
import os
def step_down():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
        os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
"""


def run_unprivileged(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own; it calls ``step_down()`` when it has imported what it needs."""
    return subprocess.run(
        [sys.executable, "-c", _PRELUDE + code, *arguments],
        capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False,
    )  # fmt: skip
