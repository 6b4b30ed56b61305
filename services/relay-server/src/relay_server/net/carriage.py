"""One client that this node carries: over a link to its room's home, and its answers back (CLU-04)."""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from chatproto import Feature, ProtocolError, RefusalCode, State
from chatproto.payloads import Completion, decode_completion
from chatproto.stream import Leave, encode_to_relay
from chatproto.tcrp import FrameDecoder
from relay_server.answers import Carried
from relay_server.asked import Peer
from relay_server.core.counters import Way
from relay_server.core.errors import BusyError
from relay_server.core.streams import PATIENCE_SECONDS
from relay_server.net.connection_slots import ConnectionSlots
from relay_server.net.edge import Edge
from relay_server.net.hello import Hello, Kind
from relay_server.net.homeward import Route
from relay_server.net.links import LinkTransport
from relay_server.net.reported import reported
from relay_server.net.streams import SEND_BUFFER_BYTES
from relay_server.net.wire import ClientTransport

if TYPE_CHECKING:
    from relay_server.core.carried import CarriedMember

LINGER_SECONDS: Final = 1.0
"""After the answer the client may close, or say its last words, for so long (TCP-09)."""
HOME_LINGER_SECONDS: Final = 2.0
"""A home waits longer, for the edge is to tell it first what became of the answer."""
MAX_WORDS_BYTES: Final = 64
"""More than its last words may have; the rest of what comes after a request is junk, which no home looks at."""
SPARE_BYTES: Final = 512
"""A request is longer by so much at most than its payload: a header, a room's name, and last words."""
MAX_ANSWER_BYTES: Final = 65_536
"""A completion is much shorter."""

_GIVE_BACK: Final = encode_to_relay(Leave())


class Carriage(asyncio.BaseProtocol):
    """One client's connection, from its whole request on: its other end is at the home.

    The client sees what it would at the home itself, but for the time that a link takes to be opened.
    """

    def __init__(
        self,
        edge: Edge,
        peer: Peer,
        client: ClientTransport,
        slots: ConnectionSlots[Any],
        refuse: Callable[[ProtocolError], bytes],
    ) -> None:
        """``refuse`` writes why it can't be done, in the client's form."""
        self._edge = edge
        self._peer = peer
        self._client = client
        self._slots = slots
        self._refusal = refuse
        self._loop = asyncio.get_running_loop()
        self._link: LinkTransport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._member: CarriedMember | None = None
        self._holds_stream = False
        """Whether it counts as a stream, as one that is asked for does."""
        self._timer: asyncio.TimerHandle | None = None
        self._blocked: asyncio.TimerHandle | None = None
        self._decoder: FrameDecoder | None = FrameDecoder(MAX_ANSWER_BYTES)
        """Reads the answer that passes; None once there is no more of it."""
        self._waiting = b""
        """What is to be sent when the link is open."""
        self._words = b""
        """What the client said after its request."""
        self._half_closed = self._has_passed = self._is_answered = self._is_stream = False

    def begin(self, carried: Carried, request: bytes, until: float, *, half_closed: bool) -> None:
        """Ask the home; ``until`` is when the client is to have its answer."""
        edge, self._half_closed, self._waiting = self._edge, half_closed, request
        edge.carriages.add(self)
        try:
            if len(edge.carriages) > edge.most:
                raise BusyError(RefusalCode.TOO_MANY_LINKS)
            self._member = edge.members.admit(self._peer.ip)
            if carried.stream:
                edge.streams.check()
                edge.streams.carried += 1
                self._holds_stream = True
        except ProtocolError as error:
            self.refuse(error)
            return
        self._timer = self._loop.call_at(until, self._time_out)
        self._client.pause_reading()
        self._opening = self._loop.create_task(self._open(carried))

    @property
    def is_over(self) -> bool:
        """Whether nothing that the client may still send matters."""
        return self._is_answered and self._link is None

    @reported
    def data_received(self, data: bytes) -> bool:
        """Take bytes of the client; returns whether they end a line of a chat."""
        if not self._is_stream:
            data = data[: MAX_WORDS_BYTES - len(self._words)]
            self._words += data
            self._give_back()
        if self._link is not None:
            self._link.write(data)
        elif not self._is_answered:
            self._waiting += data
        return self._is_stream and b"\n" in data

    @reported
    def eof_received(self) -> bool:
        """Let the home know that the client sends no more; it may wait for its answer."""
        self._half_closed = True
        if self._link is not None:
            self._link.write_eof()
        return self._client.is_under_way() if self._is_answered and not self._is_stream else True

    def pause_writing(self) -> None:
        """Read no more from the home while the client doesn't keep up, and cut it if that lasts."""
        self._blocked = self._blocked or self._loop.call_later(PATIENCE_SECONDS, self.abort)
        if self._link is not None:
            self._link.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        if self._blocked is not None:
            self._blocked.cancel()
            self._blocked = None
        if self._link is not None:
            self._link.resume_reading()

    @reported
    def connection_lost(self, exc: Exception | None) -> None:
        """Let the home know that the client is gone, and whether it got its answer (threat T11)."""
        for timer in (self._timer, self._blocked, self._opening):
            if timer is not None:
                timer.cancel()
        self._slots.leave(self)
        self._edge.carriages.discard(self)
        got_answer = self._is_answered and not self._client.has_lost_answer(exc, half_closed=self._half_closed)
        if self._link is not None and got_answer:
            self._link.close()
        elif self._link is not None:
            self._link.abort()
        self._link = None
        if self._is_stream or not got_answer:
            self._release()

    def give_up(self) -> None:
        """Cut the connection: its TLS can't go on."""
        self.abort()

    def give_way(self) -> None:
        """Leave the place to another: the client has its answer."""
        self._slots.leave(self)
        self._client.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._client.abort()

    def hurry(self) -> None:
        """Refuse a client that has no whole answer: another process takes over those that have one."""
        if not self._is_answered:
            self._give_no_answer(RefusalCode.REPLACED)

    def leave(self) -> None:
        """Cut a stream, which resumes at the process that took over; who just got an answer is to read it."""
        if self._is_stream:
            self.abort()

    def refuse(self, error: ProtocolError) -> None:
        """Answer in the home's place."""
        self._is_answered = True
        self._client.write(self._refusal(error))
        self._release()
        if self._link is not None:
            self._link.abort()
            self._link = None
        self._end_answer()

    def take_answer(self, data: bytes) -> None:
        """Pass on what the home says, and learn from it how the client goes on."""
        if self._decoder is not None:
            self._learn(self._decoder, data)
        self._has_passed = True
        self._client.write(data)

    def end_answer(self) -> None:
        """Take note that the home says no more: the client's last words may still go there."""
        if self._is_stream:
            self._cut_later()
        else:
            if not self._is_answered:  # it was refused
                self._is_answered = True
                self._release()
            self._end_answer()

    def lose_home(self) -> None:
        """Take note that the link is gone, if it wasn't given up here."""
        if self._link is None and (self._opening is None or self._opening.done()):
            return
        self._link = None
        if not self._has_passed and not self._is_answered:
            self.refuse(BusyError(RefusalCode.NODE_GONE))
        elif self._is_stream:
            self._cut_later()
        elif self._is_answered:
            self._client.close()
        else:
            self._client.abort()

    def pause_client(self) -> None:
        """Read no more from the client while the home doesn't keep up."""
        if not self._client.is_closing():
            self._client.pause_reading()

    def resume_client(self) -> None:
        """Read on."""
        if not self._client.is_closing():
            self._client.resume_reading()

    async def _open(self, carried: Carried) -> None:
        """Open the link, and let the home have what the client said so far."""
        edge, peer = self._edge, self._peer
        hello = Hello(Kind.CARRY, edge.links.node, peer.ip, peer.scope, peer.encrypted, edge.udp_port, peer.by_page)
        try:
            link = await edge.links.open_link(carried.node, hello, _HomeSide(self))
        except OSError:
            self.refuse(BusyError(RefusalCode.NODE_UNREACHABLE))
            self.resume_client()
            return
        if self._is_answered:  # it was lost this very moment
            return
        self._link, self._node = link, carried.node
        link.write(self._waiting)
        self._waiting = b""
        if self._half_closed:
            link.write_eof()
        self.resume_client()

    def _learn(self, decoder: FrameDecoder, data: bytes) -> None:
        decoder.feed(data)
        while frame := decoder.next_frame():
            if frame.state == State.COMPLETION:
                self._decoder = None
                self._is_answered = True
                self._grant(frame.room, decode_completion(frame.payload))
                return

    def _grant(self, room: bytes, completion: Completion) -> None:
        """Let the client go on as it was granted."""
        edge, link, member = self._edge, self._link, self._member
        assert link is not None  # noqa: S101 - the answer came over it
        assert member is not None  # noqa: S101 - it is let go only after this
        edge.counters.joins_elsewhere[Way.EDGE] += 1
        if completion.stream:
            self._go_on_as_stream(link)
            return
        self._release_stream()
        member.json_notices = Feature.NOTICES in completion.features
        node = member.home = self._node
        member.follows = Feature.FOLLOW in completion.features
        route = Route(link.get_extra_info("peername")[0], node.udp_port, link.get_extra_info("sockname")[0])
        silence_seconds = completion.silence_timeout_seconds or edge.silence_timeout_seconds
        edge.members.begin(member, room, completion.token, edge.way_of(member, route), silence_seconds, edge.clock())
        self._give_back()

    def _give_back(self) -> None:
        """Forget who wanted a stream, got none and wants nothing else (STR-01)."""
        if self._is_answered and self._words == _GIVE_BACK:
            self._release()

    def _go_on_as_stream(self, link: LinkTransport) -> None:
        self._is_stream = True
        self._edge.streams.carried += not self._holds_stream
        self._holds_stream = True
        self._cancel_timer()
        self._slots.leave(self)
        for transport in (self._client, link):
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)

    def _end_answer(self) -> None:
        """End our side, and linger: closing at once could cut the answer short."""
        self._cancel_timer()
        self._client.write_eof()
        self._timer = self._loop.call_later(LINGER_SECONDS, self._client.close)
        self._slots.linger(self)

    def _cut_later(self) -> None:
        """Let the last lines of a stream arrive."""
        self._cancel_timer()
        self._client.write_eof()
        self._timer = self._loop.call_later(LINGER_SECONDS, self._client.abort)

    @reported
    def _time_out(self) -> None:
        self._give_no_answer(RefusalCode.LATE)

    def _give_no_answer(self, why: RefusalCode) -> None:
        """Refuse the client, or cut it if it has a part of its home's answer."""
        if self._opening is not None:
            self._opening.cancel()
        if self._has_passed:
            self._client.abort()
        else:
            self.refuse(BusyError(why))
            self.resume_client()

    def _release(self) -> None:
        """Give back its places among the members and the streams."""
        self._release_stream()
        if self._member is not None:
            self._edge.members.end(self._member)
            self._member = None

    def _release_stream(self) -> None:
        self._edge.streams.carried -= self._holds_stream
        self._holds_stream = False

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _HomeSide:
    """The user of a carriage's link."""

    def __init__(self, carriage: Carriage) -> None:
        self._carriage = carriage

    def data_received(self, data: bytes) -> None:
        """Pass on what the home says; if it is no answer, nobody can make anything of it."""
        try:
            self._carriage.take_answer(data)
        except ProtocolError:
            self._carriage.abort()

    def eof_received(self) -> bool:
        """Take note that the home says no more, and leave the link open for the client."""
        self._carriage.end_answer()
        return True

    def connection_lost(self, _exc: Exception | None) -> None:
        """Take note that the home closed the link, or is gone."""
        self._carriage.lose_home()

    def pause_writing(self) -> None:
        """Let the client wait."""
        self._carriage.pause_client()

    def resume_writing(self) -> None:
        """Let it go on."""
        self._carriage.resume_client()
