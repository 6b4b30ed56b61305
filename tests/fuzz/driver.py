"""What a driver of a client's brain does, so that a hostile relay and the network can do to it what they can."""

from collections.abc import Callable
from math import inf
from typing import Final

from chatbrain import (
    Action,
    BindDatagram,
    Brain,
    CloseDatagram,
    CloseStream,
    LookUp,
    OpenStream,
    SendDatagram,
    SendStream,
    Stage,
)
from chatbrain.events import Delivery, Ended, Message
from chatproto import sanitize
from chatproto.constants import MAX_DATAGRAM_BYTES

MAX_TICKS: Final = 30


class Driver:
    """Carries out a brain's actions on sockets that are mere flags, and checks that they make sense."""

    def __init__(self, brain: Brain, check_sent: Callable[[bytes], None] = lambda _: None) -> None:
        """Give each datagram, and each line of a stream, that is sent to ``check_sent``."""
        self._brain = brain
        self._check_sent = check_sent
        self.stream = ""
        """"opening", "open", or nothing."""
        self.has_port = self.looks_up = False
        self.ended = False
        self.now = 0.0

    def pump(self) -> None:
        """Carry out what the brain wants and check what it says."""
        for action in self._brain.take_actions():
            self._carry_out(action)
        for event in self._brain.take_events():
            assert not self.ended, f"{event} after the end"
            self.ended = isinstance(event, Ended)
            fields = ("sender", "name", "reason", *(() if isinstance(event, Delivery) else ("text",)))
            for text in (str(getattr(event, field, "")) for field in fields):
                assert sanitize(text) == text, f"{event} isn't harmless"
            assert not isinstance(event, Message) or event.received_at == self.now
        assert self.ended == (self._brain.stage is Stage.ENDED)
        assert not (self.ended and (self.stream or self.has_port)), "something stays open for ever"
        listens = self.has_port or self.stream == "open"  # whoever falls silent is told of its end
        waits = self.ended or self._brain.stage is Stage.IDLE or listens or self.looks_up
        assert waits or self._brain.next_deadline() < inf

    def pass_time(self, seconds: float) -> None:
        """Let time pass; the brain is woken when it wants to be, though not for ever."""
        until = self.now + seconds
        for _ in range(MAX_TICKS):
            deadline = self._brain.next_deadline()
            if deadline > until:
                self.now = until
                break
            self.now = max(self.now, deadline)
            self._brain.tick(self.now)
            self.pump()
            assert self._brain.next_deadline() > self.now, "it never rests"

    def _check_lines(self, data: bytes) -> None:
        if data.startswith(b"{"):
            self._check_sent(data)

    def _carry_out(self, action: Action) -> None:
        match action:
            case LookUp():
                self.looks_up = True
            case OpenStream():
                assert not self.stream, "a second connection at once"
                self.stream = "opening"
            case SendStream(data):
                assert self.stream == "open"
                assert data
                self._check_lines(data)
            case CloseStream():
                assert self.stream, "there is no connection to close"
                self.stream = ""
            case BindDatagram(port):
                assert 0 < port < 2**16
                self.has_port = True
            case SendDatagram(data):
                assert self.has_port, "there is no port to speak from"
                assert 0 < len(data) <= MAX_DATAGRAM_BYTES
                self._check_sent(data)
            case CloseDatagram():
                self.has_port = False
