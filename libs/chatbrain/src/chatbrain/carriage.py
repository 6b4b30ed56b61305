"""By what a room's chat travels: by datagrams, or as lines of the connection over which one joined (STR-01)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Final, TypeAlias

from chatbrain.events import Carried, Message, Missed, Transport
from chatbrain.join_request import Grant
from chatproto import (
    Disconnected,
    EvictionReason,
    Notice,
    NotSaid,
    Request,
    Said,
    UnknownNotice,
    parse_json_notice,
    parse_notice,
    sanitize,
    split_attribution,
)
from chatproto.commands import LEAVE_WORDS
from chatproto.receipts import encode_numbered
from chatproto.stream import (
    Bye,
    Entry,
    Gone,
    Leave,
    LineDecoder,
    Ping,
    Pong,
    Refused,
    Say,
    Told,
    ToMember,
    Took,
    encode_heartbeat,
    encode_to_relay,
    parse_to_member,
)

LASTING_SECONDS: Final = 5.0
"""A stream that held for so long is resumed at once when it breaks; one that didn't, after a pause."""

_EVICTIONS: Final = {*EvictionReason} - {"slow", "unanswered", "malformed"}
"""Reasons why a relay ends a stream and the membership; for any other the seat may be taken again."""


class StreamOverError(Exception):
    """The relay ended the stream, and not the membership."""


@dataclass(frozen=True, slots=True)
class Question:
    """The relay asks whether one is there."""

    answer: bytes


Heard: TypeAlias = Message | Missed | Notice | UnknownNotice | Question
"""What a line of the relay means to a room's brain."""


@dataclass(frozen=True, slots=True)
class Channel:
    """How a member's words are written."""

    encode: Callable[[int, bytes], bytes]
    """Writes a message with its number; without a text it asks whether the relay hears."""
    leave: bytes
    repeats: bool
    """Whether what isn't answered is sent again after a while: a stream loses nothing as long as it holds."""


def _encode_line(number: int, text: bytes) -> bytes:
    return encode_to_relay(Say(text.decode(), number) if text else Ping(number))


DATAGRAMS: Final = Channel(encode_numbered, LEAVE_WORDS[0].encode(), repeats=True)
LINES: Final = Channel(_encode_line, encode_to_relay(Leave()), repeats=False)


class Carriage:
    """What was chosen and granted, and where one is in the room's numbering, which outlives connections (STR-05)."""

    def __init__(self, transport: Transport = Transport.UDP, *, encrypted: bool = False, sealed: bool = False) -> None:
        """``encrypted`` tells whether one joins by TLS, ``sealed`` whether one seals what one says."""
        self.strict = transport is Transport.STREAM
        """Whether nothing may be said without a stream."""
        self._transport = transport
        self._encrypted, self._sealed = encrypted, sealed
        self._wanted = self.strict or (transport is Transport.AUTO and encrypted)
        self._fell_back = False
        self._told: Carried | None = None
        self._epoch, self._heard = "", 0
        self._lines = LineDecoder()
        self._lasts_from = inf

    def ask(self, request: Request, *, seated: bool) -> Request:
        """Say in a request by what the chat is to travel; for one's own seat also what was heard."""
        if not self._wanted:
            return request
        epoch, heard = (self._epoch, self._heard) if seated else ("", 0)
        return replace(request, stream=True, epoch=epoch, heard=heard)

    def begin(self, grant: Grant, now: float, *, resumed: bool) -> Channel:
        """Travel by what was granted; returns how to write for it."""
        if not grant.stream:
            self._epoch, self._heard = "", 0  # what is heard otherwise has no numbers
            return DATAGRAMS
        self._lines, self._lasts_from = LineDecoder(), now + LASTING_SECONDS
        if not (resumed and grant.epoch == self._epoch):
            self._epoch, self._heard = grant.epoch, grant.seq
        return LINES

    def news(self, *, stream: bool) -> Carried | None:
        """Return by what the chat travels, if that wasn't said before and isn't what was asked for by name."""
        by = Transport.STREAM if stream else Transport.UDP
        carried = Carried(by, self._encrypted, fell_back=stream and self._fell_back, sealed=self._sealed)
        told, self._told = self._told, carried
        return None if carried == told or self._transport is Transport.UDP else carried

    def fall_back(self) -> bool:
        """Want a stream from now on, because UDP isn't heard; False if one did already, or mayn't."""
        if self._wanted or self._transport is Transport.UDP:
            return False
        self._wanted = self._fell_back = True
        return True

    def has_lasted(self, now: float) -> bool:
        """Tell whether the stream held for so long that it may be resumed at once."""
        return now >= self._lasts_from

    def read(self, data: bytes, now: float) -> Iterator[Heard]:
        """Take bytes in any pieces; returns what they mean, and nothing of the room twice.

        Raises:
            MalformedError: they are no stream of a relay.
            StreamOverError: it is over; what follows isn't read.

        """
        for line in self._lines.feed(data):
            found = parse_to_member(line)
            if isinstance(found, Bye) and found.reason not in _EVICTIONS:
                raise StreamOverError
            seq: int | None = getattr(found, "seq", None)
            if seq is None or seq > self._heard or isinstance(found, Took):
                self._heard = max(self._heard, seq or 0)
                yield self._miss(found) if isinstance(found, Gone) else _read(found, line, now)

    def _miss(self, gone: Gone) -> Missed | UnknownNotice:
        if gone.first is None or gone.last is None:
            return Missed()
        first, self._heard = max(gone.first, self._heard + 1), max(gone.last, self._heard)
        return Missed(first, gone.last) if first <= gone.last else UnknownNotice()


def read_datagram(data: bytes, now: float, *, facts: bool) -> Message | Notice | UnknownNotice:
    """Read what a datagram means: a notice, which is an object for who asked for ``facts``, or what somebody said."""
    text = sanitize(data.decode(errors="replace"))
    notice = parse_json_notice(text) if facts else parse_notice(text)
    return Message(*split_attribution(text), data, now) if notice is None else notice


def _read(found: ToMember, line: bytes, now: float) -> Heard:
    match found:
        case Entry(_, sender, text):
            return Message(sender or None, text, line, now)
        case Told(notice):
            return notice
        case Took(n) | Pong(n):  # a ping has a number of its own among those of messages
            return Said(n)
        case Refused(n, reason):
            return NotSaid(n, reason)
        case Ping(n):
            return Question(encode_heartbeat(Pong(n)))
        case Bye(reason, banned=banned):
            return Disconnected(EvictionReason(reason), banned=banned)
    return UnknownNotice()
