"""The sockets of one membership on asyncio: they carry out a brain's actions and tell it what happens."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple, cast

from chatbrain import (
    Action,
    BindDatagram,
    Brain,
    CloseDatagram,
    CloseStream,
    LobbyBrain,
    OpenStream,
    RoomBrain,
    SendDatagram,
    SendStream,
)
from chatbrain.address import ServerAddress
from chatbrain.errors import UntrustedError
from chatbrain.events import Event
from chatbrain.trust import Tls
from chatclient.connecting import connect, explain, resolve
from chatclient.tls import SecureStream, explain_tls, make_context

_RECEIVE_BYTES = 4097  # one more than any legal datagram: a longer one shows (UDP-05)
_BATCH = 64  # datagrams read before other memberships get their turn
_RESOLVE_SECONDS = 4.0


class _Path(NamedTuple):
    """From where to where the datagrams go; the addresses are as the socket module has them."""

    family: int
    local: tuple[Any, ...] | None
    remote: tuple[Any, ...]


class Driver:
    """Carry out one brain's actions; events go to ``on_event``.

    All methods are to be called from the event loop's thread.
    """

    def __init__(
        self, brain: Brain, server: ServerAddress, on_event: Callable[[Event], None], tls: Tls | None = None
    ) -> None:
        """Get ready; ``tls`` is for the TCP connections alone.

        Raises:
            ValueError: its file of authorities can't be used.

        """
        self.brain = brain
        self.unsent = 0
        """Datagrams that the operating system didn't take."""
        self._server = server
        self._on_event = on_event
        self._tls = tls
        self._tls_context = make_context(tls) if tls else None
        self._loop = asyncio.get_running_loop()
        self._stream: _Stream | None = None
        self._streams: set[_Stream] = set()
        self._paths: list[_Path] = []
        self._datagrams: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pumping = False

    @property
    def now(self) -> float:
        """The driver's monotonic seconds."""
        return self._loop.time()

    async def start(self) -> None:
        """Set the brain going."""
        if isinstance(self.brain, RoomBrain):
            self.brain.start(self.now)
        elif isinstance(self.brain, LobbyBrain):
            await self._start_lobby(self.brain)
        self.pump()

    async def _start_lobby(self, brain: LobbyBrain) -> None:
        host, port = self._server
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                found = await resolve(host, port, socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            brain.unresolved(explain(error))
            return
        self._paths = [_Path(family, None, address) for family, address in found]
        brain.start(self.now, len(self._paths))

    async def close(self) -> None:
        """End everything that is open; to be called after the brain ended or when it is given up."""
        if self._timer:
            self._timer.cancel()
        self._close_datagrams()
        for stream in self._streams:
            stream.close()
        await asyncio.gather(*(stream.finished() for stream in self._streams))

    def pump(self) -> None:
        """Carry out what the brain wants, hand over its events, set the timer; call it after each input."""
        if self._pumping:  # an action failed at once and the brain was told: the loop below goes on
            return
        self._pumping = True
        while actions := self.brain.take_actions():
            for action in actions:
                self._carry_out(action)
        self._pumping = False
        for event in self.brain.take_events():
            self._on_event(event)
        self._set_timer()

    def _set_timer(self) -> None:
        # A deadline that only moved away costs nothing here: the old timer fires and finds nothing due.
        deadline = self.brain.next_deadline()
        if self._timer and self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = None
        if not self._timer and deadline < inf:
            self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.brain.tick(self.now)
        self.pump()

    def _carry_out(self, action: Action) -> None:
        match action:
            case SendDatagram(data):
                self._send(data)
            case BindDatagram(port, address):
                self._bind(port, address)
            case CloseDatagram():
                self._close_datagrams()
            case OpenStream():
                self._stream = _Stream(self, cast("RoomBrain", self.brain), self._server, self._secure_stream)
                self._streams.add(self._stream)
            case SendStream(data) if self._stream:
                self._stream.write(data)
            case CloseStream() if self._stream:
                self._stream.close()
                self._stream = None

    def _secure_stream(self) -> SecureStream | None:
        if not self._tls or not self._tls_context:
            return None
        return SecureStream(self._tls, self._tls_context, self._server)

    def took_path(self, family: int, local: tuple[Any, ...], remote: tuple[Any, ...]) -> None:
        """Take note of the addresses at the two ends of the TCP connection."""
        self._paths = [_Path(family, local, remote)]

    def forget(self, stream: "_Stream") -> None:
        """Take note that a connection is closed."""
        self._streams.discard(stream)

    def _bind(self, port: int, address: int) -> None:
        self._close_datagrams()
        path = self._paths[address]
        try:
            self._datagrams = _connected_datagrams(path, port)
        except OSError:
            self.brain.datagram_error(self.now)
        else:
            self._loop.add_reader(self._datagrams.fileno(), self._on_readable, self._datagrams)

    def _close_datagrams(self) -> None:
        if self._datagrams:
            self._loop.remove_reader(self._datagrams.fileno())
            self._datagrams.close()
            self._datagrams = None

    def _send(self, data: bytes) -> None:
        if not self._datagrams:
            self.unsent += 1
            return
        try:
            self._send_past_old_error(self._datagrams, data)
        except BlockingIOError:
            self.unsent += 1
        except OSError:
            self.unsent += 1
            self.brain.datagram_error(self.now)

    @staticmethod
    def _send_past_old_error(datagrams: socket.socket, data: bytes) -> None:
        try:
            datagrams.send(data)
        except ConnectionError:
            # That was the answer to an earlier datagram, and this one wasn't sent.
            datagrams.send(data)

    def _on_readable(self, datagrams: socket.socket) -> None:
        for _ in range(_BATCH):
            if datagrams is not self._datagrams:  # an event's consequence may be a new port
                break
            try:
                data = datagrams.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                self.brain.datagram_error(self.now)
                self.pump()
                break
            if len(data) < _RECEIVE_BYTES:
                self.brain.receive_datagram(data, self.now)
                self.pump()


def _connected_datagrams(path: _Path, port: int) -> socket.socket:
    datagrams = socket.socket(path.family, socket.SOCK_DGRAM)
    try:
        datagrams.setblocking(False)
        if path.local:
            datagrams.bind((path.local[0], 0, *path.local[2:]))
        # Connected, so that the system keeps others' datagrams away and tells of closed ports.
        datagrams.connect((path.remote[0], port, *path.remote[2:]))
    except OSError:
        datagrams.close()
        raise
    return datagrams


class _Stream(asyncio.Protocol):
    """One TCP connection, from the attempt to open it to its end."""

    def __init__(
        self, driver: Driver, brain: RoomBrain, server: ServerAddress, secure: Callable[[], SecureStream | None]
    ) -> None:
        self._driver = driver
        self._brain = brain
        self._secure: SecureStream | None = None
        self._local_address = ""
        self._transport: asyncio.Transport | None = None
        # Only this may be cancelled: of a transport cancelled in the making uvloop tells no end.
        self._connecting = True
        self._given_up = False
        self._lost = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._open(server, secure))
        self._task.add_done_callback(self._opened)

    async def _open(self, server: ServerAddress, secure: Callable[[], SecureStream | None]) -> None:
        try:
            self._secure = secure()
            connection = await connect(server)
            self._connecting = False
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, sock=connection)
            if self._given_up:
                transport.close()
        except (OSError, ValueError) as error:  # a ValueError, and a UnicodeError, is about the host's name
            if not self._given_up:
                self._brain.stream_closed(self._driver.now, explain(error))
                self._driver.pump()

    def _opened(self, _: "asyncio.Task[None]") -> None:
        if not self._transport:  # there is no connection, so none will be lost
            self._lost.set()
            self._driver.forget(self)

    def write(self, data: bytes) -> None:
        if self._secure and self._secure.proven:
            self._secure.write(data)
            self._flush(self._secure)
        elif self._transport and not self._secure:
            self._transport.write(data)

    def close(self) -> None:
        self._given_up = True
        if self._transport and self._secure:
            self._secure.end()
            self._flush(self._secure)
        if self._transport:
            self._transport.close()
        elif self._connecting:
            self._task.cancel()

    async def finished(self) -> None:
        """Wait until nothing of the connection is left."""
        await asyncio.wait([self._task])
        await self._lost.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._given_up:  # ``_open`` closes it
            return
        connection: socket.socket = transport.get_extra_info("socket")
        local, remote = connection.getsockname(), transport.get_extra_info("peername")
        if remote is None:  # it broke at once; connection_lost follows
            return
        self._driver.took_path(connection.family, local, remote)
        self._local_address = str(local[0])
        if self._secure:
            self._decrypt(self._secure, b"")
        else:
            self._brain.connected(self._local_address)
            self._driver.pump()

    def data_received(self, data: bytes) -> None:
        if self._secure and not self._given_up:
            data = self._decrypt(self._secure, data)
        if data and not self._given_up:
            self._brain.receive_stream(data, self._driver.now)
            self._driver.pump()

    def _decrypt(self, secure: SecureStream, data: bytes) -> bytes:
        """Take bytes of the wire; tell the brain once the relay is proven to be the one that is meant, or isn't."""
        was_proven, failure = secure.proven, None
        try:
            data = secure.feed(data)
        except (UntrustedError, ssl.SSLError) as error:
            data, failure = b"", error
        self._flush(secure)  # an alert, before the brain closes the connection
        if isinstance(failure, ssl.SSLError):
            self._brain.stream_closed(self._driver.now, explain_tls(failure))
        elif failure:
            self._brain.untrusted(failure.cause)
        elif secure.proven and not was_proven:
            self._brain.connected(self._local_address)
        self._driver.pump()
        return data

    def _flush(self, secure: SecureStream) -> None:
        data = secure.take()
        if data and self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        self._driver.forget(self)
        if not self._given_up:
            if exc:
                self._brain.stream_closed(self._driver.now, explain(exc))
            else:
                self._brain.stream_closed(self._driver.now)
            self._driver.pump()
