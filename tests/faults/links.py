"""A relay's own link: a network whose hosts the relay's kernel asks for by ARP and ND; for Linux's root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from e2e.namespaces import DEADLINE_SECONDS, Namespace, network

DEVICE: Final = "lan0"
"""The relay's interface on that link."""


@dataclass(frozen=True, slots=True)
class Link:
    """A relay's network, another one on the same link, and the first address of each family there: the relay's."""

    relay: Namespace
    others: Namespace
    gateways: tuple[str, str] = ("198.18.0.1", "2001:db8:18::1")

    def addresses(self, family: int, count: int) -> list[str]:
        """Return addresses beside the relay's, of family 4 or 6."""
        first = ip_address(self.gateways[family == 6])
        return [str(first + number) for number in range(1, count + 1)]

    def appear(self, addresses: list[str]) -> None:
        """Let the other network's hosts have these addresses."""
        lines = [f"address add {address}/{_prefix(address)} dev eth0 {_options(address)}\n" for address in addresses]
        _ip("-n", self.others.name, "-batch", "-", said="".join(lines))

    def vanish(self) -> None:
        """Take all addresses away, and let the relay's kernel forget at once where they were, not in half a minute."""
        _ip("-n", self.others.name, "address", "flush", "dev", "eth0")
        _ip("-n", self.relay.name, "neigh", "flush", "dev", DEVICE)

    def keep_waiting(self, size_bytes: int) -> None:
        """Set how much may wait for the answer to one ARP or ND question."""
        for family in ("ipv4", "ipv6"):
            setting = f"net.{family}.neigh.{DEVICE}.unres_qlen_bytes={size_bytes}"
            self.relay.run("sysctl", "--quiet", "--write", setting)


@contextmanager
def own_link(label: str, subnet: int) -> Iterator[Link]:
    """Make a network for a relay (see `e2e.namespaces.network`) and a second one on a link of the relay's."""
    others = Namespace(f"on{label}{os.getpid()}", "", "", outer=DEVICE)
    with network(label, subnet) as relay:
        link = Link(relay, others)
        _ip("netns", "add", others.name)
        try:
            _ip("-n", relay.name, *f"link add {DEVICE} type veth peer name eth0 netns {others.name}".split())
            for address in link.gateways:
                words = f"address add {address}/{_prefix(address)} dev {DEVICE} {_options(address)}"
                _ip("-n", relay.name, *words.split())
            for name, device in ((relay.name, DEVICE), (others.name, "lo"), (others.name, "eth0")):
                _ip("-n", name, "link", "set", device, "up")
            yield link
        finally:
            _ip("netns", "delete", others.name)


def _prefix(address: str) -> int:
    return 64 if ":" in address else 16


def _options(address: str) -> str:
    return "nodad" if ":" in address else ""


def _ip(*words: str, said: str = "") -> None:
    done = subprocess.run(["ip", *words], input=said, check=False, capture_output=True, text=True,
                          timeout=DEADLINE_SECONDS)  # fmt: skip
    assert done.returncode == 0, done.stderr
