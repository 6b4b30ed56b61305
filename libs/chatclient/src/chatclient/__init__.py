"""A client for the chat relay, on asyncio: a bot in ten lines.

>>> async with join_room("demo", "bot") as room:
...     room.say("hi")
...     async for message in room.messages():
...         print(message.sender, message.text)

It watches sockets, which Windows' usual event loop can't: there use ``asyncio.SelectorEventLoop``.
"""

from chatbrain import (
    BadAuthoritiesError,
    BadServerError,
    Ended,
    EndReason,
    Event,
    Fault,
    Finding,
    Joined,
    Message,
    MessageTooLongError,
    Presented,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    RejoinPolicy,
    ServerAddress,
    Stage,
    Tls,
    UnreachableError,
    UntrustedError,
    parse_server,
)
from chatclient.connection import Connection
from chatclient.joining import create_room, join_lobby, join_room
from chatclient.looking import look_at
from chatclient.tls import make_context
from chatproto import (
    Advice,
    BadFingerprintError,
    BadNameError,
    BadPasswordError,
    Disconnected,
    EvictionReason,
    Flaw,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    NameKind,
    RefusedError,
    Status,
    Topic,
)
from chatproto.fingerprint import parse_fingerprint

__version__ = "0.1.0"

__all__ = [
    "Advice",
    "BadAuthoritiesError",
    "BadFingerprintError",
    "BadNameError",
    "BadPasswordError",
    "BadServerError",
    "Connection",
    "Disconnected",
    "EndReason",
    "Ended",
    "Event",
    "EvictionReason",
    "Fault",
    "Finding",
    "Flaw",
    "HostChanged",
    "Joined",
    "MemberEvicted",
    "MemberJoined",
    "MemberLeft",
    "Message",
    "MessageTooLongError",
    "NameKind",
    "Presented",
    "Rebound",
    "Reconnecting",
    "Recovered",
    "RefusedError",
    "RejoinPolicy",
    "Rejoined",
    "ServerAddress",
    "Stage",
    "Status",
    "Tls",
    "Topic",
    "UnreachableError",
    "UntrustedError",
    "create_room",
    "join_lobby",
    "join_room",
    "look_at",
    "make_context",
    "parse_fingerprint",
    "parse_server",
]
