"""Sockets for the driver of a brain, on asyncio's event loop or on any that watches sockets as it does."""

import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

from chatbrain import Cancellable, Finding
from chatbrain.findings import HUNG_UP
from chatclient.explaining import explain
from chatclient.names import Address, Lookup

_DATAGRAM_BYTES: Final = 4097  # one more than any legal datagram: a longer one shows (UDP-05)
_BATCH: Final = 64  # datagrams read before other memberships get their turn
_STREAM_BYTES: Final = 16_384  # read before others get their turn; a TLS record has no more
_SECOND_SECONDS: Final = 0.25
"""When a connection is tried a second time: systems send the first packet again only after a second."""
_MAX_UNSENT_BYTES: Final = 1_048_576
"""More than all the words that may be unanswered at once: who asks for more answers and reads none is no relay."""


class Loop(Protocol):
    """What sockets need of an event loop; asyncio's has it, by these names."""

    def time(self) -> float:
        """Return monotonic seconds."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Cancellable:
        """Call back once at a time, or a little before; never before this returns."""

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> object:
        """Call back in the loop's thread, whatever thread asks for it."""

    def add_reader(self, fd: int, callback: Callable[[], None]) -> object:
        """Call back whenever there is something to read."""

    def add_writer(self, fd: int, callback: Callable[[], None]) -> object:
        """Call back whenever something can be written."""

    def remove_reader(self, fd: int) -> object:
        """Call back no more."""

    def remove_writer(self, fd: int) -> object:
        """Call back no more."""


class SocketToolkit:
    """Bare sockets that an event loop watches."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    @property
    def now(self) -> float:
        """The loop's monotonic seconds."""
        return self._loop.time()

    @property
    def boot_time(self) -> float:
        """Seconds of a clock that goes on while the machine sleeps."""
        seconds = time.time()  # what is set by hand or by NTP is checked in vain
        if sys.platform == "linux":
            seconds = time.clock_gettime(time.CLOCK_BOOTTIME)
        return seconds

    def call_at(self, when: float, then: Callable[[], None]) -> Cancellable:
        """Call back once at a time."""
        return self._loop.call_at(when, then)

    def look_up(self, host: str, then: Callable[[list[Address] | Finding], None]) -> Lookup:
        """Find out a host's addresses."""
        return Lookup(host, then, self._loop.call_soon_threadsafe)

    def make_wire(
        self,
        address: Address,
        port: int,
        on_open: Callable[[], None],
        on_data: Callable[[bytes], None],
        on_end: Callable[[Finding], None],
    ) -> "TcpWire":
        """Make what connects to an address."""
        return TcpWire(self._loop, address, port, on_open, on_data, on_end)

    def make_port(
        self,
        local: Address | None,
        remote: Address,
        port: int,
        on_data: Callable[[bytes], None],
        on_error: Callable[[], None],
    ) -> "UdpPort":
        """Speak from a new local port to a port of ``remote``.

        Raises:
            OSError: the system refuses.

        """
        return UdpPort(self._loop, local, remote.family, remote.at(port), on_data, on_error)


class TcpWire:
    """A TCP connection on a bare socket.

    Neither a transport nor a task, which may be lost when they are cancelled in the making: a socket is closed at once.
    """

    def __init__(
        self,
        loop: Loop,
        address: Address,
        port: int,
        on_open: Callable[[], None],
        on_data: Callable[[bytes], None],
        on_end: Callable[[Finding], None],
    ) -> None:
        self.local = address  # until it is known
        self._loop = loop
        self._remote = address.at(port)
        self._on_open, self._on_data, self._on_end = on_open, on_data, on_end
        self._socket: socket.socket | None = None
        self._dialling: list[socket.socket] = []
        self._second: Cancellable | None = None
        self._unsent = b""

    @property
    def local_text(self) -> str:
        """The address at this end, once it is open."""
        return str(self.local)

    def start(self) -> None:
        """Begin to connect, and try it a second time if that takes long: the first packet may be lost."""
        self._second = self._loop.call_at(self._loop.time() + _SECOND_SECONDS, self._dial)
        self._dial()

    def write(self, data: bytes) -> None:
        """Send bytes in order; a peer that reads too little of them has hung up."""
        self._unsent += data
        if self._socket:
            self._flush(self._socket)
            if len(self._unsent) > _MAX_UNSENT_BYTES:
                self._end(HUNG_UP)

    def close(self) -> None:
        """Close it."""
        self._stop_dialling()
        if self._socket:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _dial(self) -> None:
        connection = socket.socket(self.local.family, socket.SOCK_STREAM)
        self._dialling.append(connection)
        try:
            connection.setblocking(False)
            connection.connect(self._remote)
        except BlockingIOError:
            pass
        except OSError as error:
            self._end(explain(error))
            return
        self._loop.add_writer(connection.fileno(), partial(self._connected, connection))

    def _connected(self, connection: socket.socket) -> None:
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._end(explain(OSError(error, "")))
            return
        self._loop.remove_writer(connection.fileno())
        self._dialling.remove(connection)
        self._stop_dialling()
        self._socket = connection
        self.local = Address(connection.family, connection.getsockname())
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self._loop.add_reader(connection.fileno(), partial(self._read, connection))
        self._on_open()

    def _stop_dialling(self) -> None:
        if self._second:
            self._second.cancel()
        for connection in self._dialling:
            self._loop.remove_writer(connection.fileno())
            connection.close()
        self._dialling.clear()

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(_STREAM_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(explain(error))
            return
        if data:
            self._on_data(data)
        else:
            self._end(HUNG_UP)

    def _flush(self, connection: socket.socket) -> None:
        try:
            self._unsent = self._unsent[connection.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:  # reading tells what is wrong
            self._unsent = b""
        if self._unsent:
            self._loop.add_writer(connection.fileno(), partial(self._flush, connection))
        else:
            self._loop.remove_writer(connection.fileno())

    def _end(self, finding: Finding) -> None:
        self.close()
        self._on_end(finding)


class UdpPort:
    """A UDP port, connected, so that the system keeps others' datagrams away and tells of closed ports."""

    def __init__(
        self,
        loop: Loop,
        local: Address | None,
        family: int,
        remote: tuple[object, ...],
        on_data: Callable[[bytes], None],
        on_error: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._on_data, self._on_error = on_data, on_error
        self._open = True
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            if local:
                self._socket.bind(local.at(0))
            self._socket.connect(remote)
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket.fileno(), self._read)

    def _watch(self) -> None:
        """Watch the socket anew."""
        self._loop.remove_reader(self._socket.fileno())
        self._loop.add_reader(self._socket.fileno(), self._read)

    def send(self, data: bytes) -> None:
        """Send a datagram; it is lost if the system has no room for it.

        Raises:
            OSError: it can't be sent.

        """
        with suppress(BlockingIOError):
            try:
                self._socket.send(data)
            except ConnectionError:
                # That was the answer to an earlier datagram, and this one wasn't sent.
                self._socket.send(data)

    def close(self) -> None:
        """Close it."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _read(self) -> None:
        for read in range(_BATCH):
            if not self._open:  # an event's consequence may be a new port
                break
            try:
                data = self._socket.recv(_DATAGRAM_BYTES)
            except OSError as error:
                idle = isinstance(error, BlockingIOError)
                if not (idle and read):  # uvloop watches no more after an error, which sending may have taken
                    self._watch()
                if not idle:
                    self._on_error()
                break
            if len(data) < _DATAGRAM_BYTES:
                self._on_data(data)
