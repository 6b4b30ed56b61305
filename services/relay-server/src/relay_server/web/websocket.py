"""A WebSocket as a transport of lines: each line is a text message, from either side (WEB-02).

The library `websockets` reads and writes frames, without I/O. Its messages aren't compressed, so that one frame serves
all who read the same.
"""

import logging
from typing import Final

from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

from chatproto import MalformedError
from chatproto.stream import MAX_LINE_BYTES
from relay_server.net.wire import ClientTransport

MAX_IDLE_FRAMES: Final = 64
"""So many frames in a row may end no message: fragments, pings and pongs. Browsers send one frame a message."""

TOO_EARLY: Final = "Wait for the answer to the join before you say more."
_TOO_LONG: Final = f"A message has more than {MAX_LINE_BYTES} bytes."
_SILENT: Final = logging.getLogger("relay_server.websockets")
_SILENT.disabled = True  # it tells of each connection that ends


class Framer:
    """Writes lines as frames; who reads the same lines as the one before costs no second time."""

    __slots__ = ("_frames", "_lines")

    def __init__(self) -> None:
        self._lines = self._frames = b""

    def frame(self, lines: bytes) -> bytes:
        """Return the frames of lines, each of which has its end."""
        if lines is not self._lines:
            self._frames = b"".join(
                [Frame(Opcode.TEXT, line).serialize(mask=False) for line in lines.split(b"\n")[:-1]]
            )
            self._lines = lines
        return self._frames


class WebSocket(ClientTransport):
    """One connection after its handshake: `feed` takes what comes, `write` what is to go.

    Who feeds it closes it once it has `ended`: what came before the farewell counts.
    """

    __slots__ = ("_close", "_framer", "_has_ended", "_idle_frames", "_parts", "_protocol")

    _below: ClientTransport

    def __init__(self, below: ClientTransport, framer: Framer) -> None:
        super().__init__(below)
        self._framer = framer
        self._protocol = Protocol(Side.SERVER, max_size=MAX_LINE_BYTES, logger=_SILENT)
        self._parts: list[bytes] = []
        """Of a message that isn't whole."""
        self._idle_frames = 0
        self._close = b""
        """The last frame, if what came can't be gone on with; before it there may be a line that says why."""
        self._has_ended = False

    @property
    def ended(self) -> bool:
        """Whether the browser said farewell, which is answered."""
        return self._protocol.state is not State.OPEN

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes of the connection; returns the messages that are whole now.

        Raises:
            MalformedError: what came is no text message, or too long.

        """
        protocol = self._protocol
        if protocol.state is not State.OPEN:
            return []
        protocol.receive_data(data)
        messages: list[bytes] = []
        for event in protocol.events_received():
            assert isinstance(event, Frame)  # noqa: S101 - requests come only before the handshake
            self._take(event, messages)
        self._answer()
        return messages

    def is_under_way(self) -> bool:
        """Tell whether bytes that were written haven't been confirmed by the other system."""
        return self._below.is_under_way()

    def has_lost_answer(self, error: Exception | None, *, half_closed: bool) -> bool:
        """Tell whether the client went before its answer came, when the connection is gone."""
        return self._below.has_lost_answer(error, half_closed=half_closed)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send lines, each as a message."""
        if not self._has_ended:
            self._below.write(self._framer.frame(bytes(data)))

    def write_eof(self) -> None:
        """Say that it is over, and end the sending side."""
        if not self._has_ended:
            self._has_ended = True
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
                self._close = b"".join(self._protocol.data_to_send())
            self._below.write(self._close)
        self._below.write_eof()

    def _take(self, frame: Frame, messages: list[bytes]) -> None:
        """Put a message together."""
        self._idle_frames += 1
        if frame.opcode in {Opcode.TEXT, Opcode.CONT}:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._parts)
                self._parts.clear()
                self._idle_frames = 0
                messages.append(message if message.isascii() else self._checked(message))
        elif frame.opcode is Opcode.BINARY:
            self._fail(CloseCode.UNSUPPORTED_DATA, "Send text messages: the relay takes no binary ones.")
        if self._idle_frames > MAX_IDLE_FRAMES:
            self._fail(CloseCode.POLICY_VIOLATION, "Too many frames came that end no message.")

    def _checked(self, message: bytes) -> bytes:
        try:
            message.decode()
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "A message is no UTF-8.")
        return message

    def _answer(self) -> None:
        """Answer pings and the other side's farewell; what the library found wrong ends the connection."""
        protocol = self._protocol
        frames = b"".join(protocol.data_to_send())
        if protocol.parser_exc is not None:
            self._close = frames
            raise MalformedError(
                _TOO_LONG
                if isinstance(protocol.parser_exc, PayloadTooBig)
                else "What came is no legal WebSocket frame."
            )
        if not frames or self._has_ended:
            return
        self._below.write(frames)
        if protocol.state is not State.OPEN:
            self._has_ended = True

    def _fail(self, code: CloseCode, why: str) -> None:
        if self._protocol.state is State.OPEN:  # else it failed or was closed by what came after this
            self._protocol.fail(code, why)
        self._close = b"".join(self._protocol.data_to_send())
        raise MalformedError(why)
