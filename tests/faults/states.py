"""Carries out plans of connections, many at once, from a single thread."""

import errno
import heapq
import itertools
import json
import random
import selectors
import socket
import ssl
import struct
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from conformance import wire
from conformance.relays import OwnRelay
from faults.records import ALERT, DATA, HANDSHAKE, Keys, TlsClient
from faults.schedules import WAITS, Plan, Step
from faults.tally import Tally, crashed_at
from relay_server.net.carriage import LINGER_SECONDS

DEADLINE_SECONDS: Final = 0.4
PAUSE_SECONDS: Final = 0.1
SETTINGS: Final = {
    "RELAY_TRANSACTION_TIMEOUT_SECONDS": str(DEADLINE_SECONDS),
    "RELAY_COMPLETION_PAUSE_SECONDS": str(PAUSE_SECONDS),
    "RELAY_PENDING_TIMEOUT_SECONDS": "1",
    "RELAY_MAX_TRANSACTIONS": "80",
    "RELAY_MAX_TRANSACTIONS_PER_ADDRESS": "20",
    "RELAY_JOIN_RATE": "4",
}
"""Each cap is hit now and then, and each deadline passes soon."""
CROWDS: Final = (40, 100, 250)
"""Connections at once: far fewer than there are places, about as many, and too many."""
CROWD_LASTS: Final = 60
"""So many connections later there is another crowd."""
PATIENCE_SECONDS: Final = 20.0
"""What the relay may take to end a connection on the busiest machine."""
ROOMS: Final = (b"one", b"two", "漢字".encode(), b"a name of twenty-two b")
"""The last one's size is a TLS record's first byte."""


def _never() -> bool:
    return False


class Pause(NamedTuple):
    """How long a connection waits for the next step at most; less as soon as something is true."""

    seconds: float
    until: Callable[[], bool] = _never


class Caller:
    """One connection."""

    def __init__(self, port: int, plan: Plan, tls: TlsClient, tally: Tally) -> None:
        self._plan, self._tls, self._tally = plan, tls, tally
        self._chance = random.Random(plan.seed)
        self._hello, self._request = tls.hello, b""
        self._heard = b""
        """What came in plain, or was decrypted."""
        self._by_tls: bool | None = None
        """Whether the relay speaks TLS; None before it says anything."""
        self._asked = False
        self.ended = self.gone = False
        """Whether the relay said that it sends no more; whether nothing can come or go any more."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((plan.source, 0))
        with suppress(BlockingIOError):
            self.socket.connect(("127.0.0.1", port))

    def live(self) -> Generator[Pause]:
        """Do one step after the other."""
        with self.socket:
            yield Pause(PATIENCE_SECONDS)  # for the connection itself
            for step in self._plan.steps:
                if self.gone:
                    break
                yield from self._await(step) if step in WAITS else self._do(step)
        self._tally.ends[self._end] += 1

    def read(self) -> None:
        """Take what has come."""
        try:
            while data := self.socket.recv(65_536):
                self._take(data)
            self.ended = True
        except BlockingIOError:
            pass
        except ConnectionError:
            self.ended = self.gone = True

    def _take(self, data: bytes) -> None:
        if self._by_tls is None:
            self._by_tls = data[1:2] == b"\x03"  # which is no operation
        self._heard += self._tls.feed(data) if self._by_tls else data

    @property
    def _end(self) -> str:
        """What became of it, in a word."""
        if not self._heard:
            return "no answer"
        start = 32 + self._heard[0]
        payload = self._heard[start : start + int.from_bytes(self._heard[3:32], "big")]
        status = json.loads(payload)["status"] if payload.startswith(b"{") else payload[0]
        return f"status {status}" if self._asked else f"status {status}, unasked"

    def _do(self, step: Step) -> Iterator[Pause]:
        if step is Step.FINISH:
            yield from self._finish()
        elif step is Step.PART_OF_FINISH:
            yield Pause(DEADLINE_SECONDS, lambda: bool(self._tls.to_send) or self.ended)
            self._send(step, self._part(self._tls.to_send))
        elif step in _ENDS:
            self._tally.note(self._plan, step, after_end=self.ended)
            with suppress(OSError):  # it is over already
                _ENDS[step](self.socket)
            self.gone = step is not Step.HALF_CLOSE
        else:
            self._send(step, self._bytes[step](self))

    def _finish(self) -> Iterator[Pause]:
        """Go on with the handshake until it is done, or stands still."""
        while not self._tls.ready or self._tls.to_send:
            yield Pause(2 * DEADLINE_SECONDS, lambda: bool(self._tls.to_send) or self._tls.ready or self.ended)
            data, self._tls.to_send = self._tls.to_send, b""
            if not data:
                return
            self._send(Step.FINISH, data)

    def _send(self, step: Step, data: bytes) -> None:
        if not data:
            return
        self._tally.note(self._plan, step, after_end=self.ended)
        try:
            self.socket.send(data)
        except BlockingIOError:  # the relay reads no more
            pass
        except BrokenPipeError:  # after our own end, or the relay's reset
            self.gone = self.ended
        except ConnectionError:
            self.ended = self.gone = True

    # What is sent.

    def _part(self, data: bytes) -> bytes:
        return data[: self._chance.choice((2, self._chance.randint(1, max(1, len(data) - 1))))]

    def _say(self, data: bytes) -> bytes:
        return self._tls.encrypt(data) if self._tls.ready and self._by_tls else data

    def _say_hello(self) -> bytes:
        data, self._hello = self._hello or self._tls.hello, b""
        return data

    def _say_part_of_hello(self) -> bytes:
        data = self._part(self._hello)
        self._hello = self._hello[len(data) :]
        return data

    def _say_request(self) -> bytes:
        data, self._request, self._asked = self._request or self._make_request(), b"", True
        return self._say(data)

    def _say_part_of_request(self) -> bytes:
        whole = self._request or self._make_request()
        part = self._part(whole)
        self._request = whole[len(part) :]
        return self._say(part)

    def _say_plain_request(self) -> bytes:
        self._asked = True
        return self._make_request()

    def _say_broken_request(self) -> bytes:
        self._asked = True
        room = self._chance.choice(ROOMS)
        good = self._make_request()
        return self._say(
            self._chance.choice(
                (
                    wire.frame(self._chance.randrange(3, 256), wire.REQUEST, room, b"ann"),
                    wire.frame(wire.JOIN, wire.COMPLETION, room, b"ann"),
                    wire.header(len(room), wire.JOIN, wire.REQUEST, b"\xff" * 29) + room,
                    wire.frame(wire.CREATE, wire.REQUEST, b"\xff" * 9, b"ann"),
                    wire.frame(wire.JOIN, wire.REQUEST, room, b'{"username": '),
                    good + self._chance.randbytes(9),
                )
            )
        )

    def _make_request(self) -> bytes:
        operation, room = self._chance.choice((wire.CREATE, wire.JOIN)), self._chance.choice(ROOMS)
        name = f"n{self._plan.seed}"
        fields = self._chance.choices(
            ({}, {"reply": "json"}, {"password": "pw"}, {"password": "pw", "reply": "json"}), (80, 12, 4, 4)
        )[0]
        payload = json.dumps({"username": name} | fields) if fields else name
        return wire.frame(operation, wire.REQUEST, room, payload.encode())

    def _junk(self) -> bytes:
        (size,) = self._chance.choices((1, 16, 64, 700, 100_000), (20, 40, 20, 19, 1))
        return self._chance.randbytes(size)

    def _sealed_junk(self) -> bytes:
        if not self._tls.ready:
            return b""
        junk = self._chance.randbytes(self._chance.choice((1, 16, 700)))
        kind = self._chance.choice((ALERT, HANDSHAKE, DATA, DATA))
        return self._tls.encrypt(junk, kind)

    def _bad_record(self) -> bytes:
        record = bytearray(self._sealed_junk())
        record[-1:] = [record[-1] ^ 1] if record else []
        return bytes(record)

    def _key_updates(self, *, asking: bool) -> bytes:
        (count,) = self._chance.choices((1, 2, 5, 200), (60, 20, 10, 10)) if self._tls.ready else (0,)
        return b"".join(self._tls.key_update(asking=asking) for _ in range(count))

    _bytes: Mapping[Step, Callable[["Caller"], bytes]] = {
        Step.PART_OF_HELLO: _say_part_of_hello,
        Step.HELLO: _say_hello,
        Step.PART_OF_REQUEST: _say_part_of_request,
        Step.REQUEST: _say_request,
        Step.PLAIN_REQUEST: _say_plain_request,
        Step.BROKEN_REQUEST: _say_broken_request,
        Step.PORT: lambda self: self._say(self._chance.randbytes(2)),
        Step.JUNK: _junk,
        Step.SEALED_JUNK: _sealed_junk,
        Step.BAD_RECORD: _bad_record,
        Step.KEY_UPDATE: lambda self: self._key_updates(asking=False),
        Step.KEY_UPDATE_ASKING: lambda self: self._key_updates(asking=True),
        Step.CLOSE_NOTIFY: lambda self: self._tls.end() if self._tls.ready else b"",
    }

    # What is waited for.

    def _await(self, step: Step) -> Iterator[Pause]:
        self._tally.count(step, after_end=self.ended)
        return self._waits[step](self)

    def _wait(self, seconds: float, until: Callable[[], bool] = _never) -> Iterator[Pause]:
        yield Pause(seconds + self._chance.uniform(0, 0.1), until)

    def _await_end(self) -> Iterator[Pause]:
        yield Pause(PATIENCE_SECONDS, lambda: self.ended)
        assert self.ended, f"the relay didn't end {self._plan}"

    _waits: Mapping[Step, Callable[["Caller"], Iterator[Pause]]] = {
        Step.WAIT_A_MOMENT: lambda self: self._wait(0.0),
        Step.WAIT_PAUSE: lambda self: self._wait(PAUSE_SECONDS),
        Step.WAIT_DEADLINE: lambda self: self._wait(DEADLINE_SECONDS),
        Step.WAIT_LINGER: lambda self: self._wait(DEADLINE_SECONDS + LINGER_SECONDS),
        Step.AWAIT_ANSWER: lambda self: self._wait(PAUSE_SECONDS, lambda: bool(self._heard) or self.ended),
        Step.AWAIT_END: _await_end,
    }


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


_ENDS: Final[Mapping[Step, Callable[[socket.socket], None]]] = {
    Step.HALF_CLOSE: lambda sock: sock.shutdown(socket.SHUT_WR),
    Step.RESET: _reset,
    Step.CLOSE: socket.socket.close,
}


class Driver:
    """Lets connections live, some at once."""

    def __init__(
        self, relay: OwnRelay, contexts: Mapping[ssl.TLSVersion, ssl.SSLContext], keys: Keys, tally: Tally
    ) -> None:
        self._relay, self._contexts, self._keys, self._tally = relay, contexts, keys, tally
        self._selector = selectors.DefaultSelector()
        self._alive: dict[Caller, tuple[Generator[Pause], Pause]] = {}
        self._timers: list[tuple[float, int, Caller, Pause]] = []
        self._numbers = itertools.count()

    def run(self, supply: Iterator[Plan]) -> None:
        """Carry out plans.

        Raises:
            AssertionError: the relay ended, or leaves a connection open.

        """
        crowds = itertools.chain.from_iterable(itertools.repeat(size, CROWD_LASTS) for size in itertools.cycle(CROWDS))
        crowd = next(crowds)
        plan = next(supply, None)
        try:
            while plan or self._alive:
                while plan and len(self._alive) < crowd:
                    self._call(plan)
                    plan, crowd = next(supply, None), next(crowds)
                self._go_on()
        finally:
            for life, _ in self._alive.values():
                life.close()
            self._selector.close()

    def _call(self, plan: Plan) -> None:
        tls = TlsClient(self._contexts[plan.version], self._keys)
        caller = Caller(self._relay.relay.tcp_port, plan, tls, self._tally)
        self._selector.register(caller.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, caller)
        life = caller.live()
        self._wait(caller, life, next(life))

    def _go_on(self) -> None:
        """Wait for something to happen, for a moment."""
        rest = self._timers[0][0] - time.monotonic() if self._timers else 0.0
        for key, events in self._selector.select(min(max(rest, 0.0), 0.1)):
            self._see(key.data, events)
        while self._timers and self._timers[0][0] <= time.monotonic():
            _, _, caller, pause = heapq.heappop(self._timers)
            if caller in self._alive and self._alive[caller][1] is pause:
                self._step(caller)

    def _see(self, caller: Caller, events: int) -> None:
        if events & selectors.EVENT_WRITE:  # it is connected, or never will be
            if caller.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED:
                code = self._relay.process.wait(PATIENCE_SECONDS)
                told = self._tally.told(crashed_at(self._relay.said()))
                raise AssertionError(f"the relay ended with {code}; the last deeds before were\n{told}")
            self._selector.modify(caller.socket, selectors.EVENT_READ, caller)
            self._step(caller)
        elif events & selectors.EVENT_READ:
            caller.read()
            if caller.ended:
                self._selector.unregister(caller.socket)
            if self._alive[caller][1].until():
                self._step(caller)

    def _step(self, caller: Caller) -> None:
        life, _ = self._alive.pop(caller)
        fileno = caller.socket.fileno()
        pause = next(life, None)
        while pause and pause.until():
            pause = next(life, None)
        if pause:
            self._wait(caller, life, pause)
        elif fileno in self._selector.get_map():
            self._selector.unregister(fileno)

    def _wait(self, caller: Caller, life: Generator[Pause], pause: Pause) -> None:
        self._alive[caller] = life, pause
        heapq.heappush(self._timers, (time.monotonic() + pause.seconds, next(self._numbers), caller, pause))
