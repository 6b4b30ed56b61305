"""The chat protocol on the wire: codecs and state machines. No I/O, no clock, no dependencies."""

from chatproto.codes import EvictionReason, Operation, State, Status
from chatproto.commands import Command, parse_command
from chatproto.datagram import encode_datagram, parse_datagram, split_attribution
from chatproto.errors import (
    BadFingerprintError,
    BadNameError,
    BadPasswordError,
    Flaw,
    MalformedError,
    NameKind,
    NotSupportedError,
    PayloadTooLargeError,
    ProtocolError,
    RefusedError,
)
from chatproto.lobby import encode_lobby, parse_lobby
from chatproto.notices import (
    Advice,
    Challenge,
    Disconnected,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    Notice,
    Topic,
    encode_notice,
    is_answer,
    parse_notice,
)
from chatproto.payloads import Completion, Request
from chatproto.tcrp import Frame, FrameDecoder, encode_frame
from chatproto.text import check_password, check_room_name, check_user_name, sanitize
from chatproto.transaction import ClientTransaction, Phase, ServerTransaction

__version__ = "0.1.0"

__all__ = [
    "Advice",
    "BadFingerprintError",
    "BadNameError",
    "BadPasswordError",
    "Challenge",
    "ClientTransaction",
    "Command",
    "Completion",
    "Disconnected",
    "EvictionReason",
    "Flaw",
    "Frame",
    "FrameDecoder",
    "HostChanged",
    "MalformedError",
    "MemberEvicted",
    "MemberJoined",
    "MemberLeft",
    "NameKind",
    "NotSupportedError",
    "Notice",
    "Operation",
    "PayloadTooLargeError",
    "Phase",
    "ProtocolError",
    "RefusedError",
    "Request",
    "ServerTransaction",
    "State",
    "Status",
    "Topic",
    "check_password",
    "check_room_name",
    "check_user_name",
    "encode_datagram",
    "encode_frame",
    "encode_lobby",
    "encode_notice",
    "is_answer",
    "parse_command",
    "parse_datagram",
    "parse_lobby",
    "parse_notice",
    "sanitize",
    "split_attribution",
]
