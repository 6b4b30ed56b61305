"""A toolkit in memory: what happens, happens at once or when a test says so, and the time is a number."""

from collections.abc import Callable
from typing import Protocol

from chatbrain import Ended, Fault, Finding, TlsFailedError, Toolkit, UntrustedError
from chatbrain.findings import HUNG_UP

LOCAL = "10.0.0.1"
EXPIRED = Finding(Fault.EXPIRED, "certificate has expired")
DISTRUSTED = Ended.untrusted("relay:9000", EXPIRED)


class FakeTimer:
    def __init__(self, when: float, then: Callable[[], None]) -> None:
        self.when = when
        self.then = then
        self.waits = True

    def cancel(self) -> None:
        self.waits = False


class FakeLookup:
    def __init__(self, host: str, then: Callable[[list[str] | Finding], None]) -> None:
        self.host = host
        self._then = then
        self.waits = True

    def answer(self, found: list[str] | Finding) -> None:
        if self.waits:
            self.waits = False
            self._then(found)

    def cancel(self) -> None:
        self.waits = False


class FakeWire:
    """A TCP connection whose other end is a `Peer`."""

    def __init__(
        self,
        peer: "Peer",
        address: str,
        port: int,
        on_open: Callable[[], None],
        on_data: Callable[[bytes], None],
        on_end: Callable[[Finding], None],
    ) -> None:
        self.address, self.port = address, port
        self.local = self.local_text = LOCAL
        self.closed = False
        self._peer = peer
        self._on_open, self._on_data, self._on_end = on_open, on_data, on_end

    def start(self) -> None:
        self._peer.called(self)

    def write(self, data: bytes) -> None:
        assert not self.closed
        self._peer.told(self, data)

    def close(self) -> None:
        self.closed = True

    def open(self) -> None:
        """Let the connection stand."""
        assert not self.closed
        self._on_open()

    def deliver(self, data: bytes) -> None:
        if not self.closed:
            self._on_data(data)

    def end(self, finding: Finding = HUNG_UP) -> None:
        assert not self.closed
        self.close()
        self._on_end(finding)


class FakePort:
    """A UDP port; what it sends a `Peer` hears."""

    def __init__(
        self,
        peer: "Peer",
        way: tuple[str | None, str, int],
        on_data: Callable[[bytes], None],
        on_error: Callable[[], None],
    ) -> None:
        self.way = way
        """From which address to which address and port."""
        self.closed = False
        self.fault: OSError | None = None
        self._peer = peer
        self._on_data, self._on_error = on_data, on_error

    def send(self, data: bytes) -> None:
        assert not self.closed
        if self.fault:
            raise self.fault
        self._peer.heard_datagram(self, data)

    def close(self) -> None:
        self.closed = True

    def deliver(self, data: bytes) -> None:
        assert not self.closed
        self._on_data(data)

    def come_back(self) -> None:
        """Tell that a datagram was undeliverable."""
        assert not self.closed
        self._on_error()


class Peer(Protocol):
    """Whoever is at the other end of all wires and ports."""

    def called(self, wire: FakeWire) -> None:
        """Take note of an attempt to connect."""

    def told(self, wire: FakeWire, data: bytes) -> None:
        """Take what was written."""

    def heard_datagram(self, port: FakePort, data: bytes) -> None:
        """Take a datagram."""


class FakeToolkit:
    def __init__(self, peer: Peer) -> None:
        self.now = 0.0
        self.found: list[str] | Finding | None = ["192.0.2.1"]
        """What look-ups answer at once; None: nothing, until a test does."""
        self.lookups: list[FakeLookup] = []
        self.wires: list[FakeWire] = []
        self.ports: list[FakePort] = []
        self.refuses_ports = False
        self.slept = 0.0
        """How many seconds the machine slept, which ``now`` doesn't know."""
        self._peer = peer
        self._timers: list[FakeTimer] = []
        _: Toolkit = self

    @property
    def boot_time(self) -> float:
        return self.now + self.slept

    @property
    def port(self) -> FakePort:
        """The newest port."""
        return self.ports[-1]

    @property
    def wire(self) -> FakeWire:
        """The newest wire."""
        return self.wires[-1]

    @property
    def timers(self) -> list[FakeTimer]:
        """Those that wait, the earliest first."""
        return sorted((timer for timer in self._timers if timer.waits), key=lambda timer: timer.when)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is open and nothing will happen any more."""
        return not self.timers and all(wire.closed for wire in self.wires) and all(port.closed for port in self.ports)

    def call_at(self, when: float, then: Callable[[], None]) -> FakeTimer:
        self._timers.append(FakeTimer(when, then))
        return self._timers[-1]

    def look_up(self, host: str, then: Callable[[list[str] | Finding], None]) -> FakeLookup:
        self.lookups.append(FakeLookup(host, then))
        if self.found is not None:
            self.lookups[-1].answer(self.found)
        return self.lookups[-1]

    def make_wire(
        self,
        address: str,
        port: int,
        on_open: Callable[[], None],
        on_data: Callable[[bytes], None],
        on_end: Callable[[Finding], None],
    ) -> FakeWire:
        self.wires.append(FakeWire(self._peer, address, port, on_open, on_data, on_end))
        return self.wires[-1]

    def make_port(
        self,
        local: str | None,
        remote: str,
        port: int,
        on_data: Callable[[bytes], None],
        on_error: Callable[[], None],
    ) -> FakePort:
        if self.refuses_ports:
            raise OSError
        self.ports.append(FakePort(self._peer, (local, remote, port), on_data, on_error))
        return self.ports[-1]

    def pass_time(self, seconds: float = 0.0) -> None:
        """Put the clock forward; what is due by then happens."""
        end = self.now + seconds
        self._timers = self.timers
        while (timers := self.timers) and timers[0].when <= end:
            self.now = max(self.now, timers[0].when)
            timers[0].cancel()
            timers[0].then()
        self.now = end


class FakeTls:
    """TLS of a kind: hello is answered by "proof", and what is encrypted is in capitals."""

    def __init__(self) -> None:
        self.proven = False
        self._out = b""

    def feed(self, data: bytes) -> bytes:
        if not data:
            self._out += b"HELLO"
        elif data == b"bad":
            self._out += b"ALERT"
            raise UntrustedError(DISTRUSTED)
        elif data == b"junk":
            raise TlsFailedError(EXPIRED)
        elif not self.proven:
            self.proven = True
            return data.removeprefix(b"proof")
        return data.lower() if data else b""

    def write(self, data: bytes) -> None:
        self._out += data.upper()

    def end(self) -> None:
        if self.proven:
            self._out += b"BYE"

    def take(self) -> bytes:
        data, self._out = self._out, b""
        return data
