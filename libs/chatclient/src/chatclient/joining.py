"""The ways in: create a room, join one, enter the lobby."""

import asyncio
import random as chance
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from secrets import token_bytes, token_hex
from typing import Final

from chatbrain import Brain, Driver, LobbyBrain, RejoinPolicy, RoomBrain, Tls, Transport
from chatbrain.address import ServerAddress, parse_server
from chatbrain.errors import UnreachableError, UntrustedError
from chatbrain.events import EndReason
from chatbrain.sealed import Seal
from chatclient.connection import Connection
from chatclient.sockets import SocketToolkit
from chatclient.tls import secure_by
from chatproto import Operation, RefusedError, check_password, check_room_name, check_user_name
from chatproto.constants import DEFAULT_LOBBY_PORT, DEFAULT_TCP_PORT, NONCE_BYTES
from chatproto.sealing import KEY_BYTES, SENDER_ID_BYTES, RoomKey

DEFAULT_SERVER: Final = f"127.0.0.1:{DEFAULT_TCP_PORT}"
DEFAULT_LOBBY: Final = f"127.0.0.1:{DEFAULT_LOBBY_PORT}"
MAX_QUEUED_EVENTS: Final = 10_000


@asynccontextmanager
async def create_room(
    room: str,
    name: str,
    *,
    server: str = DEFAULT_SERVER,
    password: str | None = None,
    tls: Tls | None = None,
    rejoin: bool | RejoinPolicy = True,
    receipts: bool = False,
    transport: Transport = Transport.UDP,
    max_queued_events: int = MAX_QUEUED_EVENTS,
    random: Callable[[], float] = chance.random,
    sealed: bool | RoomKey = False,
) -> AsyncIterator[Connection]:
    """Create a room and be its host; leaving the context leaves and so closes the room.

    With a ``password`` only who gives the same one may join. It is kept, for creating the room anew. With ``tls`` the
    join is encrypted (TCP-12); the chat is only if it is a stream. With ``receipts`` the relay answers what is said
    (RCP-01), and events tell what comes of it: `Delivery` and `Unheard`.

    ``transport`` says by what the chat travels. `Transport.STREAM` keeps it on the TCP connection (STR-01), or there is
    no chat at all; `Transport.AUTO` does so where the join is by TLS and the relay grants it, or where UDP isn't heard.
    Both include ``receipts``; `Carried` tells which it is, and `Missed` what was lost while a stream was broken.

    If the room is ``sealed``, only who has its key can read what is said (SEAL-01): a new one, or the one that is
    given; `Connection.key` is for those who are to join.

    Raises:
        RefusedError: the relay said no; ``refusal`` says why.
        UnreachableError: no relay answered in 4 s, or none that grants the stream that must be.
        UntrustedError: with ``tls``, the relay didn't prove that it is the one that is meant; or the room isn't sealed.
        BadNameError: the room's or the user's name can't be used.
        BadPasswordError: the password can't be used.
        ValueError: ``server`` isn't ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``, or the file in ``tls`` can't be used.

    """
    key = RoomKey(token_bytes(KEY_BYTES)) if sealed is True else sealed or None
    way = _Way(server, tls, rejoin, receipts, transport, max_queued_events, random, key)
    async with _room(Operation.CREATE, room, name, password, way) as connection:
        yield connection


@asynccontextmanager
async def join_room(
    room: str,
    name: str,
    *,
    server: str = DEFAULT_SERVER,
    password: str | None = None,
    tls: Tls | None = None,
    rejoin: bool | RejoinPolicy = True,
    receipts: bool = False,
    transport: Transport = Transport.UDP,
    max_queued_events: int = MAX_QUEUED_EVENTS,
    random: Callable[[], float] = chance.random,
    key: RoomKey | None = None,
) -> AsyncIterator[Connection]:
    """Join a room that exists; leaving the context leaves it.

    ``password``, ``tls``, ``receipts`` and ``transport`` are as in `create_room`. A sealed room needs its ``key``; with
    one, nothing is said in a room that isn't sealed.

    Raises:
        RefusedError: the relay said no; ``refusal`` says why.
        UnreachableError: no relay answered in 4 s (21 s for a join with a password, which may have to wait), or none
            that grants the stream that must be.
        UntrustedError: with ``tls``, the relay didn't prove that it is the one that is meant; or the room isn't sealed.
        BadNameError: the room's or the user's name can't be used.
        BadPasswordError: the password can't be used.
        ValueError: ``server`` isn't ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``, or the file in ``tls`` can't be used.

    """
    way = _Way(server, tls, rejoin, receipts, transport, max_queued_events, random, key)
    async with _room(Operation.JOIN, room, name, password, way) as connection:
        yield connection


@asynccontextmanager
async def join_lobby(
    name: str,
    *,
    server: str = DEFAULT_LOBBY,
    rejoin: bool | RejoinPolicy = True,
    max_queued_events: int = MAX_QUEUED_EVENTS,
    random: Callable[[], float] = chance.random,
) -> AsyncIterator[Connection]:
    """Enter the lobby (stage 1), whose port is its own; nobody can refuse, and nobody has to answer.

    Raises:
        UnreachableError: the address isn't known, or nobody listens there.
        BadNameError: the name can't be used.
        ValueError: ``server`` isn't ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``.

    """
    name = unicodedata.normalize("NFC", name)
    check_user_name(name.encode(errors="replace"))
    address = parse_server(server, DEFAULT_LOBBY_PORT)
    brain = LobbyBrain(name, port=address.port, server=str(address), rejoin=_policy(rejoin), random=random)
    async with _opened(brain, address, Connection(name, None, max_queued_events)) as connection:
        yield connection


@dataclass(frozen=True, slots=True)
class _Way:
    """How to come to a relay, and back; see `create_room`."""

    server: str
    tls: Tls | None
    rejoin: bool | RejoinPolicy
    receipts: bool
    transport: Transport
    max_queued_events: int
    random: Callable[[], float]
    key: RoomKey | None


@asynccontextmanager
async def _room(
    operation: Operation, room: str, name: str, password: str | None, way: _Way
) -> AsyncIterator[Connection]:
    # Keyboards and file names spell one letter in several ways, and a relay compares bytes.
    room, name = unicodedata.normalize("NFC", room), unicodedata.normalize("NFC", name)
    check_room_name(room.encode(errors="replace"))
    check_user_name(name.encode(errors="replace"))
    check_password(password or "")
    address = parse_server(way.server, DEFAULT_TCP_PORT)
    brain = RoomBrain(
        operation, room, name, server=str(address), password=password,
        rejoin=_policy(way.rejoin), random=way.random, receipts=way.receipts,
        new_nonce=partial(token_hex, NONCE_BYTES), transport=way.transport, encrypted=way.tls is not None,
        seal=Seal(way.key, room, name, token_bytes(SENDER_ID_BYTES)) if way.key else None,
    )  # fmt: skip
    empty = Connection(name, room, way.max_queued_events, way.key)
    async with _opened(brain, address, empty, way.tls) as connection:
        yield connection


@asynccontextmanager
async def _opened(
    brain: Brain, address: ServerAddress, connection: Connection, tls: Tls | None = None
) -> AsyncIterator[Connection]:
    driver = Driver(SocketToolkit(asyncio.get_running_loop()), brain, address, connection.take, secure_by(tls))
    try:
        await connection.open(driver)
        if connection.ended and connection.ended.refusal:
            raise RefusedError(connection.ended.refusal)
        if connection.ended and connection.ended.reason is EndReason.UNTRUSTED:
            raise UntrustedError(connection.ended)
        if connection.ended:
            raise UnreachableError(connection.ended)
        yield connection
    finally:
        brain.leave()
        driver.pump()
        driver.close()


def _policy(rejoin: bool | RejoinPolicy) -> RejoinPolicy:
    return rejoin if isinstance(rejoin, RejoinPolicy) else RejoinPolicy(enabled=rejoin)
