"""Chats over TCP connections: bytes in, lines to the core; what its readers are to get, out (STR-01, STR-07)."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from chatproto import MalformedError
from chatproto.stream import LineDecoder
from relay_server.answers import Granted
from relay_server.core.audience import Forward
from relay_server.core.counters import DropReason
from relay_server.core.reader import MAX_UNREAD_BYTES, Connection, Reader
from relay_server.core.stream_relay import StreamRelay
from relay_server.core.streams import Streams
from relay_server.net.reported import reported

if TYPE_CHECKING:
    from relay_server.core.ring import Ring

SEND_BUFFER_BYTES: Final = 65_536
"""What waits for a reader waits in the ring, once for all: the kernel and the loop hold little of it."""
READERS_A_TURN: Final = 256
"""After so many the other work of the loop has its turn: each takes some 5 us, and by TLS some 15."""
LINES_A_TURN: Final = 64
PAUSE_SECONDS: Final = 0.25
"""Who says too much isn't listened to for so long: TCP makes it wait."""
LINGER_SECONDS: Final = 1.0
"""So long the last line may take to arrive."""

_TOO_MUCH = {DropReason.MESSAGE_RATE, DropReason.BYTE_RATE, DropReason.COPY_RATE}


class Decoder(Protocol):
    """Finds the lines in what comes."""

    @property
    def ended(self) -> bool:
        """Whether the client said by itself that it sends no more."""
        ...

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes in any pieces; returns the lines that are whole now, without their ends.

        Raises:
            MalformedError: what came can't be a line.

        """
        ...


class StreamPort:
    """All connections that carry a chat."""

    def __init__(
        self,
        streams: Streams,
        relay: StreamRelay,
        clock: Callable[[], float],
        *,
        forward: Callable[[Forward], None],
        flush: Callable[[], None],
        undo: Callable[[Granted, float], None],
    ) -> None:
        """``forward`` sends a message to those on UDP, ``flush`` what else waits for them.

        ``undo`` takes back what was granted to who never spoke.
        """
        self.streams = streams
        self.relay = relay
        self.clock = clock
        self.forward = forward
        self.flush = flush
        self.undo = undo
        self.connections: set[StreamConnection] = set()
        self.loop = asyncio.get_running_loop()
        self._waiting: deque[Connection] = deque()
        """Whose turn comes."""
        self._shared: list[Ring] = []
        """What they read."""
        self._is_scheduled = False
        self.is_frozen = False
        """Whether another process takes the rooms over."""
        streams.rings.on_wake = self._schedule

    def open(
        self, granted: Granted, transport: asyncio.Transport, decoder: "Decoder | None" = None
    ) -> "StreamConnection | None":
        """Let a connection carry the chat of who was let in by it; None if it is gone already.

        ``decoder`` finds the lines in what comes, if they aren't just lines.
        """
        connection = StreamConnection(self, granted, transport, decoder or LineDecoder())
        reader = self.streams.connect(granted.session, connection, self.clock())
        if reader is None:
            return None
        connection.reader = reader
        self.connections.add(connection)
        self.flush()
        return connection

    @property
    def copies_waiting(self) -> int:
        """How many copies of messages wait for their readers (STR-08)."""
        return sum(connection.reader.waiting for connection in self.connections)

    def put(self, connection: Connection) -> None:
        """Let a connection have what is for it, soon."""
        self._waiting.append(connection)
        self._schedule()

    def freeze(self) -> None:
        """Take no line and write none until `resume`: what comes waits."""
        self.is_frozen = True

    def resume(self) -> None:
        """Go on as before `freeze`, if it was called."""
        if not self.is_frozen:
            return
        self.is_frozen = False
        for connection in self.connections:
            connection.thaw()
        self._schedule()

    def leave(self) -> None:
        """Close every connection once what was written is sent: its client resumes at another process."""
        for connection in list(self.connections):
            connection.transport.close()

    def close(self) -> None:
        """Cut every connection."""
        for connection in list(self.connections):
            connection.transport.abort()

    def _schedule(self) -> None:
        if not self._is_scheduled and not self.is_frozen:
            self._is_scheduled = True
            self.loop.call_soon(self._turn)

    @reported
    def _turn(self) -> None:
        """Let some readers have what there is: all that came in a turn of the loop at once."""
        waiting = self._waiting
        if self.is_frozen:
            self._is_scheduled = False
            return
        for ring in self.streams.rings.take_woken():
            for reader in ring.readers:
                reader.connection.wake()  # who waits already has it all in its turn
            self._shared.append(ring)
        self._is_scheduled = False
        for _ in range(min(READERS_A_TURN, len(waiting))):
            waiting.popleft().pump()
        if waiting:
            self._schedule()
            return
        for ring in self._shared:
            ring.rest()
        self._shared.clear()


class StreamConnection(asyncio.BaseProtocol):
    """One connection; its `Entrance` sees to TLS, and isn't in the way if it is plain."""

    __slots__ = (
        "_decoder", "_granted", "_has_ended", "_is_blocked", "_is_last", "_is_put", "_lines", "_port", "_timer",
        "reader", "transport",
    )  # fmt: skip

    def __init__(self, port: StreamPort, granted: Granted, transport: asyncio.Transport, decoder: Decoder) -> None:
        self.transport = transport
        self.reader: Reader
        self._port = port
        self._granted = granted
        self._decoder = decoder
        self._lines: deque[bytes] = deque()
        """What came and wasn't looked at yet."""
        self._is_blocked = self._is_put = self._has_ended = self._is_last = False
        self._timer: asyncio.Handle | None = None
        """When lines are looked at again, or when it is cut."""
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)

    def wake(self) -> None:
        """Take note that there is something for this one, or that it is over."""
        if not self._is_put:
            self._is_put = True
            self._port.put(self)

    @property
    def is_over(self) -> bool:
        """Whether nothing that the client may still send matters."""
        return self.reader.ended

    @reported
    def data_received(self, data: bytes) -> bool:
        """Take bytes of the stream; returns whether a line became whole."""
        if self.reader.ended:
            return False
        try:
            lines = self._decoder.feed(data)
        except MalformedError as error:
            self._port.streams.cut_malformed(self.reader, str(error))
            return False
        if lines:
            waits = self._lines or self._timer
            self._lines.extend(lines)
            if not waits:
                self._work()
        if self._decoder.ended and not self.eof_received():
            self.transport.close()
        return bool(lines)

    @reported
    def eof_received(self) -> bool:
        """Take note that its peer sends no more; False once all that it said is looked at, and answered.

        It may read for a moment what is on its way.
        """
        self._is_last = True
        if self._lines:
            return True
        if not self._port.is_frozen:
            self.pump()
        self._cut_later()
        return False

    def give_up(self) -> None:
        """Cut the connection: its TLS can't go on."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """Take note that its peer doesn't keep up."""
        self._is_blocked = True

    def resume_writing(self) -> None:
        """Take note that there is room again."""
        self._is_blocked = False
        self.wake()

    def thaw(self) -> None:
        """Look at what came while the port was frozen."""
        if not self._timer:
            self.go_on()

    def pump(self) -> None:
        """Write what there is as far as there is room, and cut who leaves too much unread."""
        self._is_put = False
        reader, transport = self.reader, self.transport
        while not self._is_blocked and (lines := reader.take(SEND_BUFFER_BYTES)):
            transport.write(lines)
            if len(lines) < SEND_BUFFER_BYTES:
                break
        if (
            self._is_blocked
            and not reader.ended
            and reader.unread_bytes + (0 if reader.is_replaying else transport.get_write_buffer_size())
            > MAX_UNREAD_BYTES
        ):
            self._port.streams.cut_slow(reader)
        if reader.ended and not self._has_ended and not transport.is_closing():
            self._has_ended = True
            transport.write(reader.take(MAX_UNREAD_BYTES))
            transport.write_eof()
            transport.resume_reading()  # what lies there unread would reset the connection before the last line arrives
            self._cut_later()

    @reported
    def connection_lost(self, _exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        self._stop_timer()
        self._lines.clear()
        port, granted = self._port, self._granted
        port.connections.discard(self)
        if not port.streams.disconnect(self.reader, port.clock()):
            port.undo(granted, port.clock())
        port.flush()

    def _work(self) -> None:
        """Look at some lines, then let others have their turn; who says too much waits longer."""
        port, reader, lines, now = self._port, self.reader, self._lines, self._port.clock()
        self._timer = None
        if port.is_frozen:
            self.transport.pause_reading()
            return
        for _ in range(LINES_A_TURN):
            if not lines or reader.ended:
                break
            result = port.relay.take_line(reader, lines.popleft(), now)
            if isinstance(result, tuple):
                port.forward(result)
            elif result in _TOO_MUCH:
                self._timer = port.loop.call_later(PAUSE_SECONDS, self.go_on)
                break
        port.flush()
        if reader.ended:
            lines.clear()
        elif lines or self._timer:
            self.transport.pause_reading()
            self._timer = self._timer or port.loop.call_soon(self.go_on)

    @reported
    def go_on(self) -> None:
        """Look at what waits, and take what comes."""
        self.transport.resume_reading()
        self._work()
        if self._is_last and not self.eof_received():
            self.transport.close()

    def _cut_later(self) -> None:
        self._stop_timer()
        self._timer = self._port.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
