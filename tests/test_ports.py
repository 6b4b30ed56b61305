"""Ports for programs under test: no two processes choose from the same ones."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

import ports
from ports import free_ports

PROCESSES, TIMES, ROW = 3, 100, 3
ASKING = f"""
import sys, ports
print(*[port for _ in range({TIMES}) for port in ports.free_ports({ROW})], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    "place",
    [[], pytest.param(["unshare", "--net"], marks=pytest.mark.needs("namespaces"))],
    ids=["here", "in namespaces"],
)
def test_no_two_processes_choose_from_the_same_ports(place: list[str]) -> None:
    """What claims its share in a network namespace may use it outside later."""
    command = [*place, sys.executable, "-c", ASKING]
    env = os.environ | {"PYTHONPATH": str(Path(ports.__file__).parent)}
    with ExitStack() as all_at_once:
        chosen: list[set[str]] = []
        for _ in range(PROCESSES):
            process = all_at_once.enter_context(
                subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            assert process.stdout is not None
            chosen.append(set(process.stdout.readline().split()))
    assert min(map(len, chosen)) >= ROW
    assert len(set().union(*chosen)) == sum(map(len, chosen))


@pytest.fixture
def share(monkeypatch: pytest.MonkeyPatch) -> ports._Share:
    """Return a share of ten ports, of which the fifth has its turn."""
    first, *_ = free_ports(10)
    share = ports._Share(first, place=4)
    monkeypatch.setattr(ports, "_SHARE_PORTS", 10)
    monkeypatch.setattr(ports, "_share", lambda: share)
    return share


def test_ports_are_in_a_row_and_none_comes_twice_before_all_had_their_turn(share: ports._Share) -> None:
    rows = [free_ports(3) for _ in range(4)]
    assert [[port - share.first for port in row] for row in rows] == [[4, 5, 6], [7, 8, 9], [0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_somebody_has_is_passed_over(share: ports._Share, kind: socket.SocketKind) -> None:
    with socket.socket(type=kind) as somebody:
        somebody.bind(("127.0.0.1", share.first + 5))
        assert [free_ports(3)[0] - share.first for _ in range(2)] == [6, 0]
        with pytest.raises(RuntimeError, match="No 6 free ports in a row"):
            free_ports(6)
