"""GsoBatchs on their way to another machine, over interfaces that take packets of different sizes; for Linux's root."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from e2e.namespaces import DEADLINE_SECONDS, Namespace, network
from relay_server.core.address import parse_ip
from relay_server.net.address import UdpAddress, make_address, pack_targets
from relay_server.net.batch import BatchSocket
from relay_server.net.fanout import MAX_SEGMENT_BYTES
from relay_server.net.sending import Sent
from relay_server.net.sockets import bind_udp

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the batch calls are Linux's"),
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="only root makes networks, with `ip`"),
]

BUFFER_BYTES = 2**20
OUTSIDE_V6, INSIDE_V6 = "2001:db8:5::1", "2001:db8:5::2"
LISTEN = """
import socket, sys
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.settimeout(30)
sock.bind(("::", 0))
print(sock.getsockname()[1], flush=True)
for _ in range(int(sys.argv[1])):
    print(sock.recv(65536).hex(), flush=True)
"""


@contextmanager
def listener(there: Namespace, count: int) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """Listen in the other network for so many datagrams; yields the port."""
    command = [*there.inside, sys.executable, "-c", LISTEN, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline()), process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def there() -> Iterator[Namespace]:
    with network("parcels", 244) as made:
        made.run("ip", "address", "add", f"{INSIDE_V6}/64", "dev", "eth0", "nodad")
        ip("address", "add", f"{OUTSIDE_V6}/64", "dev", made.outer, "nodad")
        yield made


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=DEADLINE_SECONDS)


def target(address: str, port: int, local: str) -> UdpAddress:
    return make_address(parse_ip(address), port, local_ip=parse_ip(local))


@pytest.mark.requirement("UDP-04")
@pytest.mark.parametrize("mtu", [1500, 1280])
@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_another_machine_hears_message_by_message(there: Namespace, mtu: int, family: str) -> None:
    ip("link", "set", there.outer, "mtu", str(mtu))
    here, yonder = (there.gateway, there.address) if family == "IPv4" else (OUTSIDE_V6, INSIDE_V6)
    messages = [bytes([number]) * MAX_SEGMENT_BYTES for number in range(20)]
    batch = BatchSocket(bind_udp("::", 0, BUFFER_BYTES), pinned=True)
    with listener(there, 20) as (port, process):
        sent = batch.send([(b"".join(messages), pack_targets([target(yonder, port, here)]), MAX_SEGMENT_BYTES)])
        heard, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert sent == Sent(20, 20 * MAX_SEGMENT_BYTES, [])
    assert [bytes.fromhex(line) for line in heard.split()] == messages
    batch.close()


@pytest.mark.requirement("UDP-04", "CON-02")
def test_messages_too_long_for_the_way_go_one_by_one_in_fragments(there: Namespace) -> None:
    ip("link", "set", there.outer, "mtu", "600")  # the kernel cuts no parcel into fragments
    messages = [bytes([number]) * size for number, size in enumerate((1000, 1000, 1000, 10))]
    batch = BatchSocket(bind_udp("0.0.0.0", 0, BUFFER_BYTES), pinned=True)
    with listener(there, 5) as (port, process):
        row = pack_targets([target(there.address, port, there.gateway)])
        sent = batch.send([(b"".join(messages), row, 1000), (b"after", row, 0)])
        heard, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert sent == Sent(5, 3015, [])
    assert [bytes.fromhex(line) for line in heard.split()] == [*messages, b"after"]
    assert batch.supports_gso
    batch.close()
