"""A client for the chat relay, on asyncio: a bot in ten lines.

>>> async with join_room("demo", "bot") as room:
...     room.say("hi")
...     async for message in room.messages():
...         print(message.sender, message.text)
"""

from chatclient.address import ServerAddress, parse_server
from chatclient.brain import RejoinPolicy, Stage
from chatclient.connection import Connection
from chatclient.errors import MessageTooLongError, UnreachableError, UntrustedError
from chatclient.events import (
    Ended,
    EndReason,
    Event,
    Joined,
    Message,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
)
from chatclient.joining import create_room, join_lobby, join_room
from chatclient.tls import Presented, Tls, look_at
from chatproto import (
    Advice,
    BadNameError,
    BadPasswordError,
    Disconnected,
    EvictionReason,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    RefusedError,
    Status,
    Topic,
)
from chatproto.tls import parse_fingerprint

__version__ = "0.1.0"

__all__ = [
    "Advice",
    "BadNameError",
    "BadPasswordError",
    "Connection",
    "Disconnected",
    "EndReason",
    "Ended",
    "Event",
    "EvictionReason",
    "HostChanged",
    "Joined",
    "MemberEvicted",
    "MemberJoined",
    "MemberLeft",
    "Message",
    "MessageTooLongError",
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
    "parse_fingerprint",
    "parse_server",
]
