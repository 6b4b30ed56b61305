"""The sockets of memberships on Qt: they carry out brains' actions and tell them what happens."""

import time
from collections import deque
from collections.abc import Callable
from math import ceil, inf

from PySide6.QtCore import QObject, Qt
from PySide6.QtNetwork import QHostAddress

from chatbrain import (
    Action,
    BindDatagram,
    Brain,
    CloseDatagram,
    CloseStream,
    Ended,
    Event,
    Finding,
    LobbyBrain,
    OpenStream,
    RoomBrain,
    SendDatagram,
    SendStream,
    ServerAddress,
    Tls,
)
from messenger.core.links import Look
from messenger.desktop.connecting import Lookup, make_timer
from messenger.desktop.datagrams import Datagrams
from messenger.desktop.streams import Stream
from messenger.desktop.tls import Looking, Trust

_LONGEST_TIMER_SECONDS = 3600.0  # a timer that fires too early finds nothing due


class QtLinks(QObject):
    """Open connections in Qt's event loop: no thread, and no call that waits."""

    @property
    def now(self) -> float:
        """The brains' monotonic seconds."""
        return time.monotonic()

    def open(self, brain: Brain, server: ServerAddress, tls: Tls | None, on_event: Callable[[Event], None]) -> "QtLink":
        """Set a brain going, from the next turn of the event loop on; its events go to ``on_event``.

        ``tls`` is for the TCP connections of a room alone.

        Raises:
            BadAuthoritiesError: its file of authorities can't be used.

        """
        return QtLink(self, brain, server, Trust(tls) if tls else None, on_event)

    def look_at(self, server: ServerAddress, on_look: Callable[[Look], None]) -> Looking:
        """Look at a relay's certificate without sending anything; tell what it shows, or why there is nothing to see.

        Keep what is returned until then: ``cancel`` ends it early.
        """
        return Looking(server, on_look, parent=self)


class QtLink:
    """Carry out one brain's actions."""

    def __init__(
        self,
        links: QtLinks,
        brain: Brain,
        server: ServerAddress,
        trust: Trust | None,
        on_event: Callable[[Event], None],
    ) -> None:
        self.brain = brain
        self.unsent = 0
        """Datagrams that the operating system didn't take."""
        self._links = links
        self._server = server
        self._trust = trust
        self._on_event = on_event
        self._events: deque[Event] = deque()
        self._stream: Stream | None = None
        self._local: QHostAddress | None = None
        self._remotes: list[QHostAddress] = []
        self._datagrams: Datagrams | None = None
        self._pumping = self._closed = False
        self._lookup = Lookup(server.host, self._looked_up)
        self._timer = make_timer(0, self._on_timer)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)  # others fire up to a twentieth too early
        self._begin = make_timer(0, self._start)
        self._begin.start()

    def _start(self) -> None:
        if isinstance(self.brain, RoomBrain):
            self.brain.start(self._links.now)
            self.pump()
        else:
            self._lookup.start()

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
        self._begin.stop()
        self._lookup.give_up()
        self._timer.stop()
        self._close_datagrams()
        self._close_stream()

    def _act(self) -> bool:
        actions = self.brain.take_actions()
        for action in actions:
            self._carry_out(action)
        return bool(actions)

    def _tell(self) -> bool:
        """Hand over one event: its consequences may be actions, which come first."""
        self._events.extend(self.brain.take_events())
        if not self._events:
            return False
        self._on_event(self._events.popleft())
        return True

    def _set_timer(self) -> None:
        deadline = self.brain.next_deadline()
        if self._closed or deadline == inf:
            self._timer.stop()
        else:
            seconds = min(max(deadline - self._links.now, 0.0), _LONGEST_TIMER_SECONDS)
            self._timer.start(ceil(seconds * 1000))

    def _on_timer(self) -> None:
        self.brain.tick(self._links.now)
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
                self._close_stream()
                self._stream = Stream(self._server, self._trust, self, parent=self._links)
                self._stream.start()
            case SendStream(data) if self._stream:
                self._stream.write(data)
            case CloseStream():
                self._close_stream()

    def _bind(self, port: int, address: int) -> None:
        self._close_datagrams()
        remote = (self._remotes[address], port)
        try:
            self._datagrams = Datagrams(
                self._local, remote, self._received_datagram, self._datagram_error, parent=self._links
            )
        except OSError:
            self._datagram_error()

    def _send(self, data: bytes) -> None:
        try:
            if not (self._datagrams and self._datagrams.send(data)):
                self.unsent += 1
        except OSError:
            self.unsent += 1
            self._datagram_error()

    def _received_datagram(self, data: bytes) -> None:
        self.brain.receive_datagram(data, self._links.now)
        self.pump()

    def _datagram_error(self) -> None:
        self.brain.datagram_error(self._links.now)
        self.pump()

    def _close_datagrams(self) -> None:
        if self._datagrams:
            self._datagrams.close()
            self._datagrams = None

    def _close_stream(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None

    def _looked_up(self, result: list[QHostAddress] | Finding) -> None:
        assert isinstance(self.brain, LobbyBrain)  # noqa: S101 - a room needs no addresses before TCP has one
        if isinstance(result, Finding):
            self.brain.unresolved(result)
        else:
            self._remotes = result
            self.brain.start(self._links.now, len(result))
        self.pump()

    def stream_opened(self, local: QHostAddress, remote: QHostAddress) -> None:
        """Speak UDP between the same two addresses."""
        self._local, self._remotes = local, [remote]
        self._room.connected(local.toString())
        self.pump()

    def stream_received(self, data: bytes) -> None:
        """Hand bytes to the brain."""
        self._room.receive_stream(data, self._links.now)
        self.pump()

    def stream_failed(self, finding: Finding) -> None:
        """Tell the brain that there is no connection."""
        self._room.stream_closed(self._links.now, finding)
        self.pump()

    def stream_untrusted(self, cause: Ended) -> None:
        """Tell the brain that nothing may be said there."""
        self._room.untrusted(cause)
        self.pump()

    @property
    def _room(self) -> RoomBrain:
        assert isinstance(self.brain, RoomBrain)  # noqa: S101 - the lobby asks for no stream
        return self.brain
