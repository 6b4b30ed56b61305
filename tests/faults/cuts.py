"""A cluster in networks that can be cut: each node and the directory have one of their own, with us as the router.

For Linux's root. Our own network is a fresh one: members who chat from here reach every node from one address, and
nothing outside is touched.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from clusters import Bus, Cluster, NodeProcess
from conformance.relays import NORMAL
from e2e.namespaces import DEADLINE_SECONDS, Namespace
from faults.networks import own_network
from faults.spoof import open_network, within_network

OURS: Final = "198.18.255.1"
"""Where members come from, whichever node they go to."""
DIRECTORY: Final = "nats"
_NOBODY: Final = "02:00:00:00:00:01"


class Places:
    """The networks of some nodes and of the directory, by name."""

    def __init__(self, names: Sequence[str], ends: ExitStack) -> None:
        ends.enter_context(own_network([f"{OURS}/32"]))
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
        self.by_name = {name: ends.enter_context(_place(name, number)) for number, name in enumerate(names)}
        self._cuts: list[tuple[str, ...]] = []
        """How to undo them."""

    def cut(self, one: str, *others: str) -> None:
        """Lose without a word all that is sent between one and others."""
        for other in others:
            for source, target in ((one, other), (other, one)):
                rule = ("from", self.by_name[source].address, "to", self.by_name[target].address, "blackhole")
                _ip("rule", "add", *rule)
                self._cuts.append(("rule", "delete", *rule))

    def vanish(self, name: str) -> None:
        """Lose without a word all that is sent to one or comes from it, by members too: frames go to nobody."""
        place = self.by_name[name]
        for within, address, device in (((), place.address, place.outer), (("-n", place.name), place.gateway, "eth0")):
            _ip(*within, "neigh", "replace", address, "lladdr", _NOBODY, "dev", device, "nud", "permanent")
            self._cuts.append((*within, "neigh", "delete", address, "dev", device))

    def heal(self) -> None:
        """Carry everything again."""
        for words in self._cuts:
            _ip(*words)
        self._cuts.clear()


class NodeInside(NodeProcess):
    """A node in a network of its own; it can be asked for as long as it lives."""

    def __init__(
        self, name: str, place: Namespace, folder: Path, bus_url: str, settings: dict[str, str], program: Sequence[str]
    ) -> None:
        self._network = open_network(place)
        super().__init__(name, folder, bus_url, settings | {"RELAY_HOST": place.address}, program, place.inside)

    def ops(self, path: str) -> str:
        with within_network(self._network):
            return super().ops(path)

    def stop(self) -> int:
        try:
            return super().stop()
        finally:
            os.close(self._network)


@contextmanager
def cluster_of_networks(
    folder: Path, *names: str, program: Sequence[str] = NORMAL, **settings: str
) -> Iterator[tuple[Cluster, Places]]:
    """Run a directory and nodes of these names, each in its own network."""
    with ExitStack() as ends:
        places = Places([*names, DIRECTORY], ends)
        there = places.by_name[DIRECTORY]
        bus = Bus(folder, host=there.address, within=there.inside)
        nodes = Cluster(folder, bus)
        try:
            for name in names:
                nodes.nodes[name] = NodeInside(name, places.by_name[name], folder, bus.url, settings, program)
            nodes.wait_until_met()
            yield nodes, places
            nodes.stop()
        finally:
            for node in nodes.nodes.values():
                if node.lives:
                    node.kill()
            bus.kill()


@contextmanager
def _place(label: str, number: int) -> Iterator[Namespace]:
    name, outer = f"{label}{os.getpid()}", f"place{number}"
    made = Namespace(name, f"198.18.{number}.1", f"198.18.{number}.2", outer)
    _ip("netns", "add", name)
    try:
        _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("address", "add", f"{made.gateway}/30", "dev", outer)
        _ip("link", "set", outer, "up")
        for words in (f"address add {made.address}/30 dev eth0", "link set lo up", "link set eth0 up"):
            _ip("-n", name, *words.split())
        _ip("-n", name, "route", "add", "default", "via", made.gateway)
        _ip("route", "replace", f"198.18.{number}.0/30", "dev", outer, "src", OURS)
        yield made
    finally:
        # The kernel takes its time with a namespace, and the next test wants the name.
        subprocess.run(["ip", "link", "delete", outer], check=False, capture_output=True, timeout=DEADLINE_SECONDS)
        _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert done.returncode == 0, done.stderr
