"""Requests over TCP: an operation, its handler, and the one place where an error becomes a reply."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

from chatproto import (
    Completion,
    Feature,
    NotSupportedError,
    Operation,
    ProtocolError,
    Request,
    ServerTransaction,
    Status,
)
from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_DELIVERY_BYTES
from chatproto.receipts import NUMBER_BYTES
from relay_server.core.address import network_of
from relay_server.core.endpoint import Address
from relay_server.core.errors import NoSuchRoomError, WrongPasswordError
from relay_server.core.guesses import Guess, Guesses
from relay_server.core.model import Member
from relay_server.core.name_rules import judge_user_name
from relay_server.core.names import name_keys
from relay_server.core.receipts import SaidNumbers
from relay_server.core.registry import Registry
from relay_server.passwords import Passwords, decoy_hash


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


class MakeAddress(Protocol):
    """Builds the address of a UDP port; ``local_ip`` is where datagrams to it are to leave from."""

    def __call__(self, ip: bytes, port: int, *, scope: int, local_ip: bytes | None) -> Address:
        """Return the address."""
        ...


@dataclass(frozen=True, slots=True)
class Granted:
    """A place in a room: what to answer, and the member to undo it by."""

    member: Member
    completion: Completion


Proof: TypeAlias = Callable[[], str]
"""Returns the hash that a password fits, or raises the ProtocolError that says why there is none."""


@dataclass(frozen=True, slots=True, repr=False)
class Pending:
    """A request with a password to work on first, away from the loop.

    ``admit`` takes the time when the work is about to begin, and raises a BusyError if it may not (PWD-04). ``finish``
    takes what became of ``work``, and the time. Both hold the password, so neither shows it.
    """

    admit: Callable[[float], None]
    work: Proof
    finish: Callable[[Proof, float], Granted | bytes]


@dataclass(frozen=True, slots=True, repr=False)
class _Asked:
    """A whole request, and who it is from."""

    transaction: ServerTransaction
    operation: Operation
    room: bytes
    request: Request
    keys: tuple[str, ...]
    """The user name's: worked out once, as it is most of the work that a join is."""
    peer: Peer


class Control:
    """Serves create and join."""

    def __init__(
        self,
        registry: Registry,
        *,
        passwords: Passwords,
        guesses: Guesses,
        hide_rooms: bool,
        make_address: MakeAddress,
        new_token: Callable[[], bytes],
        on_transaction: Callable[[Operation | None, Status], None],
        udp_port: int,
        silence_timeout_seconds: float,
        attribution: bool,
        moderation: bool,
        tls_required: bool = False,
    ) -> None:
        self._registry = registry
        self._passwords = passwords
        self._guesses = guesses
        self._decoy_hash = decoy_hash() if hide_rooms else None
        self._make_address = make_address
        self._new_token = new_token
        self._on_transaction = on_transaction
        self._udp_port = udp_port
        self._silence_timeout_seconds = silence_timeout_seconds
        self._attribution = attribution
        self._moderation = moderation
        self._tls_required = tls_required
        self._preparations = {Operation.CREATE: self._prepare_create, Operation.JOIN: self._prepare_join}

    def receive(
        self, transaction: ServerTransaction, data: bytes, peer: Peer, now: float
    ) -> Granted | Pending | bytes | None:
        """Feed a connection's bytes; returns a place, a refusal, work to do first, or None while bytes are missing."""
        try:
            wanted = transaction.feed(data)
            if wanted is None:
                return None
            operation, room_name, request = wanted
            if self._tls_required and not peer.encrypted:
                raise NotSupportedError("This relay lets in by TLS alone: use a client that speaks it (chat --tls).")
            self._registry.admission.check_rate(peer.ip, now)
            # Before the look-up: what takes long must take as long where there is no room (PWD-05).
            keys = name_keys(request.username)
            asked = _Asked(transaction, operation, room_name.encode(), request, keys, peer)
            return self._preparations[operation](asked, now) or self._enter(asked, None, now)
        except ProtocolError as error:
            return self.refuse(transaction, error)

    def refuse(self, transaction: ServerTransaction, error: ProtocolError) -> bytes:
        """Count a refusal and return the frame that says it."""
        if self._decoy_hash and isinstance(error, NoSuchRoomError | WrongPasswordError):
            error = WrongPasswordError("There is no such room, or the password is wrong.")
        self._on_transaction(transaction.operation, error.status)
        return transaction.refuse(error)

    def set_client_port(self, granted: Granted, port: int, peer: Peer) -> None:
        """Take the UDP port that the client named (TCP-09)."""
        self._registry.set_provisional_port(granted.member, self._udp_address(peer, port))

    def undo(self, granted: Granted, now: float) -> None:
        """Free a place whose token could not be delivered (threat T11)."""
        self._registry.leave(granted.member, now)

    def _prepare_create(self, asked: _Asked, now: float) -> Pending | None:
        password = asked.request.password
        if password is None:
            return None
        self._registry.check_new_room(asked.room, asked.peer.ip)
        judge_user_name(asked.request.username, asked.keys)  # all that can refuse goes before the work
        self._registry.admission.check_new_password(asked.peer.ip, now)
        return self._pending(asked, lambda: self._passwords.hash(password), lambda _: Guess())

    def _prepare_join(self, asked: _Asked, _: float) -> Pending | None:
        """Return what the room wants to be done first; what else it would say is for who knows the password."""
        password, room = asked.request.password, self._registry.rooms.get(asked.room)
        if room and room.holds(asked.keys, asked.peer.ip):
            return None  # which is answered without work
        password_hash = room.password_hash if room else self._decoy_hash
        if password is None or password_hash is None:
            return None
        self._registry.admission.check_member(asked.peer.ip)
        begin = partial(self._guesses.begin, network_of(asked.peer.ip), asked.request.username, asked.room)
        return self._pending(asked, lambda: self._passwords.check(password, password_hash), begin)

    def _pending(self, asked: _Asked, work: Proof, begin: Callable[[float], Guess]) -> Pending:
        guess = Guess()

        def admit(now: float) -> None:
            nonlocal guess
            guess = begin(now)

        def finish(proof: Proof, now: float) -> Granted | bytes:
            try:
                with guess:
                    password_hash = proof()
                return self._enter(asked, password_hash, now)  # which checks all again: much may be new meanwhile
            except ProtocolError as error:
                return self.refuse(asked.transaction, error)

        return Pending(admit, work, finish)

    def _enter(self, asked: _Asked, password_hash: str | None, now: float) -> Granted:
        request, peer = asked.request, asked.peer
        name, token, port = request.username, self._new_token(), self._provisional(request, peer)
        if asked.operation is Operation.CREATE:
            member = self._registry.create_room(
                asked.room, name, token, peer.ip, now, keys=asked.keys, port=port, password_hash=password_hash
            )
        else:
            member = self._registry.join_room(
                asked.room, name, token, peer.ip, now, keys=asked.keys, port=port, proof=password_hash,
                told_when_heard=Feature.NOTICES in request.features,
            )  # fmt: skip
        member.session.json_notices = Feature.NOTICES in request.features
        if Feature.RECEIPTS in request.features:
            member.said = SaidNumbers()
        self._on_transaction(asked.operation, Status.OK)
        return Granted(member, self._completion(member, request.features))

    def _completion(self, member: Member, features: frozenset[Feature]) -> Completion:
        attribution_bytes = len(member.attribution) if self._attribution else 0
        token = member.session.token
        number_bytes = 0 if member.said is None else NUMBER_BYTES
        return Completion(
            token,
            host=member.room.host is member,
            udp_port=self._udp_port,
            silence_timeout_seconds=self._silence_timeout_seconds,
            max_message_bytes=min(
                MAX_DELIVERY_BYTES - attribution_bytes,
                MAX_DATAGRAM_BYTES - 2 - len(member.room.raw_name) - len(token) - number_bytes,
            ),
            moderation=self._moderation,
            features=features,
        )

    def _provisional(self, request: Request, peer: Peer) -> Address | None:
        """Return where a plain client may listen before it ever spoke: its TCP port's number on UDP (LEN-02)."""
        return None if request.json_reply or not peer.port else self._udp_address(peer, peer.port)

    def _udp_address(self, peer: Peer, port: int) -> Address:
        return self._make_address(peer.ip, port, scope=peer.scope, local_ip=peer.local_ip)
