"""Which rooms a relay tells of, without joining any (LIST-01)."""

import asyncio

from chatbrain import RoomQuery, RoomsAnswer, Tls, UnreachableError, parse_server
from chatclient.joining import DEFAULT_SERVER
from chatclient.sockets import SocketToolkit
from chatclient.tls import secure_by
from chatproto import ListedRoom, RefusedError
from chatproto.constants import DEFAULT_TCP_PORT


async def list_rooms(*, server: str = DEFAULT_SERVER, tls: Tls | None = None) -> tuple[ListedRoom, ...]:
    """Return the rooms of a relay, the busiest first, at most 200; ``tls`` is as in `create_room`.

    A relay lists its rooms if its operator wants it. The names can be used for `join_room`, and topics can be shown.

    Raises:
        RefusedError: the relay said no, with the status `Status.NOT_SUPPORTED` if it lists no rooms.
        UnreachableError: no relay answered in 4 s.
        UntrustedError: with ``tls``, the relay didn't prove that it is the one that is meant; nothing was sent to it.
        ValueError: ``server`` isn't ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``, or the file in ``tls`` can't be used.

    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[RoomsAnswer] = loop.create_future()
    address = parse_server(server, DEFAULT_TCP_PORT)
    query = RoomQuery(SocketToolkit(loop), address, answered.set_result, secure_by(tls))
    try:
        answer = await answered
    finally:
        query.cancel()
    if isinstance(answer, RefusedError | UnreachableError):
        raise answer
    return answer
