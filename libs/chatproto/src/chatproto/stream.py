"""The chat over one connection: JSON objects, one a line, from either side (STR-01 to STR-03)."""

from collections.abc import Callable
from dataclasses import dataclass
from json import JSONDecoder, dumps
from json.encoder import encode_basestring
from typing import Any, Final, TypeAlias

from chatproto.errors import MalformedError
from chatproto.notice_codec import read_notice, to_object
from chatproto.notices import Notice, UnknownNotice
from chatproto.receipts import MAX_NUMBER
from chatproto.text import sanitize

MAX_LINE_BYTES: Final = 32_768
"""A line has so many bytes at most, without its end (STR-01)."""
STREAM_WINDOW: Final = 1024
"""So many said numbers the seat of a stream's member remembers (STR-05)."""
MAX_PING: Final = 2**53 - 1
"""The greatest number of a ping: what every JSON library reads exactly."""

_ALL: Final = "all"
# `loads` takes three times as long to read a short line, mostly to find white space around it; `dumps` is as slow.
_READ: Final[Callable[[str], tuple[Any, int]]] = JSONDecoder().raw_decode
_SPACE: Final = " \t\r\n"
_QUOTE: Final[Callable[[str], str]] = encode_basestring


@dataclass(slots=True)
class Say:
    """A member says something, or commands; without a number nothing answers it (STR-02).

    It isn't frozen, for that would make it six times as slow to make.
    """

    text: str
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? Either side may ask."""

    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping."""

    number: int


@dataclass(frozen=True, slots=True)
class Leave:
    """A member goes, and doesn't come back by its ticket."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An object that this library doesn't know: ignore it (FEAT-03)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What another member said, at its place in the room's numbering (STR-03)."""

    seq: int
    sender: str
    """Empty where the relay adds no names."""
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """A notice: of the room at its place, or to this member alone, without a place."""

    notice: Notice | UnknownNotice
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Took:
    """One's own words of this number were taken, now or before; a command has no place."""

    n: int
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """One's own words of this number were not taken."""

    n: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Entries that are kept no more, from the first to the last; both None if nobody knows which (STR-05)."""

    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Bye:
    """The stream ends, and why."""

    reason: str
    message: str
    banned: bool = False
    """Whether the host lets one in no more (MOD-04)."""


ToRelay: TypeAlias = Say | Ping | Pong | Leave | Unknown
"""What a member may send."""
ToMember: TypeAlias = Entry | Told | Took | Refused | Gone | Bye | Ping | Pong | Unknown
"""What the relay may send."""


class LineDecoder:
    """Cuts a stream of bytes into lines."""

    ended: Final = False
    """No line says that it is the last one: the connection does."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._pieces: list[bytes] = []
        self._bytes = 0

    @property
    def rest(self) -> bytes:
        """What came of a line that isn't whole yet."""
        return b"".join(self._pieces)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes in any pieces; returns the lines that are whole now, without their ends.

        Raises:
            MalformedError: a line is longer than it may be.

        """
        lines, most = data.split(b"\n"), self._bytes + len(data)
        rest = lines.pop()
        if lines and self._pieces:
            lines[0] = b"".join((*self._pieces, lines[0]))
            self._pieces, self._bytes = [], 0
        if rest:
            self._pieces.append(rest)
            self._bytes += len(rest)
        if most > self._max_line_bytes and max([self._bytes, *map(len, lines)]) > self._max_line_bytes:
            raise MalformedError(f"A line has more than {self._max_line_bytes} bytes.")
        return lines


def parse_to_relay(line: bytes) -> ToRelay:
    """Read a line that a member sent (STR-02).

    Raises:
        MalformedError: it is no JSON object, or a known key has a value of the wrong type.

    """
    found = _parse(line)
    if "say" in found:
        text, n = found["say"], found.get("n")
        if not isinstance(text, str) or not (n is None or _is_number(n, MAX_NUMBER)):
            raise MalformedError('"say" wants a text, and "n" a number from 1 to 4294967295.')
        return Say(_encodable(text), n)
    if found.get("leave") is True:
        return Leave()
    return _heartbeat(found) or Unknown()


def encode_to_relay(said: Say | Ping | Pong | Leave) -> bytes:
    """Write a line for the relay."""
    if isinstance(said, Say):
        return _line({"say": said.text} if said.n is None else {"say": said.text, "n": said.n})
    return b'{"leave":true}\n' if isinstance(said, Leave) else encode_heartbeat(said)


def parse_to_member(line: bytes) -> ToMember:
    """Read a line that the relay sent; all text in it is made harmless to show in one line (UDP-11).

    Raises:
        MalformedError: it is no JSON object, or a known key has a value of the wrong type.

    """
    found = _parse(line)
    try:
        return _read(found) or _heartbeat(found) or Unknown()
    except (KeyError, TypeError, ValueError):
        raise MalformedError("The relay sent a line with a value of the wrong type.") from None


def encode_entry(seq: int, sender: str, text: str) -> bytes:
    """Write what a member said, for the others (STR-03)."""
    return f'{{"seq":{seq},"from":{_QUOTE(sender)},"text":{_QUOTE(text)}}}\n'.encode()


def encode_told(notice: Notice, seq: int | None = None) -> bytes:
    """Write a notice (STR-03)."""
    return _line(to_object(notice) if seq is None else {"seq": seq, **to_object(notice)})


def encode_took(n: int, seq: int | None = None) -> bytes:
    """Write to a member that its words of this number were taken."""
    return b'{"took":%d}\n' % n if seq is None else b'{"seq":%d,"took":%d}\n' % (seq, n)


def encode_refused(n: int, reason: str, message: str) -> bytes:
    """Write to a member that its words of this number were not taken, and why."""
    return _line({"n": n, "refused": reason, "message": message})


def encode_gone(first: int | None = None, last: int | None = None) -> bytes:
    """Write which entries are kept no more; without numbers: nobody knows (STR-05)."""
    return b'{"gone":"all"}\n' if first is None or last is None else b'{"gone":[%d,%d]}\n' % (first, last)


def encode_heartbeat(beat: Ping | Pong) -> bytes:
    """Write a ping or the answer to one."""
    return b'{"%b":%d}\n' % (b"ping" if isinstance(beat, Ping) else b"pong", beat.number)


def encode_bye(reason: str, message: str, *, banned: bool = False) -> bytes:
    """Write the last line of a stream that the relay ends (STR-03)."""
    return _line({"bye": reason, "message": message} | ({"banned": True} if banned else {}))


def _read(found: dict[str, Any]) -> ToMember | None:
    """Read what isn't a ping or its answer; None if it is of no known kind.

    Raises:
        KeyError: a key is missing.
        TypeError: a value has the wrong type.
        ValueError: a range of numbers is none.

    """
    seq = _checked(found["seq"]) if "seq" in found else None
    if "notice" in found:  # before texts, for a topic has one too
        return Told(read_notice(found), seq)
    if "text" in found and seq is not None:
        return Entry(seq, _text(found.get("from", "")), _text(found["text"]))
    if "took" in found:
        return Took(_checked(found["took"]), seq)
    if "refused" in found:
        return Refused(_checked(found["n"]), _text(found["refused"]), _text(found.get("message", "")))
    if "gone" in found:
        return _gone(found["gone"])
    if "bye" in found:
        return Bye(_text(found["bye"]), _text(found.get("message", "")), found.get("banned") is True)
    return None


def _gone(value: Any) -> Gone:
    """Read which entries are gone.

    Raises:
        TypeError: it says neither a range nor "all".
        ValueError: the range hasn't two ends, or ends before it begins.

    """
    if value == _ALL:
        return Gone()
    if not isinstance(value, list):
        raise TypeError
    first, last = map(_checked, value)
    if last < first:
        raise ValueError
    return Gone(first, last)


def _heartbeat(found: dict[str, Any]) -> Ping | Pong | None:
    for key, made in (("ping", Ping), ("pong", Pong)):
        if key in found:
            if not _is_number(found[key], MAX_PING, least=0):
                raise MalformedError(f'"{key}" wants a number from 0 to {MAX_PING}.')
            return made(found[key])
    return None


def _parse(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode().strip(_SPACE)
        found, end = _READ(text)
    except (ValueError, RecursionError):
        raise MalformedError("A line is no JSON.") from None
    if end != len(text):
        raise MalformedError("A line is no JSON.")
    if not isinstance(found, dict):
        raise MalformedError("A line is no JSON object.")
    return found


def _line(fields: dict[str, Any]) -> bytes:
    return dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def _is_number(value: Any, most: int, least: int = 1) -> bool:
    return type(value) is int and least <= value <= most  # a JSON true is no number, although Python's is


def _checked(value: Any) -> int:
    if not _is_number(value, MAX_PING, least=0):
        raise TypeError
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return sanitize(_encodable(value))


def _encodable(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and nothing can encode again."""
    return text if text.isascii() else text.encode(errors="replace").decode()
