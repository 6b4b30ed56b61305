"""Checks of the ports: are they free, or the relay's own, and do they fit together."""

from collections.abc import Iterator
from typing import Final

from relay_server.doctor.facts import Facts, Holder, Port
from relay_server.doctor.findings import Finding, Mark
from relay_server.net.sockets import is_wildcard

ROOTLESS_PROGRAMS: Final = frozenset(("rootlesskit", "rootlessport", "slirp4netns"))
"""Who forwards the ports of rootless engines, and puts its own address in place of the client's."""


def check_ports(facts: Facts) -> Iterator[Finding]:
    """Judge each port, and their numbers together."""
    ports = facts.ports
    yield _check_port(facts, ports.tcp, relay_has_it=facts.answers)
    for port in (ports.udp, ports.lobby):
        if port:
            yield _check_port(facts, port, relay_has_it=facts.answers and _same(port.holder, ports.tcp.holder))
    yield _check_ops_port(facts)
    yield _check_numbers(facts)


def _check_port(facts: Facts, port: Port, *, relay_has_it: bool) -> Finding:
    if port.refusal is None:
        return _check_free_port(facts, port)
    holder = f" ({_show(port.holder)})" if port.holder else ""
    if not port.in_use:
        return _finding(port, Mark.PROBLEM, port.refusal)
    if not relay_has_it:
        return _finding(port, Mark.PROBLEM, f"somebody else has it{holder}.", port.refusal)
    if port.holder and port.holder.program in ROOTLESS_PROGRAMS:
        return _finding(
            port,
            Mark.PROBLEM,
            f"it is published by a rootless engine{holder}, which may hide the members' addresses.",
            "Run the relay with host networking under an ordinary engine, or without a container: members whose"
            " address changes on the way are not heard.",
        )
    return _finding(port, Mark.OK, f"the relay's{holder}.")


def _check_free_port(facts: Facts, port: Port) -> Finding:
    if facts.answers:
        return _finding(
            port,
            Mark.NOTE,
            f"it is free here, although a relay answers on TCP port {facts.settings.tcp_port}.",
            "The relay's RELAY_* settings are others than this command's, or it is in a container whose ports are"
            " forwarded by the packet filter alone.",
        )
    lowest = facts.ports.unprivileged_from
    if facts.machine.is_root and lowest is not None and port.number < lowest:
        return _finding(
            port,
            Mark.NOTE,
            f"free, but only for root: ports below {lowest} are privileged.",
            "Choose a port from there up, or give the service CAP_NET_BIND_SERVICE: docs/operations.md shows how.",
        )
    return _finding(port, Mark.OK, "free.")


def _check_ops_port(facts: Facts) -> Finding:
    port, settings = facts.ports.ops, facts.settings
    if port is None:
        return Finding("ops_port", Mark.NOTE, "off (RELAY_OPS_PORT=0): nobody sees how the relay fares.")
    if facts.relay and port.in_use and is_wildcard(settings.ops_host) and not facts.container:
        return _finding(
            port,
            Mark.NOTE,
            "the relay's, on every address of this machine: anybody who reaches it may read the metrics.",
            "Set RELAY_OPS_HOST=127.0.0.1, or keep strangers off the port by the firewall.",
        )
    return _check_port(facts, port, relay_has_it=facts.relay is not None)


def _check_numbers(facts: Facts) -> Finding:
    tcp, udp = facts.settings.tcp_port, facts.settings.udp_port
    if udp == tcp + 1:
        return Finding("port_numbers", Mark.OK, "UDP's is TCP's plus one, where plain clients look for it.")
    return Finding(
        "port_numbers",
        Mark.PROBLEM,
        f"plain clients take UDP port {tcp + 1}, TCP's plus one, but RELAY_UDP_PORT is {udp}.",
        f"Set RELAY_UDP_PORT={tcp + 1}, outside as inside.",
    )


def _finding(port: Port, mark: Mark, says: str, advice: str = "") -> Finding:
    check = port.setting.removeprefix("RELAY_").lower()
    return Finding(check, mark, f"{port.kind} {port.number} - {says}", advice)


def _same(one: Holder | None, other: Holder | None) -> bool:
    """Tell whether both may be one program; who isn't known may be anybody. A proxy has a process for each port."""
    return one is None or other is None or one.program == other.program


def _show(holder: Holder) -> str:
    return f"{holder.program}, process {holder.pid}"
