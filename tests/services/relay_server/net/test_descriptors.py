"""The limit of descriptors, of processes of our own."""

import subprocess
import sys

import pytest

from relay_server.net.descriptors import OWN_FILES, needed, share

SAY = "from relay_server.net.descriptors import raise_limit; print(raise_limit({wanted}))"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
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


@pytest.mark.parametrize(
    ("transactions", "streams", "wanted"),
    [(10, 20, 30), (10, None, 10), (0, 20, None), (10, 0, None), (0, None, None)],
)
def test_what_is_needed_has_a_limit_if_all_parts_have(
    transactions: int, streams: int | None, wanted: int | None
) -> None:
    assert needed(transactions, streams) == (None if wanted is None else wanted + OWN_FILES)


@pytest.mark.parametrize(
    ("free", "transactions", "streams", "granted"),
    [
        (100, 80, 80, (50, 50)),
        (100, 20, 200, (20, 80)),
        (100, 200, 20, (80, 20)),
        (100, 0, 0, (50, 50)),
        (100, 20, 0, (20, 80)),
        (100, 0, 20, (80, 20)),
        (100, 20, 20, (20, 20)),
        (100, 200, None, (100, 0)),
        (100, 0, None, (100, 0)),
        (-5, 80, 80, (1, 1)),
    ],
)
def test_joins_and_streams_share_what_there_is(
    free: int, transactions: int, streams: int | None, granted: tuple[int, int]
) -> None:
    assert share(OWN_FILES + free, transactions, streams) == granted


NODE = "cluster_url='nats://localhost', cluster_key='k' * 32, node_address='localhost'"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.requirement("CLU-04")
@pytest.mark.parametrize(
    ("settings", "for_clients"),
    [
        ("web_port=0", 1000 - OWN_FILES),
        (f"web_port=0, {NODE}", 500 - OWN_FILES),
        ("", 750 - OWN_FILES),  # a quarter is for browsers
        (NODE, 375 - OWN_FILES),
    ],
)
def test_a_node_leaves_half_of_its_descriptors_to_links_and_carried_members(settings: str, for_clients: int) -> None:
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
from relay_server.net.descriptors import for_other_nodes
from relay_server.parts import _within_descriptors
from relay_server.settings import Settings
granted = _within_descriptors(Settings({settings}))
print(granted.max_transactions + granted.max_streams, for_other_nodes())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"{for_clients} 250"
