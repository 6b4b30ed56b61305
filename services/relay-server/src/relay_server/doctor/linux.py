"""Facts from /proc and /sys of Linux; on other systems everything is None or False."""

import ipaddress
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path("/")

_MARKERS = (".dockerenv", "run/.containerenv")
_VARIABLES = ("container", "KUBERNETES_SERVICE_HOST")
_ROUTE_GATEWAY_FLAG = 2


@dataclass(frozen=True, slots=True)
class Conntrack:
    """The kernel's table of connections, and how long UDP entries live after one datagram and after several."""

    entries: int
    max_entries: int
    udp_seconds: int
    udp_stream_seconds: int


@dataclass(frozen=True, slots=True)
class Container:
    """The container around this process."""

    bridged: bool
    rootless: bool
    gateway: str | None


def sysctl(name: str, root: Path = ROOT) -> int | None:
    """Return a kernel setting that is one number, such as ``net.core.rmem_max``."""
    return _number(root / "proc/sys" / name.replace(".", "/"))


def conntrack(root: Path = ROOT) -> Conntrack | None:
    """Return the state of connection tracking; None where the kernel tracks nothing."""
    names = ("count", "max", "udp_timeout", "udp_timeout_stream")
    values = [sysctl(f"net.netfilter.nf_conntrack_{name}", root) for name in names]
    known = [value for value in values if value is not None]
    return Conntrack(*known) if len(known) == len(names) else None


def neighbour_wait_bytes(root: Path = ROOT) -> int | None:
    """Return the bytes that may wait for one host during ARP or neighbour discovery; None if unknown.

    The settings are each interface's own. In a container there are only those: the default, from which an interface
    starts, is the host's.
    """
    found = [
        _number(path / "unres_qlen_bytes")
        for family in ("ipv4", "ipv6")
        for path in (root / "proc/sys/net" / family / "neigh").glob("*")
        if path.name != "lo"
    ]
    return max((size for size in found if size is not None), default=None)


def udp_buffer_errors(root: Path = ROOT) -> int | None:
    """Count the datagrams dropped because a receive buffer was full, of all programs since the machine's start."""
    header, _, values = _read(root / "proc/net/snmp").partition("\nUdp: ")[2].partition("\nUdp: ")
    old = dict(zip(header.split(), values.partition("\n")[0].split(), strict=False)).get("RcvbufErrors")
    if old is None:
        return None
    new = dict(line.split() for line in _read(root / "proc/net/snmp6").splitlines()).get("Udp6RcvbufErrors", "0")
    return int(old) + int(new)


def cpu_quota(root: Path = ROOT) -> float | None:
    """Return the number of processors that the control group allows; None if unlimited or unknown."""
    quota, _, period = _read(root / "sys/fs/cgroup/cpu.max").strip().partition(" ")
    if not period:
        quota, period = (_read(root / f"sys/fs/cgroup/cpu/cpu.cfs_{end}_us").strip() for end in ("quota", "period"))
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None


def container(environ: Mapping[str, str], root: Path = ROOT) -> Container | None:
    """Describe the container of this process; None outside of one."""
    if not any((root / marker).exists() for marker in _MARKERS) and not any(name in environ for name in _VARIABLES):
        return None
    interface, gateway = _default_route(root)
    return Container(bridged=_is_half_of_a_pair(interface, root), rootless=_is_rootless(root), gateway=gateway)


def _default_route(root: Path) -> tuple[str, str | None]:
    for line in _read(root / "proc/net/route").splitlines()[1:]:
        interface, target, gateway, flags, *_ = line.split()
        if target == "00000000" and int(flags, 16) & _ROUTE_GATEWAY_FLAG:
            return interface, str(ipaddress.IPv4Address(struct.pack("=I", int(gateway, 16))))
    return "", None


def _is_half_of_a_pair(interface: str, root: Path) -> bool:
    """Return whether the interface's other end is in another namespace, as in a container on a bridge."""
    own, other = (_read(root / "sys/class/net" / interface / name).strip() for name in ("ifindex", "iflink"))
    return bool(interface) and own != other


def _is_rootless(root: Path) -> bool:
    """Return whether root in here is an ordinary user outside: a rootless engine maps only that user."""
    first = _read(root / "proc/self/uid_map").partition("\n")[0].split()
    return len(first) == 3 and first[0] == "0" and first[1] != "0" and first[2] == "1"


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
