"""Requests over TCP: an operation, its handler, and the one place where an error becomes a reply."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from chatproto import (
    Completion,
    NotSupportedError,
    Operation,
    ProtocolError,
    Request,
    ServerTransaction,
    Status,
)
from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_DELIVERY_BYTES
from relay_server.core.address import Address, make_address
from relay_server.core.model import Member
from relay_server.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a TCP connection; IPs are 16 bytes (see `core.address`)."""

    ip: bytes
    port: int
    scope: int = 0
    local_ip: bytes | None = None
    """Where its datagrams are to be answered from; None leaves that to the kernel."""

    def udp_address(self, port: int) -> Address:
        """Return the address of a UDP port of the same peer."""
        return make_address(self.ip, port, scope=self.scope, local_ip=self.local_ip)


@dataclass(frozen=True, slots=True)
class Granted:
    """A place in a room: what to answer, and the member to undo it by."""

    member: Member
    completion: Completion


Observer: TypeAlias = Callable[[Operation | None, Status], None]


class Control:
    """Serves create and join."""

    def __init__(
        self,
        registry: Registry,
        *,
        new_token: Callable[[], bytes],
        on_transaction: Observer,
        udp_port: int,
        silence_timeout_seconds: float,
        attribution: bool,
    ) -> None:
        self._registry = registry
        self._new_token = new_token
        self._on_transaction = on_transaction
        self._udp_port = udp_port
        self._silence_timeout_seconds = silence_timeout_seconds
        self._attribution = attribution
        self._handlers = {Operation.CREATE: self._create, Operation.JOIN: self._join}

    def receive(self, transaction: ServerTransaction, data: bytes, peer: Peer, now: float) -> Granted | bytes | None:
        """Feed a connection's bytes; returns a place, a refusal to write, or None while bytes are missing."""
        try:
            wanted = transaction.feed(data)
            if wanted is None:
                return None
            operation, room_name, request = wanted
            member = self._handlers[operation](room_name.encode(), request, peer, now)
        except ProtocolError as error:
            return self.refuse(transaction, error)
        self._on_transaction(operation, Status.OK)
        return Granted(member, self._completion(member))

    def refuse(self, transaction: ServerTransaction, error: ProtocolError) -> bytes:
        """Count a refusal and return the frame that says it."""
        self._on_transaction(transaction.operation, error.status)
        return transaction.refuse(error)

    def set_client_port(self, granted: Granted, port: int, peer: Peer) -> None:
        """Take the UDP port that the client named (TCP-09)."""
        self._registry.set_provisional_port(granted.member, peer.udp_address(port))

    def undo(self, granted: Granted, now: float) -> None:
        """Free a place whose token could not be delivered (threat T11)."""
        self._registry.leave(granted.member, now)

    def _create(self, room: bytes, request: Request, peer: Peer, now: float) -> Member:
        if request.password:
            # An open room where its host believes in a password would betray the host.
            raise NotSupportedError("This relay has no passwords yet: create the room without one.")
        port = _provisional(request, peer)
        return self._registry.create_room(room, request.username, self._new_token(), peer.ip, now, port=port)

    def _join(self, room: bytes, request: Request, peer: Peer, now: float) -> Member:
        port = _provisional(request, peer)
        return self._registry.join_room(room, request.username, self._new_token(), peer.ip, now, port=port)

    def _completion(self, member: Member) -> Completion:
        attribution_bytes = len(member.raw_name) + 2 if self._attribution else 0
        return Completion(
            member.token,
            host=member.room.host is member,
            udp_port=self._udp_port,
            silence_timeout_seconds=self._silence_timeout_seconds,
            max_message_bytes=min(
                MAX_DELIVERY_BYTES - attribution_bytes,
                MAX_DATAGRAM_BYTES - 2 - len(member.room.raw_name) - len(member.token),
            ),
        )


def _provisional(request: Request, peer: Peer) -> Address | None:
    """Return where a plain client may listen before it ever spoke: its TCP port's number on UDP (LEN-02)."""
    return None if request.json_reply else peer.udp_address(peer.port)
