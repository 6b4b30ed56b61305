"""A relay on its defaults, and the sockets of all who send to it: seats in rooms, calls by TCP, plain datagrams."""

import os
import select
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol, Self

from bench.programs import BenchError, Target, relay_process
from chatproto import ClientTransaction, Completion, Operation, ProtocolError, RefusedError, Request
from ports import free_ports
from relay_server.tls.self_signed import write_self_signed

HOST: Final = "127.0.0.1"
ATTACKER: Final = "127.0.0.2"
"""The one address from which everything comes that needs an address."""
_BATCH: Final = 50
_TIMEOUT_SECONDS: Final = 20.0
_RECEIVE_BYTES: Final = 65_536
_TLS_FILES: Final = ("certificate.pem", "key.pem")


class Reaction(Protocol):
    """What a client does with the relay's answers."""

    over: bool
    """Whether the client closes the connection once what it said is sent."""

    def feed(self, data: bytes) -> bytes:
        """Take what came; returns what to send."""
        ...


class Patient:
    """Sends no more, and stays until the relay ends the connection."""

    over = False

    def feed(self, data: bytes) -> bytes:  # noqa: ARG002 - it is of no interest
        """Ignore it."""
        return b""


class Joiner:
    """Waits for the token of its request, then closes; a refusal ends it too."""

    def __init__(self, transaction: ClientTransaction, seated: Callable[[Completion], None]) -> None:
        self.over = False
        self._transaction = transaction
        self._seated = seated

    def feed(self, data: bytes) -> bytes:
        """Look for the token."""
        try:
            completion = self._transaction.feed(data)
        except (ProtocolError, RefusedError):
            self.over = True
            return b""
        if completion:
            self.over = True
            self._seated(completion)
        return b""


class Seat:
    """A member of a room, and the socket that it speaks from."""

    def __init__(self, stage: "Stage", source: str, room: str, name: str, token: bytes) -> None:
        self.room = room
        self.name = name
        raw_room = room.encode()
        self.header = bytes([len(raw_room), len(token)]) + raw_room + token
        self.socket = stage.udp(source)
        self.say(b"")

    def say(self, message: bytes) -> None:
        """Send a message."""
        self.socket.send(self.header + message)


class Stage:
    """Everybody who sends to one relay."""

    def __init__(self, relay: Target, lobby_port: int, folder: Path) -> None:
        self.relay = relay
        self.lobby_port = lobby_port
        self.folder = folder
        """For files that only this stage needs; the relay's certificate is there."""
        self._sockets: list[socket.socket] = []
        self._calls: dict[int, _Call] = {}
        self._poll = select.epoll()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in [*self._sockets, *(call.socket for call in self._calls.values())]:
            sock.close()
        self._poll.close()

    def udp(self, source: str, port: int | None = None) -> socket.socket:
        """Open a socket that sends to the rooms' port, or another one."""
        sock = self.udp_anywhere(source)
        sock.connect((HOST, port or self.relay.udp_port))
        return sock

    def udp_anywhere(self, source: str = "") -> socket.socket:
        """Open a socket that sends to whom it is told, from an address or from all of them."""
        sock = socket.socket(type=socket.SOCK_DGRAM)
        self._sockets.append(sock)
        sock.setblocking(False)
        sock.bind((source, 0))
        return sock

    def call(self, data: bytes, reaction: Reaction | None = None, *, source: str = ATTACKER) -> None:
        """Connect, send, and react to what comes; `poll` does the rest."""
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((source, 0))
        with suppress(BlockingIOError):  # on loopback it is connected when this returns, unless the backlog is full
            sock.connect((HOST, self.relay.tcp_port))
        call = _Call(sock, reaction or Patient(), data)
        self._calls[sock.fileno()] = call
        self._poll.register(sock, select.EPOLLIN | (0 if call.flush() else select.EPOLLOUT))

    def poll(self) -> None:
        """Read what has come to the calls, without waiting, and send what they say to it."""
        for fileno, _ in self._poll.poll(0) if self._calls else ():
            call = self._calls[fileno]
            if call.react():
                self._poll.modify(fileno, select.EPOLLIN | (0 if call.flush() else select.EPOLLOUT))
            if call.ended:
                self._poll.unregister(fileno)
                self._calls.pop(fileno).socket.close()

    def is_awaiting(self) -> bool:
        """Tell whether somebody still waits for an answer that the relay owes them."""
        return any(call.is_awaiting for call in self._calls.values())

    def seat(self, room: str, names: Sequence[str], *, source: str = ATTACKER, create: bool = True) -> list[Seat]:
        """Seat people in a room, which the first of them creates.

        Raises:
            RefusedError: the relay refuses one.
            OSError: the relay is gone.

        """
        seats = self._seat(Operation.CREATE, room, names[:1], source) if create else []
        names = names[len(seats) :]
        for start in range(0, len(names), _BATCH):
            seats += self._seat(Operation.JOIN, room, names[start : start + _BATCH], source)
        return seats

    def seat_later(
        self, operation: Operation, room: str, name: str, seated: Callable[[Completion], None],
        *, password: str | None = None,
    ) -> None:  # fmt: skip
        """Ask for a place, and have the token handed over when it comes."""
        transaction = ClientTransaction(operation, room, Request(name, password, json_reply=True, plain=False))
        self.call(transaction.request, Joiner(transaction, seated))

    def dropped_datagrams(self) -> int:
        """Return how many datagrams the kernel has dropped before the relay saw them."""
        ports = {f"{self.relay.udp_port:04X}", f"{self.lobby_port:04X}"}
        lines = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
        return sum(int(fields[-1]) for fields in map(str.split, lines) if fields[1].rpartition(":")[2] in ports)

    def _seat(self, operation: Operation, room: str, names: Sequence[str], source: str) -> list[Seat]:
        asked = []
        for name in names:
            transaction = ClientTransaction(operation, room, Request(name, json_reply=True, plain=False))
            address = (HOST, self.relay.tcp_port)
            connection = socket.create_connection(address, _TIMEOUT_SECONDS, (source, 0))
            connection.sendall(transaction.request)
            asked.append((name, transaction, connection))
        seats = []
        for name, transaction, connection in asked:
            with connection:
                seats.append(Seat(self, source, room, name, _read_token(transaction, connection)))
        return seats


class _Call:
    """One connection; who is patient is owed nothing."""

    def __init__(self, sock: socket.socket, reaction: Reaction, data: bytes) -> None:
        self.socket = sock
        self.ended = False
        self._reaction = reaction
        self._waiting = data
        self.is_awaiting = not isinstance(reaction, Patient)

    def flush(self) -> bool:
        """Send what waits; False if some of it has to wait on."""
        try:
            self._waiting = self._waiting[self.socket.send(self._waiting) :] if self._waiting else b""
        except BlockingIOError:
            return False
        except OSError:
            self.ended = True
        if not self._waiting and self._reaction.over:
            self.ended = True
        return not self._waiting

    def react(self) -> bool:
        """Read, and let the client react; False at the end."""
        try:
            data = self.socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return True  # it can be written to
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return False
        self._waiting += self._reaction.feed(data)
        return True


@contextmanager
def standing(cpu: int, folder: Path, settings: Mapping[str, str], *, tls: bool) -> Iterator[Stage]:
    """Run a relay on its defaults on a CPU, but for its ports and these settings.

    Raises:
        BenchError: it doesn't start, or the budget's folder can't be written.

    """
    tcp_port, udp_port, lobby_port = free_ports(3)
    environment = {
        **os.environ,
        **(_certificate(folder) if tls else {}),
        **settings,
        "RELAY_HOST": HOST,
        "RELAY_TCP_PORT": str(tcp_port),
        "RELAY_UDP_PORT": str(udp_port),
        "RELAY_LOBBY_PORT": str(lobby_port),
        "RELAY_OPS_PORT": "0",
        "RELAY_WEB_PORT": "0",
        "RELAY_ADMIN_SOCKET": "",
    }
    log = folder / "relay.log"
    with log.open("wb") as file:
        try:
            with (
                relay_process(cpu, environment, tcp_port, log=file) as pid,
                Stage(Target(pid, udp_port, tcp_port), lobby_port, folder) as stage,
            ):
                yield stage
                os.kill(pid, signal.SIGKILL)  # its own end would take a while, and nothing is to be learnt from it
        except BenchError as error:
            raise BenchError(f"{error}\n{log.read_text(encoding='utf-8').rstrip()}") from None


def client_context(stage: Stage, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """Trust the relay's certificate, and speak no other version of TLS."""
    context = ssl.create_default_context(cafile=stage.folder / _TLS_FILES[0])
    context.minimum_version = context.maximum_version = version
    return context


def _certificate(folder: Path) -> dict[str, str]:
    certificate, key = (folder / name for name in _TLS_FILES)
    if not certificate.exists():
        write_self_signed(folder, [HOST], days=1)
    return {"RELAY_TLS_CERT_FILE": str(certificate), "RELAY_TLS_KEY_FILE": str(key)}


def _read_token(transaction: ClientTransaction, connection: socket.socket) -> bytes:
    while data := connection.recv(_RECEIVE_BYTES):
        if completion := transaction.feed(data):
            return completion.token
    raise ConnectionError("the relay ended a connection before its answer")
