"""From a brain to a toolkit's sockets and back: carry out actions, hand over events, keep time."""

from collections import deque
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Final, cast

from chatbrain.actions import (
    Action,
    BindDatagram,
    CloseDatagram,
    CloseStream,
    LookUp,
    OpenStream,
    SendDatagram,
    SendStream,
)
from chatbrain.address import ServerAddress
from chatbrain.events import Ended, Event
from chatbrain.findings import NO_ANSWER, Finding
from chatbrain.lobby import LobbyBrain
from chatbrain.room import RoomBrain
from chatbrain.stream import Path, Stream
from chatbrain.toolkit import Cancellable, Port, Secure, Toolkit

Brain = RoomBrain | LobbyBrain
SecureBy = Callable[[ServerAddress, str], Secure]

HASTY_SECONDS: Final = 0.5
"""A server gets this long to take a connection where there are others."""

LOOKUP_SECONDS: Final = 4.0
"""How long to wait for the lobby's address; the room's is part of the time for its answer."""


class Driver:
    """The sockets and the timer of one brain; its events go to ``on_event``.

    ``secure`` makes the TLS of a TCP connection to a server, whose certificate has the fingerprint that is given, or is
    as configured if there is none; without it they are plain.
    """

    def __init__(
        self,
        toolkit: Toolkit,
        brain: Brain,
        server: ServerAddress,
        on_event: Callable[[Event], None],
        secure: SecureBy | None = None,
    ) -> None:
        self.brain = brain
        self._toolkit = toolkit
        self._server = server
        self._on_event = on_event
        self._secure = secure
        self._events: deque[Event] = deque()
        self._stream: Stream | None = None
        self._port: Port | None = None
        self._local: Any = None
        self._remotes: list[Any] = []
        self._way: tuple[Any, Any] = None, None
        self._lookup: list[Cancellable] = []
        self._timer: Cancellable | None = None
        self._timer_at = inf
        self._pumping = self._closed = False

    @property
    def now(self) -> float:
        """The brain's monotonic seconds."""
        return self._toolkit.now

    def start(self) -> None:
        """Set the brain going, from the next turn of the event loop on."""
        self._lookup = [self._toolkit.call_at(self.now, self._begin)]

    def pump(self) -> None:
        """Carry out what the brain wants, hand over its events, set the timer; call it after each input."""
        if self._pumping:  # from within: the loop below goes on
            return
        self._pumping = True
        try:
            while not self._closed and (self._act() or self._tell()):
                pass
        finally:
            self._pumping = False
        self._set_timer()

    def close(self) -> None:
        """Carry out what the brain wants last, then end everything that is open; no event comes any more."""
        if self._closed:
            return
        self._closed = True
        while self._act():
            pass
        self._stop_looking()
        if self._timer:
            self._timer.cancel()
        self._close_port()
        self._close_stream()

    def _begin(self) -> None:
        self.brain.start(self.now)
        self.pump()

    def _look_up(self, brain: LobbyBrain) -> None:
        self._stop_looking()
        then = partial(self._looked_up, brain)
        self._lookup = [self._toolkit.call_at(self.now + LOOKUP_SECONDS, partial(then, NO_ANSWER))]
        self._lookup.append(self._toolkit.look_up(self._server.host, then))

    def _looked_up(self, brain: LobbyBrain, found: list[Any] | Finding) -> None:
        self._stop_looking()
        if isinstance(found, Finding):
            brain.unresolved(found, self.now)
        else:
            self._remotes = found
            brain.resolved(len(found), self.now)
        self.pump()

    def _stop_looking(self) -> None:
        for lookup in self._lookup:
            lookup.cancel()

    def _act(self) -> bool:
        actions = self.brain.take_actions()
        for action in actions:
            self._carry_out(action)
        return bool(actions)

    def _tell(self) -> bool:
        """Hand over one event: its consequences may be actions, which come first."""
        if not self._events:
            self._events.extend(self.brain.take_events())
        if self._events:
            self._on_event(self._events.popleft())
            return True
        return False

    def _set_timer(self) -> None:
        # A deadline that only moved away costs nothing here: the old timer fires and finds nothing due.
        deadline = self.brain.next_deadline()
        if self._closed or deadline >= self._timer_at:
            return
        if self._timer:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._toolkit.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer_at = inf
        if isinstance(self.brain, RoomBrain):
            self.brain.compare_clocks(self.now, self._toolkit.boot_time)
        self.brain.tick(self.now)
        self.pump()

    def _carry_out(self, action: Action) -> None:
        match action:
            case SendDatagram(data):
                self._send(data)
            case BindDatagram():
                self._bind(action)
            case CloseDatagram():
                self._close_port()
            case LookUp():
                self._look_up(cast("LobbyBrain", self.brain))  # a room's stream does it for itself
            case OpenStream():
                self._open_stream(cast("RoomBrain", self.brain), action)  # the lobby asks for none
            case SendStream(data) if self._stream:
                self._stream.write(data)
            case CloseStream():
                self._close_stream()

    def _bind(self, wanted: BindDatagram) -> None:
        self._close_port()
        if not wanted.again:
            self._way = self._local, self._remotes[wanted.address]
        try:
            self._port = self._toolkit.make_port(*self._way, wanted.port, self._heard, self._came_back)
        except OSError:
            self._came_back()

    def _send(self, data: bytes) -> None:
        try:
            if self._port:
                self._port.send(data)
        except OSError:
            self._came_back()

    def _heard(self, data: bytes) -> None:
        self.brain.receive_datagram(data, self.now)
        self.pump()

    def _came_back(self) -> None:
        self.brain.datagram_error(self.now)
        self.pump()

    def _close_port(self) -> None:
        if self._port:
            self._port.close()
            self._port = None

    def _open_stream(self, brain: RoomBrain, wanted: OpenStream) -> None:
        self._close_stream()
        server = wanted.server or self._server
        self._stream = Stream(
            self._toolkit,
            server,
            partial(self._secure, server, wanted.fingerprint) if self._secure else None,
            on_open=partial(self._opened, brain),
            on_data=partial(self._received, brain),
            on_end=partial(self._ended, brain),
            patience_seconds=HASTY_SECONDS if wanted.hasty else None,
        )
        self._stream.start()

    def _close_stream(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None

    def _opened(self, brain: RoomBrain, path: Path) -> None:
        """Speak UDP between the same two addresses."""
        self._local, self._remotes = path.local, [path.remote]
        brain.connected(path.local_text)
        self.pump()

    def _received(self, brain: RoomBrain, data: bytes) -> None:
        brain.receive_stream(data, self.now)
        self.pump()

    def _ended(self, brain: RoomBrain, found: Finding | Ended) -> None:
        if isinstance(found, Finding):
            brain.stream_closed(self.now, found)
        else:
            brain.untrusted(found, self.now)
        self.pump()
