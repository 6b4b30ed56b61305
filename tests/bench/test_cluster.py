"""The benchmark of a cluster: each figure comes out. Nothing is timed."""

import re
import shutil

import pytest

from bench.calling import bench, needs_linux

pytestmark = [needs_linux, pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")]


def test_what_a_node_costs() -> None:
    done = bench("--here", "--runs", "1", "--seconds", "0.2", "--idle", "0.2", module="bench.cluster")
    assert (done.returncode, done.stderr) == (0, "")
    for name, ratio in (("alone", ""), ("a node", r" +\d+\.\d{3} \(\d+\.\d{3}, \d+\.\d{3}\)")):
        assert re.search(rf"^20 x 20 +{name} +[1-9][\d,]*{ratio} +0$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"A node at rest takes [\d.]+% of a core; .* gets [\d.]+ messages", done.stdout)
    assert re.search(r"While [1-9][\d,]* copies a second are relayed, .* gets [\d.]+ messages", done.stdout)
    assert re.search(r"An edge takes [\d.]+ us for each of [1-9][\d,]* datagrams, lost 0,", done.stdout)
    assert re.search(r"A join takes [\d.]+ ms of its processor, and [\d.]+ ms of the home's\.", done.stdout)
