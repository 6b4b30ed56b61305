"""Nodes and their directory, as processes on loopback, for tests of a whole cluster."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from conformance.relays import NORMAL, OwnRelay
from e2e.relay_metrics import scrape
from ports import free_ports

KEY: Final = "a key of the tests, which nobody else knows"
DEADLINE_SECONDS: Final = 20.0


def nats_server() -> str:
    """Return the path of the directory's server."""
    found = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, "nats-server is missing: make .venv/dev.stamp installs it"
    return found


class Bus:
    """A NATS server with JetStream in a folder."""

    def __init__(self, folder: Path, settings: Sequence[str] = ()) -> None:
        """Start one; ``settings`` are further words of its command line."""
        (self.port,) = free_ports(1)
        self._folder, self._settings = folder, settings
        self.start()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, again on the same port and folder, and wait until it listens."""
        with (self._folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(
                [nats_server(), "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self._folder / "store"),
                 *self._settings],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, "nats-server ended at once"
            time.sleep(0.01)
        raise TimeoutError("nats-server doesn't listen")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class NodeProcess(OwnRelay):
    """A relay that is a node."""

    def __init__(
        self, name: str, folder: Path, bus_url: str, settings: dict[str, str], program: Sequence[str] = NORMAL
    ) -> None:
        self.name = name
        self._own = settings
        self._bus_url = bus_url
        super().__init__(folder / f"{name}.log", settings, program=program)

    def _choose_ports(self) -> Sequence[int]:
        *ports, link = free_ports(5)
        self.link_port = link
        self._own |= {
            "RELAY_CLUSTER_URL": self._bus_url,
            "RELAY_CLUSTER_KEY": KEY,
            "RELAY_NODE_NAME": self.name,
            "RELAY_NODE_ADDRESS": f"127.0.0.1:{ports[0]}:{ports[1]}",
            "RELAY_LINK_PORT": str(link),
        }
        return ports

    @property
    def server(self) -> str:
        """Where clients reach it."""
        return f"{self.relay.host}:{self.relay.tcp_port}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def count(self, metric: str) -> float:
        """Add up a metric over its labels."""
        return scrape(self).total(metric)


class Cluster:
    """Nodes that know one another, and their directory."""

    def __init__(self, folder: Path, bus: Bus) -> None:
        self.folder, self.bus = folder, bus
        self.nodes: dict[str, NodeProcess] = {}

    def start(self, *names: str, **settings: str) -> None:
        """Start nodes, and wait until all of them know one another."""
        for name in names:
            self.nodes[name] = NodeProcess(name, self.folder, self.bus.url, dict(settings))
        self.wait_until_met()

    def wait_until_met(self) -> None:
        """Wait until each living node sees every other."""
        living = [node for node in self.nodes.values() if node.lives]
        wait_until(lambda: all(node.count("relay_cluster_nodes") == len(living) for node in living))

    def home_of_rooms(self) -> list[NodeProcess]:
        """Return the nodes that hold rooms."""
        return [node for node in self.nodes.values() if node.lives and node.count("relay_rooms") > 0]

    def stop(self) -> None:
        """End all, and check that those which live end as they should, with balanced books."""
        living = [node for node in self.nodes.values() if node.lives]
        for node in living:
            node.resume()
            scrape(node).check_books()
        for node in living:
            node.terminate()
        failed = [node.said() for node in living if node.stop() != 0 or "Traceback" in node.said()]
        assert not failed, "\n".join(failed)


@contextmanager
def cluster(folder: Path, *names: str, **settings: str) -> Iterator[Cluster]:
    """Run a directory and nodes of these names."""
    bus = Bus(folder)
    nodes = Cluster(folder, bus)
    try:
        nodes.start(*names, **settings)
        yield nodes
        nodes.stop()
    finally:
        for node in nodes.nodes.values():
            if node.lives:
                node.kill()
        bus.kill()


def wait_until(holds: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until something holds; it is looked at again and again."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it didn't come true in time")
        time.sleep(0.02)
