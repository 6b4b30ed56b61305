"""Nodes and their directory, as processes on loopback, for tests of a whole cluster."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import nats

from conformance.relays import NORMAL, OwnRelay
from e2e.relay_metrics import Metrics, scrape
from ports import free_ports
from waiting import DEADLINE_SECONDS, wait_until

BUCKET: Final = "relay_rooms"
KEY: Final = "a key of the tests, which nobody else knows"


def nats_server() -> str:
    """Return the path of the directory's server."""
    found = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, "nats-server is missing: make .venv/dev.stamp installs it"
    return found


class Bus:
    """A NATS server with JetStream in a folder."""

    def __init__(
        self, folder: Path, settings: Sequence[str] = (), host: str = "127.0.0.1", within: Sequence[str] = ()
    ) -> None:
        """Start one; ``settings`` are further words of its command line, ``within`` those of one that runs another."""
        (self.port,) = free_ports(1)
        self.host = host
        self._folder, self._settings, self._within = folder, settings, within
        self.start()

    @property
    def url(self) -> str:
        return f"nats://{self.host}:{self.port}"

    def start(self) -> None:
        """Start it, again on the same port and folder, and wait until it listens."""
        with (self._folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._within, nats_server(), "-a", self.host, "-p", str(self.port), "-js",
                 "-sd", str(self._store), *self._settings],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection((self.host, self.port), 1):
                return
            assert self.process.poll() is None, "nats-server ended at once"
            time.sleep(0.01)
        raise TimeoutError("nats-server doesn't listen")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def forget(self) -> None:
        """Empty the store of one that was killed."""
        shutil.rmtree(self._store)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    @property
    def _store(self) -> Path:
        return self._folder / "store"


class NodeProcess(OwnRelay):
    """A relay that is a node."""

    def __init__(
        self,
        name: str,
        folder: Path,
        bus_url: str,
        settings: dict[str, str],
        program: Sequence[str] = NORMAL,
        within: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.settings = settings
        self._ports: Sequence[int] = ()
        self._is_again = False
        self._bus_url = bus_url
        super().__init__(folder / f"{name}.log", settings, within, program)

    def start_again(self) -> None:
        """Start it once more on the same ports, after it ended."""
        self._asked, self._is_again = False, True
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not self._start(self.settings, deadline):
            assert time.monotonic() < deadline, self.said()
        self._asked = False

    def _choose_ports(self) -> Sequence[int]:
        self._ports = self._ports if self._is_again else free_ports(5)
        *ports, link = self._ports
        self.link_port = link
        self.settings |= {
            "RELAY_CLUSTER_URL": self._bus_url,
            "RELAY_CLUSTER_KEY": KEY,
            "RELAY_NODE_NAME": self.name,
            "RELAY_NODE_ADDRESS": f"{self.settings.get('RELAY_HOST', '127.0.0.1')}:{ports[0]}:{ports[1]}",
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
        return self.metrics().total(metric)

    def metrics(self) -> Metrics:
        """Return all of its metrics as they are now."""
        return scrape(self)


class Cluster:
    """Nodes that know one another, and their directory."""

    def __init__(self, folder: Path, bus: Bus) -> None:
        self.folder, self.bus = folder, bus
        self.nodes: dict[str, NodeProcess] = {}

    def start(self, *names: str, program: Sequence[str] = NORMAL, **settings: str) -> None:
        """Start nodes, and wait until all of them know one another."""
        for name in names:
            self.nodes[name] = NodeProcess(name, self.folder, self.bus.url, dict(settings), program)
        self.wait_until_met()

    def wait_until_met(self) -> None:
        """Wait until each living node sees every other."""
        living = [node for node in self.nodes.values() if node.lives]
        wait_until(lambda: all(node.count("relay_cluster_nodes") == len(living) for node in living))

    def wait_until(self, metric: str, value: float) -> None:
        """Wait until a metric of each living node has a value."""
        living = [node for node in self.nodes.values() if node.lives]
        wait_until(lambda: all(node.count(metric) == value for node in living))

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
def cluster(folder: Path, *names: str, program: Sequence[str] = NORMAL, **settings: str) -> Iterator[Cluster]:
    """Run a directory and nodes of these names."""
    bus = Bus(folder)
    nodes = Cluster(folder, bus)
    try:
        nodes.start(*names, program=program, **settings)
        yield nodes
        nodes.stop()
    finally:
        for node in nodes.nodes.values():
            if node.lives:
                node.kill()
        bus.kill()


async def read_records(bus: Bus) -> dict[str, bytes]:
    """Read all that the directory holds, sealed as it is, by key."""
    client = await nats.connect(bus.url)
    try:
        bucket = await client.jetstream().key_value(BUCKET)
        records: dict[str, bytes] = {}
        async for entry in await bucket.watchall():
            if entry is None:  # that was all
                break
            if entry.operation is None:
                records[entry.key] = entry.value or b""
        return records
    finally:
        await client.close()
