"""A machine on which all is well, and ways to spoil one thing of it."""

from dataclasses import replace
from typing import Any, Final

from relay_server.doctor.facts import (
    Buffers,
    Facts,
    Holder,
    Machine,
    Port,
    Ports,
    RunningRelay,
)
from relay_server.doctor.linux import Conntrack, Container
from relay_server.settings import Settings

MIB: Final = 2**20


def make_settings(**values: Any) -> Settings:
    """Return the defaults but for these."""
    return Settings(**values)


RELAY: Final = RunningRelay(
    version="1.2.3",
    members=12,
    member_addresses=9,
    datagrams=1000,
    address_mismatches=0,
    kernel_drops=0,
    receive_buffer_bytes=4 * MIB,
    loop_lag_seconds=0.002,
    open_files=65_536,
)
BRIDGE: Final = Container(bridged=True, rootless=False, gateway="172.18.0.1")
TABLE: Final = Conntrack(entries=100, max_entries=262_144, udp_seconds=30, udp_stream_seconds=120)
SOUND: Final = Facts(
    settings=make_settings(),
    answers=False,
    relay=None,
    ports=Ports(
        tcp=Port("RELAY_TCP_PORT", "TCP", 9000),
        udp=Port("RELAY_UDP_PORT", "UDP", 9001),
        lobby=Port("RELAY_LOBBY_PORT", "UDP", 9002),
        ops=Port("RELAY_OPS_PORT", "TCP", 9100),
        unprivileged_from=1024,
    ),
    buffers=Buffers(
        receive_bytes=4 * MIB,
        send_bytes=4 * MIB,
        receive_max_bytes=4 * MIB,
        receive_default_bytes=212_992,
        send_max_bytes=4 * MIB,
    ),
    machine=Machine(
        is_linux=True,
        is_root=False,
        ipv6=True,
        addresses=("192.0.2.7", "2001:db8::7"),
        open_files=65_536,
        cpus=2,
        udp_buffer_errors=0,
        neighbour_wait_bytes=8192,
        conntrack=TABLE,
    ),
    container=None,
)


def settings(**values: Any) -> Facts:
    """Return the sound machine with other settings."""
    return replace(SOUND, settings=make_settings(**values))


def machine(**values: Any) -> Facts:
    """Return a machine of which something is otherwise."""
    return replace(SOUND, machine=replace(SOUND.machine, **values))


def buffers(**values: Any) -> Facts:
    """Return a machine that grants other buffers."""
    return replace(SOUND, buffers=replace(SOUND.buffers, **values))


def running(container: Container | None = None, **values: Any) -> Facts:
    """Return a machine on which a relay runs, of which something is otherwise."""
    return replace(taken(), answers=True, relay=replace(RELAY, **values), container=container)


def taken(program: str = "python", **programs: str | None) -> Facts:
    """Return a machine whose ports somebody has: one program, or others for some (None: nobody knows)."""
    ports: dict[str, Any] = {
        name: replace(port, refusal=f"{port.kind} port {port.number} is in use: choose another.", in_use=True,
                      holder=_holder(programs.get(name, program)))
        for name, port in (
            ("tcp", SOUND.ports.tcp), ("udp", SOUND.ports.udp), ("lobby", SOUND.ports.lobby), ("ops", SOUND.ports.ops)
        )
        if port
    }  # fmt: skip
    return replace(SOUND, ports=replace(SOUND.ports, **ports))


def _holder(program: str | None) -> Holder | None:
    return Holder(program, 4711) if program else None
