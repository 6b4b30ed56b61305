"""Where somebody is, in the core's terms: an address that only `net` understands, and what it may be asked about it."""

from collections.abc import Callable, Hashable
from typing import NamedTuple, Protocol, TypeAlias

Address: TypeAlias = Hashable
"""Where somebody speaks from and is reached. The core keeps and compares addresses, and never looks into one."""


class Host(NamedTuple):
    """A machine as our own links know it."""

    ip: bytes
    """16 bytes, see `core.address`."""
    scope: int = 0
    """The interface, if the IP means something on one link alone; else 0."""


class Endpoint(NamedTuple):
    """What an address tells."""

    ip: bytes
    """16 bytes, see `core.address`."""
    port: int
    scope: int
    """As in `Host`."""
    remote: bytes
    """Names the peer alone: two addresses of one peer may differ in `local_ip`."""
    local_ip: bytes | None = None
    """Which of our IPs it spoke to; None if the address doesn't tell."""

    @property
    def host(self) -> Host:
        """The peer's machine."""
        return Host(self.ip, self.scope)


Locate: TypeAlias = Callable[[Address], Endpoint]
"""Takes an address apart; asked only about those that are new or unknown."""


class MakeAddress(Protocol):
    """Builds the address of a UDP port; ``local_ip`` is where datagrams to it are to leave from."""

    def __call__(self, ip: bytes, port: int, *, scope: int, local_ip: bytes | None) -> Address:
        """Return the address."""
        ...
