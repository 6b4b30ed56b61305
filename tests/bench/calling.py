"""What the benchmarks' tests have in common: how they call them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

DEADLINE_SECONDS: Final = 50.0
TESTS: Final = Path(__file__).parent.parent
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark needs Linux")


def bench(
    *arguments: str, module: str = "bench", deadline_seconds: float = DEADLINE_SECONDS, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a benchmark to its end, in an environment without settings of a relay but for those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=kept | {"PYTHONPATH": str(TESTS)} | environment,
        capture_output=True,
        text=True,
        timeout=deadline_seconds,
        check=False,
    )
