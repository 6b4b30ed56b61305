"""TCRP connections: bytes in, frames out, one deadline for the whole transaction (TCP-03, TCP-08, TCP-09)."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial

from chatproto import MalformedError, Phase, ProtocolError, RefusalCode, ServerTransaction
from relay_server.answers import Answer, Carried, Granted
from relay_server.asked import Peer
from relay_server.control import Control
from relay_server.core.address import network_of, parse_ip
from relay_server.core.admission import Admission
from relay_server.core.errors import BusyError
from relay_server.core.policy import TcpLimits
from relay_server.net.acceptor import Acceptor
from relay_server.net.carriage import HOME_LINGER_SECONDS, LINGER_SECONDS, SPARE_BYTES, Carriage
from relay_server.net.connection_slots import ConnectionSlots
from relay_server.net.edge import Edge
from relay_server.net.entrance import Chat, Entrance, HandOver
from relay_server.net.hello import Hello
from relay_server.net.links import Link, LinkTransport
from relay_server.net.peers import carried_peer, peer_of
from relay_server.net.reported import reported
from relay_server.net.streams import StreamPort
from relay_server.net.tls import TlsTransport
from relay_server.net.turns import Turns
from relay_server.net.underway import Decision, UnderWay
from relay_server.net.wire import Wire
from relay_server.net.workers import Workers
from relay_server.tls.server import Tls


@dataclass(eq=False)
class TcpPort:
    """Accepts connections and counts the open ones."""

    control: Control
    limits: TcpLimits
    clock: Callable[[], float]
    _: KW_ONLY
    admission: Admission
    streams: StreamPort
    workers: Workers
    flush: Callable[[], None]
    on_duration: Callable[[float], None]
    pinned: bool
    tls: Tls | None = None
    edge: Edge | None = None
    """Carries clients to other nodes; None for a relay that is alone."""
    aborted: int = field(init=False, default=0)
    """Connections that ended before they had asked for anything whole, or before it was decided."""

    def __post_init__(self) -> None:
        """Make what it keeps books by."""
        limits = self.limits
        self.connections: ConnectionSlots[Connection | Carriage] = ConnectionSlots(
            limits.max_transactions, limits.max_transactions_per_address
        )
        self._turns = Turns()
        self._acceptor: Acceptor | None = None

    @property
    def is_granting(self) -> bool:
        """Whether some client was granted what it asked for and isn't told everything yet."""
        return any(isinstance(one, Connection) and one.is_granting for one in self.connections)

    def start(self, sock: socket.socket) -> None:
        """Accept connections from a listening socket."""
        self._acceptor = Acceptor(sock, self._connect, self._admit)

    def close(self) -> None:
        """Stop accepting, and cut who is still connected."""
        if self._acceptor:
            self._acceptor.close()
            self._acceptor = None
        for connection in list(self.connections):
            connection.abort()
        self.streams.close()
        if self.edge is not None:
            self.edge.close()
        self._turns.close()
        self.workers.close()

    def pause(self) -> None:
        """Accept nobody until `resume`: who comes waits in the kernel's queue."""
        if self._acceptor:
            self._acceptor.pause()

    def freeze(self) -> None:
        """Answer status 11 to whom isn't let in yet, and let no stream say or hear anything until `resume`."""
        self.streams.freeze()
        for connection in list(self.connections):
            connection.hurry()

    def resume(self) -> None:
        """Go on as before `pause`."""
        self.streams.resume()
        if self._acceptor:
            self._acceptor.resume()

    def take_link(self, link: Link, hello: Hello, via: bytes) -> None:
        """Serve a client whom another node carries, as if it were here (CLU-04); ``via`` is that node's IP."""
        connection = Connection(self)
        link.user = connection
        connection.enter(link.transport, partial(setattr, link, "user"), carried_peer(hello, via))

    def make_room(self) -> bool:
        """See to it that one more may enter; False if all are at work (ROOM-05)."""
        if self.connections.is_full():
            yielding = self.connections.first_to_yield()
            if yielding is None:
                return False
            yielding.give_way()
        return True

    def _admit(self, ip: str) -> bool:
        """Count a connection; False if there are too many from there: not even an answer is to be written then."""
        admitted = self.admission.admits_connection(parse_ip(ip), self.clock())
        self.aborted += not admitted
        return admitted

    @reported
    def _connect(self) -> asyncio.Protocol:
        return Entrance(Connection(self), self.tls, self._turns, self.clock, self.limits.max_payload_bytes)


class Connection:
    """One connection, one transaction; what its `Entrance` lets through."""

    __slots__ = (
        "_granted",
        "_half_closed",
        "_hand_over",
        "_kept",
        "_loop",
        "_peer",
        "_port",
        "_started_at",
        "_timer",
        "_transaction",
        "_transport",
        "_work",
    )

    _transport: Wire | TlsTransport | LinkTransport

    def __init__(self, port: TcpPort) -> None:
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._transaction = ServerTransaction(port.limits.max_payload_bytes)
        self._granted: Granted | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._work: UnderWay | None = None
        """What is done first: the answer waits for it."""
        self._half_closed = False
        self._kept = b""
        """What came, as far as another node may have to see it (CLU-04)."""

    def connection_made(self, transport: Wire, hand_over: HandOver) -> None:
        """Take the connection; ``hand_over`` lets a chat have it."""
        peer = peer_of(transport, pinned=self._port.pinned)
        if peer is None:  # it is gone already
            self._hand_over, self._transport = hand_over, transport
            transport.abort()
            return
        self.enter(transport, hand_over, peer)

    def enter(self, transport: Wire | LinkTransport, hand_over: HandOver, peer: Peer) -> None:
        """Take a slot, if there is one."""
        self._hand_over = hand_over
        self._transport = transport
        self._started_at = self._port.clock()
        self._peer = peer
        if self._port.streams.is_frozen or not self._port.make_room():
            self._say_busy()
            self._transport.close()
        elif self._port.connections.enter(self, network_of(peer.ip)):
            timeout = self._port.limits.transaction_timeout_seconds
            self._timer = self._loop.call_later(timeout, self._time_out)
        else:
            self._say_busy()

    @property
    def network(self) -> bytes:
        """Where it comes from (see `core.address.network_of`)."""
        return network_of(self._peer.ip)

    @property
    def is_asking(self) -> bool:
        """Whether it was neither answered nor has asked for anything whole."""
        return self._transaction.phase is Phase.REQUESTING

    @property
    def is_over(self) -> bool:
        """Whether nothing that the client may still send matters: only who got a token may name a port (TCP-09)."""
        return self._transaction.phase is Phase.ENDED and self._granted is None

    @property
    def is_granting(self) -> bool:
        """Whether its client has a place that it isn't told of yet."""
        return self._transaction.phase is Phase.ACCEPTED

    def secure(self, transport: TlsTransport) -> None:
        """Speak through this transport from now on."""
        self._transport = transport
        self._peer = replace(self._peer, encrypted=True)

    def give_up(self) -> None:
        """End without an answer: the client couldn't read one."""
        self._cancel_timer()
        self._let_go()
        self._transaction.abandon()
        self._end()

    def data_received(self, data: bytes) -> bool:
        """Take bytes of the stream; returns False, for that was no line of a chat."""
        if self._port.edge is not None and self._granted is None:
            self._kept = (self._kept + data)[: self._port.limits.max_payload_bytes + SPARE_BYTES]
        if self._transaction.phase is Phase.REQUESTING:
            self._request(data)
        else:
            self._transaction.feed(data)
            self._take_last_words()
        return False

    def pause_writing(self) -> None:
        """Take note that the client doesn't read; a transaction's answer is short."""

    def resume_writing(self) -> None:
        """Take note that it does again."""

    def eof_received(self) -> bool:
        """Stay open for the answer if one is coming: a client may end its sending side after the request.

        Or it is dead: that it can't be told from the patient one is why its token is looked after (threat T11).
        """
        self._half_closed = True
        if self._granted and self._transaction.phase is Phase.ENDED:
            return self._transport.is_under_way()
        return self._transaction.phase in {Phase.DECIDING, Phase.ACCEPTED}

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        self._cancel_timer()
        if self._transaction.phase is not Phase.ENDED:
            self._let_go()
        elif self._granted and self._transport.has_lost_answer(exc, half_closed=self._half_closed):
            self._undo(self._granted)
        self._port.connections.leave(self)
        self._hand_over = _hand_nothing_over  # else it and its `Entrance` would hold each other, and what came

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def give_way(self) -> None:
        """Leave the place to another; who has no answer yet gets one."""
        if self._transaction.phase is Phase.REQUESTING:
            self._say_busy()
        self._port.connections.leave(self)
        self._cancel_timer()
        self._transport.close()

    def hurry(self) -> None:
        """Refuse a request that isn't decided: another process takes the rooms over."""
        if self._transaction.phase in {Phase.REQUESTING, Phase.DECIDING}:
            self._forget_work()
            self._say_busy(RefusalCode.REPLACED)

    def _let_go(self) -> None:
        """Take back what was begun for a client that will never get its whole answer."""
        if self._transaction.phase is Phase.ACCEPTED and self._granted:
            self._undo(self._granted)
            self._granted = None
        elif self._transaction.phase is not Phase.ENDED:
            self._forget_work()
            self._port.aborted += 1

    def _undo(self, granted: Granted) -> None:
        self._port.control.undo(granted, self._port.clock())
        self._port.flush()

    def _request(self, data: bytes) -> None:
        port = self._port
        self._take(port.control.receive(self._transaction, data, self._peer, port.clock()))

    def _take(self, answer: Answer | None) -> None:
        if isinstance(answer, Granted | Carried | bytes):
            self._decide(answer)
        elif answer is not None:  # the deadline stays, or a wait for a check moves it
            self._port.connections.begin_work(self)
            self._work = UnderWay(self._port, self.network, self._decide, self._be_patient)
            self._work.take(answer)

    def _carry(self, carried: Carried) -> None:
        """Let the client talk to the node that holds its room (CLU-04)."""
        port, transport = self._port, self._transport
        # Who finds rooms elsewhere has an edge, and nobody is carried twice.
        assert port.edge is not None and not isinstance(transport, LinkTransport)  # noqa: S101, PT018
        self._cancel_timer()
        port.connections.leave(self)
        refuse = partial(port.control.refuse, self._transaction)
        carriage = Carriage(port.edge, self._peer, transport, port.connections, refuse)
        port.connections.enter(carriage, self.network)
        port.connections.begin_work(carriage)
        self._hand_over(carriage)
        until = self._started_at + port.limits.timeout_of(may_wait=carried.may_wait)
        carriage.begin(carried, self._kept, until, half_closed=self._half_closed)

    def _be_patient(self) -> None:
        """Let a password wait for a check (PWD-04)."""
        self._cancel_timer()
        until = self._started_at + self._port.limits.timeout_of(may_wait=True)
        self._timer = self._loop.call_at(until, self._time_out)

    def _decide(self, result: Decision) -> None:
        port, self._work = self._port, None
        if isinstance(result, Carried):
            self._carry(result)
            return
        self._cancel_timer()
        if isinstance(result, Granted):
            port.connections.begin_work(self)
            self._granted = result
            accepted = self._transaction.accept()
            port.flush()  # the others hear of the new member
            pause = port.limits.completion_pause_seconds
            if self._transaction.wants_pause and pause:
                self._transport.write(accepted)
                self._timer = self._loop.call_later(pause, self._complete)
            else:
                self._complete(accepted)
        else:
            self._answer(result)

    def _complete(self, before: bytes = b"") -> None:
        assert self._granted  # noqa: S101 - set before this is scheduled
        completed = self._transaction.complete(self._granted.completion)
        if self._granted.completion.stream:
            self._go_on_as_stream(self._granted, before + completed)
        else:
            self._answer(before + completed)
            self._take_last_words()

    def _go_on_as_stream(self, granted: Granted, frames: bytes) -> None:
        """Write the last frame, and let the connection carry the chat (STR-01)."""
        port = self._port
        port.on_duration(port.clock() - self._started_at)
        self._transport.write(frames)
        port.connections.leave(self)
        stream = port.streams.open(granted, self._transport)
        if stream is not None:
            self._hand_over(stream)
        if stream is None or self._half_closed:  # its member is gone, or will never say a word
            self._transport.close()

    def _say_busy(self, why: RefusalCode = RefusalCode.TOO_MANY_REQUESTS) -> None:
        self._cancel_timer()
        self._answer(self._port.control.refuse(self._transaction, BusyError(why)))

    def _answer(self, frames: bytes) -> None:
        """Write the last frames, end our side, and linger: closing at once could cut the answer short."""
        self._port.on_duration(self._port.clock() - self._started_at)
        self._transport.write(frames)
        self._end()

    def _end(self) -> None:
        self._transport.write_eof()
        seconds = HOME_LINGER_SECONDS if isinstance(self._transport, LinkTransport) else LINGER_SECONDS
        self._timer = self._loop.call_later(seconds, self._transport.close)
        self._port.connections.linger(self)

    def _take_last_words(self) -> None:
        client_port = self._transaction.client_port
        if self._granted is None or self._transaction.phase is not Phase.ENDED:
            return
        if self._transaction.gives_back:
            self._port.control.give_back(self._granted, self._port.clock())
            self._granted = None
            self._port.flush()  # the others hear that nobody came
            self._transport.close()
        elif client_port is not None:
            self._port.control.set_client_port(self._granted, client_port, self._peer)
            self._transport.close()

    def _time_out(self) -> None:
        error: ProtocolError = MalformedError(RefusalCode.INCOMPLETE)
        if self._work:
            error = BusyError(RefusalCode.LATE)
            self._forget_work()
        self._answer(self._port.control.refuse(self._transaction, error))

    def _forget_work(self) -> None:
        if self._work:
            self._work.forget()
            self._work = None

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()


def _hand_nothing_over(_: Chat) -> None:
    """Do nothing with a chat that can't begin any more."""
