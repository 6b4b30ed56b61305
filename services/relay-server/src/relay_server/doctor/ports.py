"""Checks of the ports: are they free or used by the relay, and do the numbers fit together."""

from collections.abc import Iterator
from typing import Final

from relay_server.doctor.facts import Facts, Holder, Port
from relay_server.doctor.findings import Finding, Mark
from relay_server.net.sockets import is_wildcard

ROOTLESS_PROGRAMS: Final = frozenset(("rootlesskit", "rootlessport", "slirp4netns"))
"""Programs that forward the ports of rootless engines and replace the client's address with their own."""


def check_ports(facts: Facts) -> Iterator[Finding]:
    """Check each port, and the relation of their numbers."""
    ports = facts.ports
    yield _check_port(facts, ports.tcp, relay_has_it=facts.answers)
    for port in (ports.udp, ports.lobby):
        if port:
            yield _check_port(facts, port, relay_has_it=facts.answers and _same(port.holder, ports.tcp.holder))
    for other in (ports.link, ports.web):
        if other:
            yield _check_port(facts, other, relay_has_it=facts.answers and _same(other.holder, ports.tcp.holder))
    yield _check_ops_port(facts)
    yield _check_numbers(facts)


def _check_port(facts: Facts, port: Port, *, relay_has_it: bool) -> Finding:
    if port.refusal is None:
        return _check_free_port(facts, port)
    holder = f" ({_show(port.holder)})" if port.holder else ""
    if not port.in_use:
        return _finding(port, Mark.PROBLEM, port.refusal)
    if not relay_has_it:
        return _finding(port, Mark.PROBLEM, f"in use by another program{holder}.", port.refusal)
    if port.holder and port.holder.program in ROOTLESS_PROGRAMS:
        return _finding(
            port,
            Mark.PROBLEM,
            f"published by a rootless engine{holder}, which may hide the members' addresses.",
            "Run the relay with host networking under an engine that isn't rootless, or without a container: the relay"
            " drops datagrams from other addresses than the join.",
        )
    return _finding(port, Mark.OK, f"in use by the relay{holder}.")


def _check_free_port(facts: Facts, port: Port) -> Finding:
    if facts.answers:
        return _finding(
            port,
            Mark.NOTE,
            f"free here, although a relay answers on TCP port {facts.settings.tcp_port}.",
            "The relay has other RELAY_* settings than this command, or is in a container whose ports only the packet"
            " filter forwards.",
        )
    lowest = facts.ports.unprivileged_from
    if facts.machine.is_root and lowest is not None and port.number < lowest:
        return _finding(
            port,
            Mark.NOTE,
            f"free, but only for root: ports below {lowest} are privileged.",
            "Use a higher port, or give the service CAP_NET_BIND_SERVICE: docs/operations.md shows how.",
        )
    return _finding(port, Mark.OK, "free.")


def _check_ops_port(facts: Facts) -> Finding:
    port, settings = facts.ports.ops, facts.settings
    if port is None:
        return Finding("ops_port", Mark.NOTE, "off (RELAY_OPS_PORT=0): the relay can't be monitored.")
    if facts.relay and port.in_use and is_wildcard(settings.ops_host) and not facts.container:
        return _finding(
            port,
            Mark.NOTE,
            "in use by the relay on every address of this machine: anybody who can reach it can read the metrics.",
            "Set RELAY_OPS_HOST=127.0.0.1, or block the port in the firewall.",
        )
    return _check_port(facts, port, relay_has_it=facts.relay is not None)


def _check_numbers(facts: Facts) -> Finding:
    tcp, udp = facts.settings.tcp_port, facts.settings.udp_port
    if udp == tcp + 1:
        return Finding("port_numbers", Mark.OK, "the UDP port is the TCP port plus one, as plain clients expect.")
    return Finding(
        "port_numbers",
        Mark.PROBLEM,
        f"plain clients use UDP port {tcp + 1}, the TCP port plus one, but RELAY_UDP_PORT is {udp}.",
        f"Set RELAY_UDP_PORT={tcp + 1}, and publish it under the same number.",
    )


def _finding(port: Port, mark: Mark, says: str, advice: str = "") -> Finding:
    check = port.setting.removeprefix("RELAY_").lower()
    return Finding(check, mark, f"{port.kind} {port.number} - {says}", advice)


def _same(one: Holder | None, other: Holder | None) -> bool:
    """Return whether both may be one program; an unknown one may be any. A proxy has a process for each port."""
    return one is None or other is None or one.program == other.program


def _show(holder: Holder) -> str:
    return f"{holder.program}, process {holder.pid}"
