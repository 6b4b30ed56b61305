"""Gather the facts about a cluster: try what a node does at NATS, listen to the others, and knock at their doors."""

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import structlog

from relay_server.cluster.access import open_directory
from relay_server.cluster.base import Change, Directory, DirectoryError
from relay_server.cluster.nodes import BeatError, Ignored, Replays, decode_beat
from relay_server.cluster.vault import Vault
from relay_server.cluster_settings import default_node_name, parse_node_address
from relay_server.core.places import Node
from relay_server.doctor.facts import ClusterFacts, NodeFacts
from relay_server.net.links import Links
from relay_server.settings import Settings

CONNECT_SECONDS: Final = 3.0
BEATS_SECONDS: Final = 1.5
"""Three beats of each node."""
ANSWER_SECONDS: Final = 1.0
_SEPARATE: Final = "doctor."
"""Keys that nodes pass over."""

Probe = Callable[[Node], Awaitable[bool]]


class _Ear:
    """Takes what the directory tells."""

    def __init__(self, vault: Vault) -> None:
        self.is_caught_up = asyncio.Event()
        self.keys: set[str] = set()
        self.nodes: dict[tuple[str, float], Node] = {}
        """By name and start."""
        self.ignored: set[Ignored] = set()
        self._vault = vault

    def on_listing(self) -> None:
        """Do nothing: entries come next."""

    def on_change(self, change: Change) -> None:
        """Take note that watching works."""
        self.keys.add(change.key)

    def on_caught_up(self) -> None:
        """Take note that the listing came to its end."""
        self.is_caught_up.set()

    def on_away(self) -> None:
        """Do nothing: the next call tells."""

    def on_beat(self, data: bytes) -> None:
        """Take a node's sign of life."""
        try:
            beat = decode_beat(data, self._vault.beats)
            Replays().check(beat, time.time())
        except BeatError as error:
            self.ignored.add(error.reason)
        else:
            self.nodes[beat.node.name, beat.node.started_at] = beat.node

    def on_ask(self, data: bytes) -> bytes:
        """Answer nothing: this is no node."""
        return data[:0]


async def gather_cluster(settings: Settings) -> ClusterFacts:
    """Find out what a node with these settings meets; takes some seconds."""
    vault, name = Vault(settings.cluster_key), settings.node_name or default_node_name()
    address = parse_node_address(settings.node_address, settings.tcp_port, settings.udp_port)
    directory, ear = open_directory(settings), _Ear(vault)
    with _said() as reasons:
        await directory.start(f"doctor-{secrets.token_hex(4)}", ear)
        try:
            is_connected = await _await(ear.is_caught_up, CONNECT_SECONDS) or directory.is_connected
            missing = await _try_rights(directory, ear) if is_connected else ()
            if is_connected:
                await asyncio.sleep(BEATS_SECONDS)
        finally:
            await directory.close()
    others = [node for node in ear.nodes.values() if node.name != name]
    probe = Links(vault.links_key, name).probe
    return ClusterFacts(
        name, address.host, await _resolve(address.host), is_connected,
        reasons=tuple(dict.fromkeys(reasons)), missing_rights=missing,
        nodes=tuple(await asyncio.gather(*(_visit(node, probe) for node in others))),
        namesakes=tuple(node.server.address for node in ear.nodes.values() if node.name == name),
        sharers=tuple(node.name for node in others if node.server.address == f"{address.host}:{address.tcp_port}"),
        ignored=tuple(sorted(ear.ignored - {Ignored.REPEATED})),
    )  # fmt: skip


async def _try_rights(directory: Directory, ear: _Ear) -> tuple[str, ...]:
    """Write, read, watch and delete a record that is no room's; returns what wasn't possible."""
    key, missing = _SEPARATE + secrets.token_hex(16), list[str]()
    if not ear.is_caught_up.is_set():
        missing.append("watch records")
    try:
        revision = await directory.create(key, b"")
    except DirectoryError:
        return (*missing, "write records")
    for what, work in (
        ("change records", directory.put(key, b"again", revision)),
        ("read records", directory.get(key)),
    ):
        try:
            found = await work
            revision = found if isinstance(found, int) else revision
        except DirectoryError:
            missing.append(what)
    try:
        await directory.delete(key, revision)
    except DirectoryError:
        missing.append("delete records")
    return tuple(missing)


async def _visit(node: Node, probe: Probe) -> NodeFacts:
    answers_links, answers_clients = await asyncio.gather(probe(node), _accepts(node.server.address))
    return NodeFacts(
        node.name, node.server.address, node.version, f"{node.host}:{node.link_port}",
        answers_clients=answers_clients, answers_links=answers_links,
    )  # fmt: skip


async def _accepts(address: str) -> bool:
    """Return whether something accepts TCP connections there."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, ValueError):
        return False
    writer.close()
    return True


async def _resolve(host: str) -> tuple[str, ...]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


async def _await(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


@contextmanager
def _said() -> Iterator[list[str]]:
    """Collect the reasons that the directory logs, which would stand between the findings otherwise."""
    reasons: list[str] = []

    def take(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if "reason" in event:
            reasons.append(str(event["reason"]))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[take])
    try:
        yield reasons
    finally:
        structlog.configure(**before)
