"""One attempt to be let into a room over TCP, and what the relay grants."""

from dataclasses import dataclass
from math import inf
from typing import Final

from chatproto import (
    ClientTransaction,
    Completion,
    Feature,
    MalformedError,
    Operation,
    Request,
    Server,
    Status,
    encode_datagram,
)
from chatproto.constants import DEFAULT_UDP_PORT, KEEP_ALIVE_SECONDS, MAX_DATAGRAM_BYTES
from chatproto.receipts import NUMBER_BYTES

TRANSACTION_SECONDS: Final = 4.0
"""A relay that isn't there is known to be missing in under 5 s, connecting and asking taken together."""
PASSWORD_SECONDS: Final = 21.0
"""A relay that is connected may let a password wait for so long, where others guessed wrong (PWD-04)."""

_FULL: Final = {Status.ROOM_FULL, Status.TOO_MANY}
"""Refusals that a relay may give before it looks at the name."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a membership consists of."""

    header: bytes
    """A whole keep-alive; a message follows it directly (UDP-01)."""
    host: bool
    udp_port: int
    max_message_bytes: int
    silence_timeout_seconds: float | None
    """None: the relay didn't say, or never evicts for silence."""
    obeys: bool
    facts: bool
    """Whether notices come as JSON, not in prose (FEAT-03)."""
    receipts: bool
    """Whether the relay answers messages that have a number (RCP-01)."""
    ticket: str
    """By what the seat is taken again (RES-01); empty if it can't, or if nobody would know that it works (RCP-03)."""
    local_address: str
    """From where it was asked for."""
    stream: bool = False
    """The chat goes on over the connection (STR-01)."""
    epoch: str = ""
    """What the room's numbering is called."""
    seq: int = 0
    """The newest number in it."""
    sealed: bool = False
    """Whether the relay says that the room is (SEAL-03)."""
    servers: tuple[Server, ...] = ()
    """The nodes at which the seat may be taken again, this one first (CLU-02)."""
    web: str = ""
    """The address of the relay's page, if it is told (WEB-05)."""

    @property
    def keep_alive_seconds(self) -> float:
        """How often to tell the relay that one is there: it may be set to evict after less silence than is usual."""
        silence = self.silence_timeout_seconds
        return min(KEEP_ALIVE_SECONDS, max(silence / 3, 0.1)) if silence else KEEP_ALIVE_SECONDS

    def outlives(self, status: Status, asked_from: str) -> bool:
        """Tell whether it doesn't speak against the membership that another was refused from a local address."""
        # From another local address one's own name is a dead self's: the relay takes no word from here.
        own_name = status is Status.NAME_TAKEN and asked_from == self.local_address
        return own_name or status in _FULL


class JoinRequest:
    """One request that is on its way, or still waits for TCP."""

    def __init__(
        self, operation: Operation, room: str, request: Request, now: float, seconds: float = TRANSACTION_SECONDS
    ) -> None:
        """Let the relay answer within so many seconds."""
        self.local_address = ""
        """From which IP address, once TCP stands."""
        self.resumes = bool(request.ticket)
        """Whether one's own seat is asked for again, not a new one."""
        self.seconds = seconds
        """How long the relay has for its answer."""
        self._began_at = now
        self._may_wait = operation is Operation.JOIN and request.password is not None and seconds >= TRANSACTION_SECONDS
        self._operation = operation
        self._room = room
        self._stream = request.stream
        self._sealed = request.sealed
        self._transaction = ClientTransaction(operation, room, request)

    @property
    def deadline(self) -> float:
        """When it is too late for an answer."""
        return self._began_at + self.seconds

    def connect(self, local_address: str) -> bytes:
        """Take note that TCP stands; returns what is to be sent."""
        self.local_address = local_address
        if self._may_wait:
            self.seconds = PASSWORD_SECONDS
        return self._transaction.request

    def feed(self, data: bytes) -> Grant | None:
        """Take bytes that came over TCP, in any pieces; returns what the relay grants, once that is known.

        Raises:
            RefusedError: the relay said no.
            ProtocolError: what answers is no relay, or grants what can't be used.

        """
        completion = self._transaction.feed(data)
        return self._read(completion) if completion else None

    def take_rest(self) -> bytes:
        """Return and forget what followed the grant: a stream's first lines."""
        return self._transaction.take_rest()

    def _read(self, completion: Completion) -> Grant:
        # A plain completion grants the token alone.
        silence = completion.silence_timeout_seconds or None
        header = encode_datagram(self._room.encode(), completion.token)
        features = completion.features
        stream = completion.stream and self._stream
        receipts = stream or features >= {Feature.NOTICES, Feature.RECEIPTS}
        room_left = MAX_DATAGRAM_BYTES - len(header) - receipts * NUMBER_BYTES
        limit = room_left if completion.max_message_bytes is None else completion.max_message_bytes
        if completion.sealed and not self._sealed:
            raise MalformedError("The relay seals a room that was not meant to be.")
        if limit < 1 or not 0 <= (silence or 0) < inf:  # which is false of NaN, too
            raise MalformedError("The relay's completion has a number out of range.")
        return Grant(
            header,
            host=self._operation is Operation.CREATE if completion.host is None else completion.host,
            udp_port=DEFAULT_UDP_PORT if completion.udp_port is None else completion.udp_port,
            max_message_bytes=min(limit, room_left),
            silence_timeout_seconds=silence,
            obeys=completion.moderation,
            facts=stream or Feature.NOTICES in features,
            receipts=receipts,
            ticket=completion.ticket if receipts else "",
            local_address=self.local_address,
            stream=stream,
            epoch=completion.epoch,
            seq=completion.seq,
            sealed=completion.sealed,
            servers=completion.servers if Feature.FOLLOW in features else (),
            web=completion.web,
        )
