"""Checks of a node: the directory, its name and address, and the other nodes; none for a relay that is alone."""

import ipaddress
from collections.abc import Iterator
from typing import Final

from relay_server import __version__
from relay_server.doctor.facts import ClusterFacts, Facts, NodeFacts
from relay_server.doctor.findings import Finding, Mark

_IGNORED: Final = {
    "bad_seal": ("another RELAY_CLUSTER_KEY", "Give all nodes the same key, or take away what else uses this NATS."),
    "malformed": ("another version of the relay", "Update all nodes to one version."),
    "clock": ("a clock that differs by more than ten seconds", "Synchronise the clocks of all machines (NTP)."),
}


def check_cluster(facts: Facts) -> Iterator[Finding]:
    """Check whether this relay can be a node, and meets the others."""
    cluster = facts.cluster
    if cluster is None:
        return
    yield _check_directory(cluster)
    yield _check_address(facts, cluster)
    if cluster.is_connected:
        yield _check_name(facts, cluster)
        yield from _check_nodes(facts, cluster)


def _check_directory(cluster: ClusterFacts) -> Finding:
    said = f" ({'; '.join(cluster.reasons)})" if cluster.reasons else ""
    if not cluster.is_connected:
        return Finding(
            "directory",
            Mark.PROBLEM,
            f"NATS can't be reached{said}: nobody can create a room.",
            "Start NATS, or correct RELAY_CLUSTER_URL and what proves this node to it.",
        )
    if cluster.missing_rights:
        return Finding(
            "directory",
            Mark.PROBLEM,
            f"NATS doesn't let this node {', '.join(cluster.missing_rights)}{said}.",
            "Give its user the rights in deploy/nats/nats.conf.",
        )
    return Finding("directory", Mark.OK, "NATS lets this node write, read, watch and delete records.")


def _check_address(facts: Facts, cluster: ClusterFacts) -> Finding:
    host, found = cluster.host, cluster.host_addresses
    if not found:
        return _address(
            Mark.PROBLEM, f"{host} doesn't resolve here.", "Correct RELAY_NODE_ADDRESS, or the name's record in DNS."
        )
    if cluster.sharers:
        return _address(
            Mark.PROBLEM,
            f"{host} is also the address of {', '.join(cluster.sharers)}: who is sent to one node may reach another.",
            "Set RELAY_NODE_ADDRESS to a host or IP of this node alone; the name that people use may lead to all.",
        )
    shown = host if found == (host.strip("[]"),) else f"{host} is {', '.join(found)}"
    if all(ipaddress.ip_address(address).is_loopback for address in found):
        advice = "Set RELAY_NODE_ADDRESS to a host or IP that reaches this node from other machines."
        if all(_is_on_this_machine(node.link) for node in cluster.nodes):
            return _address(Mark.NOTE, f"{shown}, which leads to this machine alone.", advice)
        return _address(Mark.PROBLEM, f"{shown}, but other nodes are on other machines.", advice)
    container = facts.container
    if container and container.bridged and set(found) & set(facts.machine.addresses):
        return _address(
            Mark.PROBLEM,
            f"{shown}, an address of this container: clients on other machines can't reach it.",
            "Set RELAY_NODE_ADDRESS to the machine's name or IP, and publish the ports under their own numbers.",
        )
    return _address(Mark.OK, f"{shown}.")


def _address(mark: Mark, says: str, advice: str = "") -> Finding:
    return Finding("node_address", mark, says, advice)


def _is_on_this_machine(link: str) -> bool:
    host = link.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_name(facts: Facts, cluster: ClusterFacts) -> Finding:
    others = cluster.namesakes[1:] if facts.answers else cluster.namesakes
    if others:
        return Finding(
            "node_name",
            Mark.PROBLEM,
            f"{cluster.name} is also the name of another node ({', '.join(cluster.namesakes)}): each takes the other's"
            " rooms for its own.",
            "Give each node a RELAY_NODE_NAME of its own.",
        )
    return Finding("node_name", Mark.OK, f"{cluster.name}.")


def _check_nodes(facts: Facts, cluster: ClusterFacts) -> Iterator[Finding]:
    nodes = cluster.nodes
    for reason in cluster.ignored:
        about, advice = _IGNORED[reason]
        yield Finding("nodes", Mark.PROBLEM, f"a node is ignored, since it has {about}.", advice)
    for node in nodes:
        yield from _check_node(node)
    mine = facts.relay.version if facts.relay else __version__
    versions = {node.version for node in nodes} | {mine}
    if len(versions) > 1:
        yield Finding(
            "nodes",
            Mark.NOTE,
            f"they have different versions: {', '.join(sorted(versions))}.",
            "Update all nodes, one after the other.",
        )
    if not nodes and not cluster.ignored:
        yield Finding("nodes", Mark.NOTE, "no other one was heard.", "Start another node with the same key and NATS.")
    elif all(node.answers_clients and node.answers_links for node in nodes) and not cluster.ignored:
        yield Finding("nodes", Mark.OK, f"{', '.join(node.name for node in nodes)} can be reached.")


def _check_node(node: NodeFacts) -> Iterator[Finding]:
    if not node.answers_links:
        yield Finding(
            "nodes",
            Mark.PROBLEM,
            f"{node.name} doesn't answer at its link port, {node.link}: plain clients can't be carried there, and this"
            " node might take it for dead.",
            "Let the nodes reach each other's RELAY_LINK_PORT: firewall, published port, host in RELAY_NODE_ADDRESS.",
        )
    if not node.answers_clients:
        yield Finding(
            "nodes",
            Mark.PROBLEM,
            f"{node.name} doesn't answer clients at {node.address}.",
            "Correct RELAY_NODE_ADDRESS there, or let clients through to its TCP port.",
        )
