"""A whole request over TCP, and who it is from."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from chatproto import Operation, ProtocolError, Request


class Transaction(Protocol):
    """The relay's end of a request: over TCP, or by a page in a browser (see `chatproto`)."""

    @property
    def operation(self) -> Operation | None:
        """What is asked for, as soon as it is known."""
        ...

    def feed(self, data: bytes) -> tuple[Operation, str, Request] | None:
        """Take bytes; returns operation, room name and request once they are whole."""
        ...

    def refuse(self, error: ProtocolError) -> bytes:
        """Write the answer that says no and why."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a TCP connection; IPs are 16 bytes (see `core.address`)."""

    ip: bytes
    port: int
    scope: int = 0
    local_ip: bytes | None = None
    """Where its datagrams are to be answered from; None leaves that to the kernel."""
    encrypted: bool = False
    """Whether TLS carries what it says."""
    via: bytes | None = None
    """The IP of the node that carries it here; None for who came by itself (CLU-04)."""
    udp_port: int | None = None
    """Where that node takes its datagrams."""
    by_page: bool = False
    """Whether it is a page in a browser, which has no other way to chat than this connection (WEB-01)."""


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A whole request, and who it is from."""

    transaction: Transaction
    operation: Operation
    room: bytes
    request: Request
    keys: tuple[str, ...]
    """The user name's: worked out once, as it is most of the work that a join is."""
    peer: Peer
    stream: bool = False
    """Whether it is granted that the chat goes on over the connection (STR-01)."""

    @property
    def attempt(self) -> Hashable:
        """What names this request if it is made again (RES-02); None if nothing does.

        Its answer is for this address alone, and what TLS carried isn't repeated in the clear.
        """
        request, peer = self.request, self.peer
        if not request.attempt:
            return None
        return request.attempt, self.operation, self.room, request.ticket, peer.ip, peer.encrypted, self.stream
