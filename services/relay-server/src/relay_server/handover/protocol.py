"""What the old process and the new one say to each other: frames of a kind, a length and a body.

The new one begins with `Kind.HELLO`. The old one answers with `Kind.BEGIN`, which carries the descriptors, and lines
of the state while it still serves; `Kind.BULK` ends them, and the new one says `Kind.READY` when it has taken them.
Then the old one reads no socket any more. It sends the rest, its counts, and `Kind.COMMIT`; the new one reads the
sockets from now on, and says `Kind.SERVING`. At any time before, it may say `Kind.FAILED` and why.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from relay_server.core.state import Moment
from relay_server.inherited import NodeIdentity

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
LINES_BYTES: Final = 65_536
"""So many bytes of lines make a frame."""

_HEAD: Final = struct.Struct("!BI")
Body = TypeVar("Body", bound="Hello | Begin")


@unique
class Kind(IntEnum):
    """What a frame is."""

    HELLO = 1
    BEGIN = 2
    LINES = 3
    """Whole lines of the state (see `core.state`)."""
    BULK = 4
    READY = 5
    COUNTS = 6
    """What was counted so far, as JSON (see `counts`)."""
    COMMIT = 7
    SERVING = 8
    FAILED = 9
    """One sentence."""
    CARRIED = 10
    """Members whom the node carries elsewhere, with their sockets (see `carried`)."""


_KINDS: Final = frozenset(Kind)


class Frame(NamedTuple):
    """One thing that is said."""

    kind: Kind
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Who takes over."""

    formats: tuple[int, ...]
    """Of the state, that it reads."""
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """What comes."""

    format: int
    descriptors: tuple[str, ...]
    """The names of those that come along, in their order: sockets (see `inherited`), ``admin`` and ``lock``."""
    admin_path: str | None = None
    """Where the operators' socket is."""
    state_directory: str | None = None
    """What the lock is for."""
    node: NodeIdentity | None = None
    """What the relay is in its cluster, if it is in one."""


class HandoverError(Exception):
    """The other process says something wrong, can't go on, or is gone; ``str()`` is one sentence."""


class GoneError(HandoverError):
    """The other process has closed its end."""


def shared_moment(now: float) -> Moment:
    """Return a monotonic time as a moment that both processes know: one kernel has one monotonic clock for them.

    The time of day may be set while one takes over from the other, and everybody would seem to be silent for hours.
    """
    return Moment(now, now)


def encode(kind: Kind, body: bytes | Hello | Begin = b"") -> bytes:
    """Write a frame."""
    if not isinstance(body, bytes):
        body = TypeAdapter(type(body)).dump_json(body)
    return _HEAD.pack(kind, len(body)) + body


def read_body(kind: type[Body], body: bytes) -> Body:
    """Read what a frame says.

    Raises:
        HandoverError: it isn't that.

    """
    try:
        return TypeAdapter(kind).validate_json(body)
    except ValidationError:
        raise HandoverError("The other process speaks another protocol.") from None


class FrameReader:
    """Finds frames in a stream of bytes."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes in any pieces; returns the frames that are whole now.

        Raises:
            HandoverError: what came is no frame.

        """
        self._data += data
        frames = []
        while len(self._data) >= _HEAD.size:
            number, size = _HEAD.unpack_from(self._data)
            if number not in _KINDS or size > MAX_BODY_BYTES:
                raise HandoverError("The other process speaks another protocol.")
            end = _HEAD.size + size
            if len(self._data) < end:
                break
            frames.append(Frame(Kind(number), bytes(self._data[_HEAD.size : end])))
            del self._data[:end]
        return frames


def choose_format(written: int, read: Collection[int], version: str) -> int:
    """Return the format of the state that is handed over.

    Raises:
        HandoverError: the new program, of this version, doesn't read what this one writes.

    """
    if written not in read:
        formats = ", ".join(map(str, sorted(read))) or "none"
        raise HandoverError(
            f"Version {version} reads the state in format {formats}, and this relay writes format {written}: "
            "end this one by `relay-server admin stop`, which tells everybody, and start the new one."
        )
    return written
