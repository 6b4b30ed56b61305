"""The limit of descriptors, of processes of our own."""

import subprocess
import sys

import pytest

SAY = "from relay_server.net.descriptors import raise_limit; print(raise_limit({wanted}))"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "granted"),
    [(50, 100, 80, 80), (50, 100, 20, 50), (50, 100, 200, 100), (50, 100, None, 100)],
)
def test_a_process_raises_its_limit_as_far_as_it_may(soft: int, hard: int, wanted: int | None, granted: int) -> None:
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); "
    done = subprocess.run(
        [sys.executable, "-c", limit + SAY.format(wanted=wanted)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{granted}\n"
