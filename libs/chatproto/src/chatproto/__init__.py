"""The chat protocol on the wire: codecs and state machines. No I/O, no clock, no dependencies."""

from chatproto.codes import EvictionReason, Feature, Operation, State, Status
from chatproto.commands import COMMANDS, Command, parse_command
from chatproto.datagram import encode_datagram, parse_datagram, split_attribution
from chatproto.errors import (
    BadFingerprintError,
    BadNameError,
    BadPasswordError,
    ElsewhereError,
    MalformedError,
    NotSupportedError,
    PayloadTooLargeError,
    ProtocolError,
    RefusedError,
)
from chatproto.lists import BanList, ListedMember, MemberList
from chatproto.lobby import encode_lobby, parse_lobby
from chatproto.notice_codec import encode_notice, parse_json_notice
from chatproto.notice_parts import list_bans, list_members
from chatproto.notice_prose import ProseNotice, parse_notice
from chatproto.notices import (
    Advice,
    Challenge,
    Disconnected,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    MessageDropped,
    Muted,
    Notice,
    NotRelayed,
    NotSaid,
    PasswordState,
    PersonalNotice,
    RoomNotice,
    Said,
    Topic,
    UnknownNotice,
    Unmuted,
    is_answer,
)
from chatproto.outcomes import CommandDone, CommandFailed, Failure
from chatproto.payloads import Completion, Request
from chatproto.refusals import Refusal, RefusalCode
from chatproto.room_list import ListedRoom
from chatproto.servers import Server
from chatproto.tcrp import Frame, FrameDecoder, encode_frame
from chatproto.text import check_password, check_room_name, check_user_name, sanitize
from chatproto.transaction import ClientTransaction, ListTransaction, Phase, ServerTransaction

__version__ = "0.1.0"

__all__ = [
    "COMMANDS",
    "Advice",
    "BadFingerprintError",
    "BadNameError",
    "BadPasswordError",
    "BanList",
    "Challenge",
    "ClientTransaction",
    "Command",
    "CommandDone",
    "CommandFailed",
    "Completion",
    "Disconnected",
    "ElsewhereError",
    "EvictionReason",
    "Failure",
    "Feature",
    "Frame",
    "FrameDecoder",
    "HostChanged",
    "ListTransaction",
    "ListedMember",
    "ListedRoom",
    "MalformedError",
    "MemberEvicted",
    "MemberJoined",
    "MemberLeft",
    "MemberList",
    "MessageDropped",
    "Muted",
    "NotRelayed",
    "NotSaid",
    "NotSupportedError",
    "Notice",
    "Operation",
    "PasswordState",
    "PayloadTooLargeError",
    "PersonalNotice",
    "Phase",
    "ProseNotice",
    "ProtocolError",
    "Refusal",
    "RefusalCode",
    "RefusedError",
    "Request",
    "RoomNotice",
    "Said",
    "Server",
    "ServerTransaction",
    "State",
    "Status",
    "Topic",
    "UnknownNotice",
    "Unmuted",
    "check_password",
    "check_room_name",
    "check_user_name",
    "encode_datagram",
    "encode_frame",
    "encode_lobby",
    "encode_notice",
    "is_answer",
    "list_bans",
    "list_members",
    "parse_command",
    "parse_datagram",
    "parse_json_notice",
    "parse_lobby",
    "parse_notice",
    "sanitize",
    "split_attribution",
]
