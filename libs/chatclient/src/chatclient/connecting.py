"""From a server's name to a connected socket, in bounded time."""

import asyncio
import errno
import socket
import threading
from contextlib import suppress
from functools import partial
from typing import Any, Final

from chatbrain.address import ServerAddress
from chatbrain.findings import Fault, Finding, system_words

_NEXT_ADDRESS_SECONDS = 1.0  # a host with several addresses gets this long on each but the last
_NO_ROUTE: Final = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}


async def connect(server: ServerAddress) -> socket.socket:
    """Connect to the first of the server's addresses that answers."""
    found = await resolve(*server, socket.SOCK_STREAM)
    for family, address in found[:-1]:
        with suppress(OSError):
            async with asyncio.timeout(_NEXT_ADDRESS_SECONDS):
                return await _connect_to(family, address)
    return await _connect_to(*found[-1])


async def _connect_to(family: int, address: tuple[Any, ...]) -> socket.socket:
    # asyncio's happy eyeballs lose a connected socket when they are cancelled at the wrong moment.
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


async def resolve(host: str, port: int, kind: int) -> list[tuple[int, tuple[Any, ...]]]:
    """Find out a host's addresses; returns families and addresses as the socket module has them.

    Raises:
        OSError: nobody knows the host.
        UnicodeError: the name can't be a host's.

    """
    try:
        return _lookup(host, port, kind, socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass  # a name, so somebody has to be asked
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[tuple[int, tuple[Any, ...]]]] = loop.create_future()

    def ask() -> None:
        try:
            found = _lookup(host, port, kind)
            outcome = partial(answer.set_result, found)
        except (OSError, UnicodeError) as error:
            outcome = partial(answer.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: answer.done() or outcome())

    # The loop's own pool would keep the program from ending while a name server doesn't answer.
    threading.Thread(target=ask, daemon=True).start()
    return await answer


def _lookup(host: str, port: int, kind: int, flags: int = 0) -> list[tuple[int, tuple[Any, ...]]]:
    found = socket.getaddrinfo(host, port, type=kind, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


def explain(error: Exception) -> Finding:
    """Say in a few words, without numbers and addresses, what a socket's error means."""
    if isinstance(error, TimeoutError):
        return Finding(Fault.NO_ANSWER, "no answer in time")
    if isinstance(error, ValueError):
        return Finding(Fault.BAD_HOST, "the host name isn't legal")
    if isinstance(error, socket.gaierror):
        return Finding(Fault.UNKNOWN_HOST, "the host name isn't known")
    code = error.errno if isinstance(error, OSError) else None
    words = system_words(error) if code else "the connection failed"
    if isinstance(error, ConnectionRefusedError):
        return Finding(Fault.REFUSED, words)
    if isinstance(error, ConnectionError):
        return Finding(Fault.HUNG_UP, words)
    return Finding(Fault.NO_ROUTE if code in _NO_ROUTE else Fault.SYSTEM, words)
