"""``relay-server admin`` and real nodes: who is there, which rooms they have, and how one is emptied."""

import json
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from clusters import Cluster, cluster
from conformance.people import People
from e2e import here
from e2e.streaming import StreamMember
from e2e.test_relay_admin import obeyed, refused
from waiting import wait_until

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows"),
    pytest.mark.timeout(180),
]


def start(nodes: Cluster, folder: Path, *names: str) -> None:
    for name in names:
        nodes.start(name, RELAY_ADMIN_SOCKET=os.fspath(folder / f"{name}.sock"))


def admin(folder: Path, name: str, *words: str) -> str:
    return obeyed(here.relay_server("admin", *words, RELAY_ADMIN_SOCKET=os.fspath(folder / f"{name}.sock")))


def rows_of(folder: Path, name: str, *words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(admin(folder, name, *words, "--json"))
    return rows


def knows_rooms(folder: Path, name: str, count: int) -> bool:
    """Tell whether a node knows so many rooms of all nodes."""
    return sum(int(row["rooms"]) for row in rows_of(folder, name, "nodes")) == count


def test_every_node_tells_of_all_and_says_which_one_doesnt_answer(tmp_path: Path) -> None:
    with cluster(tmp_path) as nodes:
        start(nodes, tmp_path, "alpha", "beta")
        with People(nodes.nodes["alpha"].relay) as near, People(nodes.nodes["beta"].relay) as far:
            near.create(b"tea", b"ann")
            far.create(b"coffee", b"bob")
            far.join(b"coffee", b"cem")
            for name in ("alpha", "beta"):
                wait_until(partial(knows_rooms, tmp_path, name, 2))
                found = {row["node"]: (row["rooms"], row["members"]) for row in rows_of(tmp_path, name, "nodes")}
                assert found == {"alpha": (1, 1), "beta": (1, 2)}
                rooms = {(row["node"], row["room"], row["host"]) for row in rows_of(tmp_path, name, "rooms", "--all")}
                assert rooms == {("alpha", "tea", "ann"), ("beta", "coffee", "bob")}
            table = admin(tmp_path, "alpha", "nodes")
            assert re.search(r"^alpha \(this one\) +127\.0\.0\.1:\d+ +1 +1 ", table, re.MULTILINE)
            assert len(rows_of(tmp_path, "alpha", "rooms")) == 1
            nodes.nodes["beta"].pause()
            said = admin(tmp_path, "alpha", "rooms", "--all")
            assert said.endswith("beta doesn't answer over its link: its rooms aren't listed.\n")
            assert "coffee" not in said
            nodes.nodes["beta"].resume()


def test_a_node_is_emptied_and_its_people_are_sent_to_their_rooms(tmp_path: Path) -> None:
    with cluster(tmp_path) as nodes:
        start(nodes, tmp_path, "alpha", "beta")
        alpha, beta = nodes.nodes["alpha"], nodes.nodes["beta"]
        hosts = [StreamMember(alpha.relay, f"room {number}", "ann", create=True) for number in range(40)]
        with People(alpha.relay) as people:
            people.create(b"plain", b"bob")
            said = admin(tmp_path, "alpha", "drain", "--to-others")
        assert said.startswith("Nobody is let in any more, and the rooms move to other nodes.\n")
        assert "All rooms are on other nodes" in said
        assert beta.count("relay_rooms") == 41
        assert alpha.process.wait(20) == 0
        for host in hosts:
            host.close()
        with StreamMember(beta.relay, "room 7", "ann", ticket=hosts[7].granted["resume"]) as ann:
            assert ann.granted["host"]
        assert not [line for line in alpha.said().splitlines() if '"left"' in line]


def test_without_another_node_nothing_is_drained(tmp_path: Path) -> None:
    with cluster(tmp_path) as nodes:
        start(nodes, tmp_path, "alpha")
        for words, says in (
            (("drain", "--to-others"), "No other node can take the rooms: "),
            (("drain", "--to-others", "--now"), "--now leaves no time to move rooms: "),
        ):
            done = here.relay_server("admin", *words, RELAY_ADMIN_SOCKET=os.fspath(tmp_path / "alpha.sock"))
            code, said = refused(done)
            assert (code, said.startswith(says)) == (2, True)
        with People(nodes.nodes["alpha"].relay) as people:
            people.create(b"tea", b"ann")
