"""Gather the facts: ask a running relay, try to open the ports, read the system's files."""

import asyncio
import http.client
import ipaddress
import os
import secrets
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import psutil
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from chatclient import RefusedError, UnreachableError, join_room
from relay_server.doctor import linux
from relay_server.doctor.facts import (
    Buffers,
    CertificateFacts,
    ClusterFacts,
    Facts,
    Holder,
    Machine,
    Port,
    Ports,
    RunningRelay,
)
from relay_server.net.sockets import ListenError, bind_udp, is_wildcard, listen_tcp
from relay_server.settings import Settings, variable
from relay_server.tls.certificate import CertificateError
from relay_server.tls.server import load

if sys.platform != "win32":
    import resource

PATIENCE_SECONDS: Final = 3.0
"""A relay on this machine that takes longer counts as one that doesn't answer."""
_SMALL_BYTES = 4096


def gather(settings: Settings) -> Facts:
    """Gather the facts about this machine for a relay with these settings; takes a few seconds at worst."""
    return Facts(
        settings=settings,
        answers=asyncio.run(_answers(settings)),
        relay=_running_relay(settings),
        ports=_ports(settings),
        buffers=_buffers(settings.receive_buffer_bytes),
        machine=_machine(),
        container=linux.container(os.environ),
        certificate=_certificate(settings) if settings.tls_cert_file else None,
        cluster=_cluster(settings) if settings.cluster_url else None,
    )


def _cluster(settings: Settings) -> ClusterFacts:
    from relay_server.doctor.directory import gather_cluster  # noqa: PLC0415 - NATS's client is much to load for nobody

    return asyncio.run(gather_cluster(settings))


def _certificate(settings: Settings) -> CertificateFacts:
    try:
        found = load(settings)
    except CertificateError as error:
        return CertificateFacts(refusal=str(error))
    return CertificateFacts(
        names=found.names,
        until=f"{found.not_after:%Y-%m-%d}",
        days_left=(found.not_after - datetime.now(UTC)) / timedelta(days=1),
        exposed_key=str(found.exposed_key) if found.exposed_key else None,
    )


async def _answers(settings: Settings) -> bool:
    """Return whether a relay answers: it must refuse a join of a room that nobody created."""
    host = "localhost" if is_wildcard(settings.host) else settings.host
    where = f"[{host}]:{settings.tcp_port}"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async with join_room(f"doctor-{secrets.token_hex(8)}", "doctor", server=where, rejoin=False):
                return True
    except RefusedError:
        return True
    except (UnreachableError, TimeoutError, ValueError):
        return False


def _running_relay(settings: Settings) -> RunningRelay | None:
    samples = _scrape(settings)
    versions = [sample.labels["version"] for sample in samples if sample.name == "relay_build_info"]
    if not versions:
        return None
    values = {sample.name: sample.value for sample in samples if not sample.labels}
    mismatches = (
        sample.value
        for sample in samples
        if (sample.name, sample.labels) == ("relay_datagrams_dropped_total", {"reason": "address_mismatch"})
    )
    return RunningRelay(
        version=versions[0],
        members=int(values.get("relay_members", 0)),
        member_addresses=_whole(values.get("relay_member_addresses")),
        datagrams=int(values.get("relay_datagrams_received_total", 0)),
        address_mismatches=int(next(mismatches, 0)),
        kernel_drops=int(values.get("relay_kernel_drops_total", 0)),
        receive_buffer_bytes=_usable(int(values.get("relay_receive_buffer_bytes", 0))),
        loop_lag_seconds=values.get("relay_loop_lag_seconds", 0.0),
        open_files=_whole(values.get("process_max_fds")),
    )


def _scrape(settings: Settings) -> list[Sample]:
    """Read the ops port's metrics; empty if there are none."""
    if not settings.ops_port:
        return []
    host = "localhost" if is_wildcard(settings.ops_host) else settings.ops_host
    connection = http.client.HTTPConnection(host, settings.ops_port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    except (OSError, http.client.HTTPException, ValueError):
        return []
    finally:
        connection.close()


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _ports(settings: Settings) -> Ports:
    holders = _holders()

    def look(name: str, kind: str, host: str) -> Port | None:
        number = getattr(settings, name)
        holder = holders.get((kind, number))
        return _try_port(Port(variable(name), kind, number, holder=holder), host) if number else None

    tcp, udp = look("tcp_port", "TCP", settings.host), look("udp_port", "UDP", settings.host)
    assert tcp  # noqa: S101 - these two can't be off
    assert udp  # noqa: S101
    return Ports(
        tcp,
        udp,
        lobby=look("lobby_port", "UDP", settings.host),
        ops=look("ops_port", "TCP", settings.ops_host),
        unprivileged_from=linux.sysctl("net.ipv4.ip_unprivileged_port_start"),
        link=look("link_port", "TCP", settings.host) if settings.cluster_url else None,
        web=look("web_port", "TCP", settings.host),
    )


def _try_port(port: Port, host: str) -> Port:
    try:
        sock = listen_tcp(host, port.number) if port.kind == "TCP" else bind_udp(host, port.number, _SMALL_BYTES)
    except ListenError as error:
        return replace(port, refusal=str(error), in_use=error.in_use)
    sock.close()
    return port


def _holders() -> dict[tuple[str, int], Holder]:
    """Find the programs that use the ports, as far as the system shows them to this user."""
    holders = {}
    try:
        connections = psutil.net_connections("inet")
    except (psutil.Error, OSError):
        return {}
    for connection in connections:
        kind = "TCP" if connection.type is socket.SOCK_STREAM else "UDP"
        listens = kind == "UDP" or connection.status == psutil.CONN_LISTEN
        if listens and connection.laddr and connection.pid is not None:
            with suppress(psutil.Error):
                program = psutil.Process(connection.pid).name()
                holders[kind, connection.laddr.port] = Holder(program, connection.pid)
    return holders


def _buffers(asked_bytes: int) -> Buffers:
    with bind_udp("127.0.0.1", 0, asked_bytes) as sock:
        received, sent = (sock.getsockopt(socket.SOL_SOCKET, kind) for kind in (socket.SO_RCVBUF, socket.SO_SNDBUF))
    return Buffers(
        receive_bytes=_usable(received),
        send_bytes=_usable(sent),
        receive_max_bytes=linux.sysctl("net.core.rmem_max"),
        receive_default_bytes=linux.sysctl("net.core.rmem_default"),
        send_max_bytes=linux.sysctl("net.core.wmem_max"),
    )


def _usable(told_bytes: int) -> int:
    """Return a buffer's size as it is requested: Linux reports twice that, for its own overhead."""
    return told_bytes // 2 if sys.platform == "linux" else told_bytes


def _machine() -> Machine:
    return Machine(
        is_linux=sys.platform == "linux",
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
        ipv6=_has_ipv6(),
        addresses=_addresses(),
        open_files=_open_files(),
        cpus=_cpus(),
        udp_buffer_errors=linux.udp_buffer_errors(),
        neighbour_wait_bytes=linux.neighbour_wait_bytes(),
        conntrack=linux.conntrack(),
    )


def _has_ipv6() -> bool:
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True


def _addresses() -> tuple[str, ...]:
    """List the addresses by which other machines may reach this machine."""
    found = (
        ipaddress.ip_address(address.address.partition("%")[0])
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in {socket.AF_INET, socket.AF_INET6}
    )
    return tuple(str(address) for address in found if not address.is_loopback and not address.is_link_local)


def _open_files() -> int | None:
    if sys.platform == "win32":
        return None
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # up to which a relay helps itself
    return None if hard == resource.RLIM_INFINITY else hard


def _cpus() -> float:
    may_use = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(may_use, linux.cpu_quota() or may_use)
