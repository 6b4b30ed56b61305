"""Members and lobby clients with plain sockets, and what each of them heard."""

import contextlib
import json
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from conformance import wire
from conformance.relays import Relay

NOTICE = b"server: "
DISCONNECTED = b"server: disconnected: "
BUSY_SECONDS = 40.0
"""How long a relay may have too much to do to answer; a slow machine takes its time over passwords."""


def call(relay: Relay, source: str = "", port: int = 0) -> socket.socket:
    """Open a TCP connection, from the local address ``source`` and the local port if given."""
    return socket.create_connection(
        (relay.host, relay.tcp_port),
        timeout=wire.WAIT_SECONDS,
        source_address=(source, port) if source or port else None,
    )


def ask(relay: Relay, request: bytes, source: str = "") -> list[wire.Frame]:
    """Send a request as it stands and return all frames of the answer; tries again while the relay is busy."""
    return ask_from(relay, request, source)[0]


def ask_from(relay: Relay, request: bytes, source: str) -> tuple[list[wire.Frame], str, str]:
    """Do the same, and return besides which IP addresses the connection was between: ours, and the relay's."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        with call(relay, source) as connection:
            local, numeric = connection.getsockname()[0], connection.getpeername()[0]
            connection.sendall(request)
            frames = wire.read_frames(connection)
        assert frames, "expected a reply, saw the connection closed without one"
        if not _says_busy(frames[0].payload) or time.monotonic() > deadline:
            return frames, local, numeric
        time.sleep(0.2)  # what we ask for is tokens, which come with time


def _says_busy(payload: bytes) -> bool:
    return payload == bytes([wire.BUSY]) or (payload[:1] == b"{" and json.loads(payload)["status"] == wire.BUSY)


def status_of(relay: Relay, request: bytes, source: str = "") -> int:
    """Send a request that gets no completion, and return the one-byte status of the answer."""
    (reply,) = ask(relay, request, source)
    assert reply.state == wire.REPLY
    (status,) = reply.payload
    return status


class Listener:
    """A UDP socket that remembers nothing and waits for what it is asked for."""

    def __init__(self, relay_address: tuple[str, int], local: str, port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in relay_address[0] else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind((local, port))
        self.udp.settimeout(wire.WAIT_SECONDS)
        self._relay_address = relay_address

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.udp.close()

    def send(self, datagram: bytes) -> None:
        self.udp.sendto(datagram, self._relay_address)

    def receive(self) -> bytes:
        """Return the next datagram from the relay."""
        while True:
            data, sender = self.udp.recvfrom(65_535)
            if sender[1] == self._relay_address[1]:
                return data

    def waiting(self) -> list[bytes]:
        """Return what has come from the relay by now.

        Another test's relay may still send to somebody who had this port before.
        """
        self.udp.setblocking(False)
        datagrams = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data, sender = self.udp.recvfrom(65_535)
                if sender[1] == self._relay_address[1]:
                    datagrams.append(data)
        self.udp.settimeout(wire.WAIT_SECONDS)
        return datagrams

    def receive_until(self, wanted: Callable[[bytes], bool], nudge: Callable[[], None] | None = None) -> bytes:
        """Return the first datagram that is wanted; ``nudge`` is called ten times a second meanwhile."""
        deadline = time.monotonic() + 3 * wire.WAIT_SECONDS
        if nudge:
            self.udp.settimeout(0.1)
        try:
            while time.monotonic() < deadline:
                if nudge:
                    nudge()
                with contextlib.suppress(TimeoutError):
                    data = self.receive()
                    if wanted(data):
                        return data
        finally:
            self.udp.settimeout(wire.WAIT_SECONDS)
        raise TimeoutError("What was wanted never came.")


class Member(Listener):
    """Somebody in a room; with ``features``, even none, it asks for a JSON reply."""

    def __init__(
        self,
        relay: Relay,
        operation: int,
        room: bytes,
        name: bytes,
        source: str = "",
        password: str = "",
        features: Sequence[str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        """With ``more`` the request has these fields besides."""
        self.room, self.name = room, name
        fields: dict[str, object] = {"username": name.decode()}
        if password:
            fields["password"] = password
        if features is not None:
            fields |= {"reply": "json", "features": features, **(more or {})}
        payload = json.dumps(fields).encode() if password or relay.json or features is not None else name
        request = wire.frame(operation, wire.REQUEST, room, payload)
        frames, local, numeric = ask_from(relay, request, source)
        assert [frame.state for frame in frames] == [wire.REPLY, wire.COMPLETION], frames
        self.completion = frames[1].payload
        self.token = self.completion if features is None else json.loads(self.completion)["token"].encode()
        super().__init__((numeric, relay.udp_port), local)
        self.local = local

    def say(self, message: bytes) -> None:
        self.send(wire.chat(self.room, self.token, message))

    def keep_alive(self) -> None:
        self.say(b"")

    def leave(self) -> None:
        self.say(b"/leave")

    def await_fact(self, kind: str) -> dict[str, Any]:
        """Wait for a notice of this kind as a JSON object; what comes before it is forgotten."""
        begins = NOTICE + b'{"notice": "%s"' % kind.encode()
        found: dict[str, Any] = json.loads(self.receive_until(lambda data: data.startswith(begins))[len(NOTICE) :])
        return found

    def hear(self) -> bytes:
        """Return the next message that is no notice."""
        return self.receive_until(lambda data: not data.startswith(NOTICE))

    def await_notice(self, text: bytes, nudge: Callable[[], None] | None = None) -> None:
        """Wait for a notice; what comes before it is forgotten."""
        self.receive_until(lambda data: data == NOTICE + text, nudge)

    def heard(self, after: "Member") -> list[bytes]:
        """Let ``after`` say a last word and return everything that came before it.

        Whatever the relay did with earlier datagrams it has done by then, so what is not in the list never comes.
        """
        last_word = secrets.token_hex(8).encode()
        after.say(last_word)
        datagrams: list[bytes] = []
        while not (data := self.receive()).endswith(last_word):
            datagrams.append(data)
        return datagrams

    def heard_messages(self, after: "Member") -> list[bytes]:
        """Do as ``heard`` does, without the notices."""
        return [data for data in self.heard(after) if not data.startswith(NOTICE)]


class People:
    """The members and sockets of one test; leaving it makes everybody leave, the hosts last."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        with call(relay) as connection:
            self.local = str(connection.getsockname()[0])
        self._members: list[Member] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in reversed(self._members):
            with contextlib.suppress(OSError):  # its test may have closed the socket
                member.leave()
        self._stack.close()

    def create(
        self, room: bytes, name: bytes, source: str = "", password: str = "", features: Sequence[str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> Member:  # fmt: skip
        """Make a room and its host, who says by a keep-alive where it is."""
        return self._add(Member(self.relay, wire.CREATE, room, name, source, password, features, more))

    def join(
        self, room: bytes, name: bytes, source: str = "", password: str = "", features: Sequence[str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> Member:  # fmt: skip
        """Make a member, who says by a keep-alive where it is."""
        return self._add(Member(self.relay, wire.JOIN, room, name, source, password, features, more))

    def trio(self, room: bytes) -> tuple[Member, Member, Member]:
        """Make ann, the host, with bob and eve; the notices of their coming have been heard."""
        ann, bob, eve = self.create(room, b"ann"), self.join(room, b"bob"), self.join(room, b"eve")
        ann.heard(after=eve)
        bob.heard(after=eve)
        eve.heard(after=ann)
        bob.waiting()
        return ann, bob, eve

    def pair(self, room: bytes) -> tuple[Member, Member]:
        """Make ann, the host, and bob; the notices of their coming have been heard."""
        ann, bob = self.create(room, b"ann"), self.join(room, b"bob")
        ann.heard(after=bob)
        bob.heard(after=ann)
        return ann, bob

    def listener(self, port: int, local: str, local_port: int = 0) -> Listener:
        """Open a UDP socket that speaks to one of the relay's ports, as nobody in particular."""
        numeric = socket.getaddrinfo(self.relay.host, port, type=socket.SOCK_DGRAM)[0][4][0]
        return self._stack.enter_context(Listener((str(numeric), port), local, local_port))

    def _add(self, member: Member) -> Member:
        self._stack.enter_context(member)
        self._members.append(member)
        member.keep_alive()
        return member


@contextlib.contextmanager
def half_request(relay: Relay, source: str = "") -> Iterator[socket.socket]:
    """Open a connection that has sent half a header and keeps the relay waiting."""
    with call(relay, source) as connection:
        connection.sendall(b"\x03\x01\x00" + bytes(13))
        yield connection
