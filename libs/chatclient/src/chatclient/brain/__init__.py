"""The client's brain: memberships as state machines that take bytes and the time, and never touch a socket.

Feed a brain what happens (``start``, ``connected``, ``receive_stream``, ``receive_datagram``...), then carry
out what ``take_actions`` returns, show what ``take_events`` returns, and call ``tick`` at ``next_deadline``.
"""

from chatclient.brain.actions import (
    Action,
    BindDatagram,
    CloseDatagram,
    CloseStream,
    OpenStream,
    SendDatagram,
    SendStream,
)
from chatclient.brain.base import Brain, Stage
from chatclient.brain.lobby import LobbyBrain
from chatclient.brain.policy import RejoinPolicy
from chatclient.brain.room import RoomBrain

__all__ = [
    "Action",
    "BindDatagram",
    "Brain",
    "CloseDatagram",
    "CloseStream",
    "LobbyBrain",
    "OpenStream",
    "RejoinPolicy",
    "RoomBrain",
    "SendDatagram",
    "SendStream",
    "Stage",
]
