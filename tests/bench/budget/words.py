"""Names, texts and JSON that are the most work to judge, for their length."""

from collections.abc import Callable, Mapping
from typing import Final

MAX_NAME_BYTES: Final = 255
MAX_PAYLOAD_BYTES: Final = 4096
LONG: Final = 4000
"""Bytes of a message that fits with any name before it."""

Text = Callable[[int], bytes]
"""By its number, so that none is like one before."""


def _name(filling: str) -> Text:
    def name(number: int) -> bytes:
        # Two ideographs make it new each time: 400 million of them.
        start = chr(0x4E00 + number % 20_000) + chr(0x4E00 + number // 20_000)
        raw = (start + filling * MAX_NAME_BYTES).encode()[:MAX_NAME_BYTES]
        return raw.decode(errors="ignore").encode()

    return name


# A letter with its look-alikes in other scripts, digits, ligatures and letters that grow when they are folded.
_SCRIPTS: Final = "".join(
    map(
        chr,
        (
            0x0061,
            0x0430,
            0x0251,
            0x03B1,
            0x2113,
            0x0399,
            0x217C,
            0x0406,
            0x0031,
            0x006C,
            0x07CA,
            0x043E,
            0x03BF,
            0x0585,
            0x0D20,
            0x0966,
            0x0E50,
            0x0ED0,
            0xFB03,
            0x00DF,
            0x0130,
            0x01C5,
            0x0149,
            0x0390,
            0xFDF2,
            0x3300,
            0x3371,
            0x2177,
            0x2121,
            0xAB53,
            0x13A0,
            0x0417,
            0x021D,
            0x1D1B,
            0x2C98,
            0x1D400,
            0x1D56C,
            0x1D4EA,
            0x13AA,
        ),
    )
)

NAMES: Final[Mapping[str, Text]] = {
    "plain letters": _name("abcdefghij"),
    "U+FDFA": _name("\ufdfa"),
    "Hangul jamo": _name("\u1112\u1161\u11ab"),
    "combining marks": _name("e\u0323\u0302\u0327\u0304"),
    "mixed scripts": _name(_SCRIPTS),
}


def _text(unit: str) -> bytes:
    raw = unit.encode()
    return raw * (LONG // len(raw))


MESSAGES: Final[Mapping[str, bytes]] = {
    "a line of plain text": b"this is what people say to each other in a room, most of the time",
    "4,000 bytes of ASCII": _text("plain text "),
    "4,000 bytes of C0 controls": _text("\x01"),
    "4,000 bytes of newlines": _text("\n"),
    "1,000 bytes of C0 controls": b"\x01" * 1000,
    "4,000 bytes of combining marks": _text("\u0301"),
    "4,000 bytes of letters with marks": _text("e\u0323\u0302\u0327\u0304\u0301"),
    "4,000 bytes of U+202E": _text("\u202e"),
    "4,000 bytes of emoji": _text("\U0001f600"),
    "4,000 bytes of emoji with selectors": _text("\u2764\ufe0f\u200d\U0001f525"),
    "4,000 bytes that aren't UTF-8 at the end": _text("\u00e9") + b"\xff",
    "an unknown command": b"/xyzzy and what it is about",
    "/who": b"/who",
    "/topic": b"/topic",
    "a keep-alive": b"",
    "an answer to no challenge": b"/here 0123456789abcdef",
    "a host's command, mostly from guests": b"/ban somebody",
}


def _object(rest: bytes) -> bytes:
    return b'{"username":"ann",' + rest + b"}"


_ROOM_FOR_REST: Final = MAX_PAYLOAD_BYTES - len(_object(b""))


def _listed(item: bytes, around: bytes = b'"x":[%b]') -> bytes:
    size = _ROOM_FOR_REST - len(around)
    return _object(around % (item * (size // len(item))).rstrip(b","))


def _keys() -> bytes:
    items = b",".join(b'"%x":0' % number for number in range(1000))
    return _object(items[:_ROOM_FOR_REST].rpartition(b",")[0])


_DEPTH: Final = (_ROOM_FOR_REST - 4) // 2

JSON: Final[Mapping[str, bytes]] = {
    "nested deep": _object(b'"x":' + b"[" * _DEPTH + b"]" * _DEPTH),
    "many keys": _keys(),
    "a long number": _object(b'"x":' + b"9" * (_ROOM_FOR_REST - 4)),
    "many numbers": _listed(b"1e9,"),
    "escapes": _listed(b"\\u00e9", b'"x":"%b"'),
    "many empty objects": _listed(b"{},"),
    "no JSON at its end": _listed(b"[],")[:-2],
}
