"""Is the relay well? Join a room of its own with two members, and hear one through the other."""

import asyncio
import secrets
import time
from contextlib import suppress

from chatclient import Connection, Message, Tls, create_room, join_room, look_at
from relay_server.net.sockets import is_wildcard
from relay_server.settings import Settings

REPEAT_SECONDS = 0.5
"""A datagram may get lost, or come before the listener's first: ask again."""


async def check_health(
    settings: Settings, server: str | None, timeout_seconds: float, *, secure: bool = False
) -> float:
    """Return the seconds that an echo through the relay took; ``secure`` joins by TLS.

    Raises:
        TimeoutError: the relay doesn't answer in time.
        UnreachableError: nobody listens there.
        RefusedError: the relay refuses the join.
        ValueError: the server's address is no address.

    """
    host = "localhost" if is_wildcard(settings.host) else settings.host
    where = server or f"[{host}]:{settings.tcp_port}"
    room = f"healthcheck-{secrets.token_hex(8)}"
    async with asyncio.timeout(timeout_seconds):
        # Whether the certificate is the right one, people's clients ask; a renewed one may not be read yet.
        tls = Tls(fingerprint=(await look_at(where)).fingerprint) if secure else None
        async with (
            create_room(room, "speaker", server=where, tls=tls, rejoin=False) as speaker,
            join_room(room, "listener", server=where, tls=tls, rejoin=False) as listener,
        ):
            while True:
                asked_at = time.perf_counter()
                speaker.say("ping")
                if await _hears(listener):
                    return time.perf_counter() - asked_at


async def _hears(listener: Connection) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(REPEAT_SECONDS):
            while not isinstance(await anext(listener), Message):
                pass
            return True
    return False
