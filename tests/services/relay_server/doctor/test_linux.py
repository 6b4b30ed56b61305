"""What is read from /proc and /sys, from files as Linux writes them."""

import sys
from pathlib import Path

import pytest

from relay_server.doctor import linux
from relay_server.doctor.linux import Conntrack, Container

SNMP = """\
Tcp: RtoAlgorithm RtoMin
Tcp: 1 200
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
Udp: 5831087 393073 2569159 8888873 2569 7
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
UdpLite: 1 2 3 4 5 6
"""
SNMP6 = "Ip6InReceives                   \t12\nUdp6RcvbufErrors                \t31\nUdpLite6RcvbufErrors \t1\n"
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
"""


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_container(root: Path, uid_map: str = "         0          0 4294967295\n", link: str = "8") -> None:
    files = {
        ".dockerenv": "",
        "proc/net/route": ROUTES,
        "proc/self/uid_map": uid_map,
        "sys/class/net/eth0/ifindex": "7\n",
        "sys/class/net/eth0/iflink": f"{link}\n",
    }
    write(root, **files)


def test_a_kernel_setting(tmp_path: Path) -> None:
    write(tmp_path, proc__sys__net__core__rmem_max="212992\n", proc__sys__net__ipv4__tcp_rmem="4096 131072 6291456\n")
    assert linux.sysctl("net.core.rmem_max", tmp_path) == 212_992
    assert linux.sysctl("net.ipv4.tcp_rmem", tmp_path) is None
    assert linux.sysctl("net.core.wmem_max", tmp_path) is None


def test_what_may_wait_for_a_neighbour(tmp_path: Path) -> None:
    assert linux.neighbour_wait_bytes(tmp_path) is None
    write(tmp_path, **{"proc/sys/net/ipv4/neigh/lo/unres_qlen_bytes": "999999\n"})
    assert linux.neighbour_wait_bytes(tmp_path) is None
    for where, size in (("ipv4/neigh/eth0", 8192), ("ipv6/neigh/default", 212_992), ("ipv6/neigh/eth0.7", 4096)):
        write(tmp_path, **{f"proc/sys/net/{where}/unres_qlen_bytes": f"{size}\n"})
    assert linux.neighbour_wait_bytes(tmp_path) == 212_992


def test_connection_tracking(tmp_path: Path) -> None:
    assert linux.conntrack(tmp_path) is None
    values = {"count": 12, "max": 65_536, "udp_timeout": 30, "udp_timeout_stream": 120}
    for name, value in values.items():
        assert linux.conntrack(tmp_path) is None
        write(tmp_path, **{f"proc/sys/net/netfilter/nf_conntrack_{name}": f"{value}\n"})
    assert linux.conntrack(tmp_path) == Conntrack(12, 65_536, 30, 120)


def test_datagrams_that_found_a_full_buffer(tmp_path: Path) -> None:
    assert linux.udp_buffer_errors(tmp_path) is None
    write(tmp_path, proc__net__snmp=SNMP)
    assert linux.udp_buffer_errors(tmp_path) == 2569
    write(tmp_path, proc__net__snmp6=SNMP6)
    assert linux.udp_buffer_errors(tmp_path) == 2600


def test_the_processors_time_that_a_group_may_use(tmp_path: Path) -> None:
    assert linux.cpu_quota(tmp_path) is None
    write(tmp_path, **{"sys/fs/cgroup/cpu.max": "max 100000\n"})
    assert linux.cpu_quota(tmp_path) is None
    write(tmp_path, **{"sys/fs/cgroup/cpu.max": "50000 100000\n"})
    assert linux.cpu_quota(tmp_path) == 0.5


def test_the_same_in_the_older_hierarchy(tmp_path: Path) -> None:
    folder = "sys/fs/cgroup/cpu/cpu.cfs_"
    write(tmp_path, **{f"{folder}quota_us": "-1\n", f"{folder}period_us": "100000\n"})
    assert linux.cpu_quota(tmp_path) is None
    write(tmp_path, **{f"{folder}quota_us": "150000\n"})
    assert linux.cpu_quota(tmp_path) == 1.5


def test_no_container(tmp_path: Path) -> None:
    assert linux.container({}, tmp_path) is None


@pytest.mark.parametrize("name", ["container", "KUBERNETES_SERVICE_HOST"])
def test_a_container_by_its_environment(tmp_path: Path, name: str) -> None:
    assert linux.container({name: "yes"}, tmp_path) == Container(bridged=False, rootless=False, gateway=None)


def test_a_container_on_a_bridge(tmp_path: Path) -> None:
    make_container(tmp_path)
    gateway = "172.18.0.1" if sys.byteorder == "little" else "1.0.18.172"
    assert linux.container({}, tmp_path) == Container(bridged=True, rootless=False, gateway=gateway)


def test_a_container_with_its_hosts_network(tmp_path: Path) -> None:
    make_container(tmp_path, link="7")
    found = linux.container({}, tmp_path)
    assert found
    assert not found.bridged


@pytest.mark.parametrize(
    ("uid_map", "rootless"),
    [
        ("         0       1000          1\n         1     100000      65536\n", True),
        ("         0          0 4294967295\n", False),
        ("         0     100000      65536\n", False),  # an ordinary engine with userns-remap
        ("         0          0          1\n", False),
        ("", False),
    ],
)
def test_who_is_root_in_here(tmp_path: Path, uid_map: str, rootless: bool) -> None:
    make_container(tmp_path, uid_map)
    found = linux.container({}, tmp_path)
    assert found
    assert found.rootless is rootless


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_this_machine_can_be_read() -> None:
    assert linux.udp_buffer_errors() is not None
    assert linux.sysctl("net.core.rmem_default") is not None or linux.container({}) is not None
