"""Clients that know only the exercise's text, and say in a sentence what a relay did instead of what it should do.

What the text leaves open they take either way: what a status looks like, whether replies name the room, who ends the
TCP connection, whether a relayed message carries its sender's name, and what else a relay tells its members.
"""

import contextlib
import itertools
import json
import secrets
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, Self

from conformance import wire
from conformance.relays import Relay

PATIENCE_SECONDS: Final = 2.0
"""How long we wait for what should come at once: a whole run of level ``text`` must stay under a minute."""

HELLO: Final = b"hello"
"""What members say until they hear one another."""

_NUDGE_SECONDS: Final = 0.1
_QUIET_SECONDS: Final = 0.5


class NoAnswerError(AssertionError):
    """The relay answered a connection with not one byte."""


class Answer(NamedTuple):
    """What came on a TCP connection, between these two IP addresses."""

    frames: list[wire.Frame]
    end: str
    """Why there are no more frames, in words."""
    local: str
    remote: str

    @property
    def token(self) -> bytes:
        """The token, or nothing if the relay granted none."""
        payload = next((frame.payload for frame in self.frames if frame.state == wire.COMPLETION), b"")
        if payload.startswith(b"{"):
            with contextlib.suppress(ValueError):
                return str(json.loads(payload).get("token", "")).encode()
        return payload

    def seen(self) -> str:
        """Return in words what came."""
        states = [f"state {frame.state} ({len(frame.payload)} bytes)" for frame in self.frames]
        return ", then ".join(filter(None, [*states, self.end]))


class _Stream:
    """A TCP connection that is read for as long as we have patience, and how it ended."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._started = time.monotonic()
        self.end = ""

    def read(self, size: int) -> bytes:
        """Return so many bytes, or fewer if no more come; then ``end`` says why."""
        data = b""
        while len(data) < size and not self.end:
            left = self._started + PATIENCE_SECONDS - time.monotonic()
            self._connection.settimeout(max(left, 0.001))
            try:
                piece = self._connection.recv(size - len(data))
            except TimeoutError:
                self.end = f"nothing for {PATIENCE_SECONDS:g} s"
            except OSError:
                self.end = f"the connection reset after {self._seconds()}"
            else:
                data += piece
                if not piece:
                    self.end = f"the connection closed after {self._seconds()}"
        return data

    def read_frame(self) -> wire.Frame | None:
        """Return the next frame, or None if there is no whole one."""
        head = self.read(32)
        if len(head) == 32:
            room = self.read(head[0])
            payload = self.read(min(int.from_bytes(head[3:], "big"), 2**20))
            if not self.end:
                return wire.Frame(head[1], head[2], room, payload)
        if head:
            self.end = f"half a frame, beginning with {head[:32].hex(' ')}, then {self.end}"
        return None

    def _seconds(self) -> str:
        return f"{time.monotonic() - self._started:.1f} s"


def call(relay: Relay, source: str = "") -> socket.socket:
    """Open a TCP connection, from the local address ``source`` if given."""
    return socket.create_connection(
        (relay.host, relay.tcp_port), PATIENCE_SECONDS, source_address=(source, 0) if source else None
    )


def ask(relay: Relay, *pieces: bytes, source: str = "") -> Answer:
    """Send a request and read up to the completion, or up to the end.

    Raises NoAnswerError if not one byte comes.
    """
    try:
        connection = call(relay, source)
    except TimeoutError:
        raise NoAnswerError(f"expected a connection, saw none within {PATIENCE_SECONDS:g} s") from None
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        local, remote = connection.getsockname()[0], connection.getpeername()[0]
        with contextlib.suppress(ConnectionError):  # a relay may refuse before it has all; its answer counts
            for piece in pieces:
                connection.sendall(piece)
        stream = _Stream(connection)
        frames: list[wire.Frame] = []
        while frame := stream.read_frame():
            frames.append(frame)
            if frame.state == wire.COMPLETION:
                break
    if not frames and not stream.end.startswith("half"):
        raise NoAnswerError(f"expected a reply, saw {stream.end}")
    return Answer(frames, stream.end, local, remote)


class Talker:
    """A member of a room, or a client of the lobby: a UDP socket and what goes in front of each message."""

    def __init__(self, head: bytes, local: str, remote: tuple[str, int], goodbye: bytes = b"") -> None:
        self.head, self.local, self.remote, self._goodbye = head, local, remote, goodbye
        self.udp = socket.socket(socket.AF_INET6 if ":" in local else socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((local, 0))
        self._nudge_at = 0.0

    def say(self, message: bytes) -> None:
        self.send(self.head + message)

    def send(self, datagram: bytes) -> None:
        self.udp.sendto(datagram, self.remote)

    def hear(self, word: bytes, seconds: float = PATIENCE_SECONDS) -> bytes:
        """Return the first datagram that has this word in it; what comes before it is forgotten."""
        return self.hear_up_to(word, seconds)[-1]

    def hear_up_to(self, word: bytes, seconds: float = PATIENCE_SECONDS) -> list[bytes]:
        """Return all datagrams up to the first that has this word in it."""
        heard: list[bytes] = []
        deadline = time.monotonic() + seconds
        while not heard or word not in heard[-1]:
            data = self._receive(deadline - time.monotonic())
            if data is None:
                raise AssertionError(f"expected {shown(word)}, saw {_list(heard)} within {seconds:g} s")
            heard.append(data)
        return heard

    def hear_while(self, seconds: float, nudge: Callable[[], None], wanted: Callable[[bytes], bool]) -> bytes | None:
        """Return the first datagram that is wanted; ``nudge`` is called ten times a second meanwhile."""
        deadline = time.monotonic() + seconds
        while (now := time.monotonic()) < deadline:
            if now >= self._nudge_at:
                nudge()
                self._nudge_at = now + _NUDGE_SECONDS
            data = self._receive(self._nudge_at - now)
            if data is not None and wanted(data):
                return data
        return None

    def await_quiet(self, word: bytes, nudge: Callable[[], None], seconds: float) -> None:
        """Hear this word, which ``nudge`` says again and again, and wait until it comes no more."""
        assert self.hear_while(PATIENCE_SECONDS, nudge, lambda data: word in data), (
            f"expected {shown(word)}, saw nothing"
        )
        deadline = time.monotonic() + seconds
        while self.hear_while(_QUIET_SECONDS, nudge, lambda data: word in data):
            assert time.monotonic() < deadline, f"expected no message any more after {seconds:g} s, saw them still come"

    def waiting(self) -> bytes | None:
        """Return the next datagram that has come by now."""
        return self._receive(0)

    def close(self) -> None:
        """Leave, if the relay happens to know a way: the text names none, and rooms shouldn't stay behind."""
        if self._goodbye:
            with contextlib.suppress(OSError):
                self.say(self._goodbye)
        self.udp.close()

    def _receive(self, seconds: float) -> bytes | None:
        self.udp.settimeout(max(seconds, 0.001))
        with contextlib.suppress(TimeoutError):
            return self.udp.recv(65_535)
        return None


def shown(data: bytes) -> str:
    """Return bytes as they can stand in a sentence."""
    text = data.decode(errors="backslashreplace")
    return repr(text if len(text) <= 40 else text[:30] + "...")


def _list(heard: list[bytes]) -> str:
    return ", ".join(map(shown, heard[:3])) if heard else "nothing"


def new_word(about: str = "word") -> bytes:
    """Return a word that nobody said before."""
    return f"{about}-{secrets.token_hex(4)}".encode()


def reaches(speaker: Talker, listener: Talker, message: bytes) -> bool:
    """Let somebody say a message until somebody else hears it; tells whether it was heard."""

    def nudge() -> None:
        listener.say(HELLO)  # the relay may not know yet where it is
        speaker.say(message)

    return listener.hear_while(PATIENCE_SECONDS, nudge, lambda data: message in data) is not None


def meet(*talkers: Talker) -> None:
    """Let all talk until everybody has heard everybody: from then on the relay knows where they are."""
    for speaker, listener in itertools.permutations(talkers, 2):
        heard = reaches(speaker, listener, new_word(HELLO.decode()))
        assert heard, "expected members of a room to hear one another over UDP, saw no message come"


class Clients:
    """The clients of one test, or of several."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._talkers: list[Talker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for talker in reversed(self._talkers):  # the hosts last
            talker.close()

    def request(self, operation: int, room: bytes, name: bytes) -> bytes:
        """Return the bytes of a request, in the form that the user chose."""
        payload = json.dumps({"username": name.decode()}).encode() if self.relay.json else name
        return wire.frame(operation, wire.REQUEST, room, payload)

    def ask(self, operation: int, room: bytes, name: bytes, source: str = "") -> Answer:
        """Ask to create or join a room; who gets a token leaves when the test is over."""
        answer = ask(self.relay, self.request(operation, room, name), source=source)
        if answer.token:
            self._member(room, answer)
        return answer

    def create(self, room: bytes, name: bytes) -> Talker:
        return self._enter(wire.CREATE, room, name)

    def join(self, room: bytes, name: bytes) -> Talker:
        return self._enter(wire.JOIN, room, name)

    def pair(self, room: bytes) -> tuple[Talker, Talker]:
        """Make ann, the host, and bob, who hear one another."""
        ann, bob = self.create(room, b"ann"), self.join(room, b"bob")
        meet(ann, bob)
        return ann, bob

    def lobby(self, name: bytes) -> Talker:
        """Make a client of the lobby, who hasn't spoken yet."""
        return self.anybody(self.relay.lobby_port, bytes([len(name)]) + name)

    def anybody(self, port: int, head: bytes = b"") -> Talker:
        """Make a UDP socket that speaks to one of the relay's ports."""
        found = socket.getaddrinfo(self.relay.host, port, type=socket.SOCK_DGRAM)
        family, _, _, _, remote = min(found, key=lambda info: info[0] != socket.AF_INET)  # few relays speak IPv6
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(remote)
            local = str(probe.getsockname()[0])
        return self._add(Talker(head, local, (str(remote[0]), port)))

    def _enter(self, operation: int, room: bytes, name: bytes) -> Talker:
        answer = ask(self.relay, self.request(operation, room, name))
        assert answer.token, f"expected a token in state 2, saw {answer.seen()}"
        return self._member(room, answer)

    def _member(self, room: bytes, answer: Answer) -> Talker:
        head = bytes([len(room), min(len(answer.token), 255)]) + room + answer.token
        return self._add(Talker(head, answer.local, (answer.remote, self.relay.udp_port), b"/leave"))

    def _add(self, talker: Talker) -> Talker:
        self._talkers.append(talker)
        return talker
