"""The client's brain: memberships as state machines that take bytes and the time, and never touch a socket.

Feed a brain what happens (``start``, ``connected``, ``receive_stream``, ``receive_datagram``...), then carry
out what ``take_actions`` returns, show what ``take_events`` returns, and call ``tick`` at ``next_deadline``.
`Driver` does so with any `Toolkit`'s sockets.
"""

from chatbrain.actions import (
    Action,
    BindDatagram,
    CloseDatagram,
    CloseStream,
    LookUp,
    OpenStream,
    SendDatagram,
    SendStream,
)
from chatbrain.address import BadServerError, ServerAddress, parse_server
from chatbrain.backoff import RejoinPolicy
from chatbrain.course import Stage
from chatbrain.driver import Brain, Driver, SecureBy
from chatbrain.errors import (
    BadAuthoritiesError,
    MessageTooLongError,
    TlsFailedError,
    UnreachableError,
    UntrustedError,
    WrongKeyError,
)
from chatbrain.events import (
    Carried,
    Delivery,
    DeliveryState,
    Ended,
    EndReason,
    Event,
    Joined,
    Message,
    Missed,
    Moved,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    Transport,
    Unheard,
    Unreadable,
)
from chatbrain.findings import Fault, Finding
from chatbrain.lobby import LobbyBrain
from chatbrain.room import RoomBrain
from chatbrain.room_query import RoomQuery, RoomsAnswer
from chatbrain.stream import Stream
from chatbrain.toolkit import Cancellable, Port, Secure, Toolkit, Wire
from chatbrain.trust import Look, Presented, Tls

__version__ = "0.1.0"

__all__ = [
    "Action",
    "BadAuthoritiesError",
    "BadServerError",
    "BindDatagram",
    "Brain",
    "Cancellable",
    "Carried",
    "CloseDatagram",
    "CloseStream",
    "Delivery",
    "DeliveryState",
    "Driver",
    "EndReason",
    "Ended",
    "Event",
    "Fault",
    "Finding",
    "Joined",
    "LobbyBrain",
    "Look",
    "LookUp",
    "Message",
    "MessageTooLongError",
    "Missed",
    "Moved",
    "OpenStream",
    "Port",
    "Presented",
    "Rebound",
    "Reconnecting",
    "Recovered",
    "RejoinPolicy",
    "Rejoined",
    "RoomBrain",
    "RoomQuery",
    "RoomsAnswer",
    "Secure",
    "SecureBy",
    "SendDatagram",
    "SendStream",
    "ServerAddress",
    "Stage",
    "Stream",
    "Tls",
    "TlsFailedError",
    "Toolkit",
    "Transport",
    "Unheard",
    "UnreachableError",
    "Unreadable",
    "UntrustedError",
    "Wire",
    "WrongKeyError",
    "parse_server",
]
