"""Messages that have a number, and the relay's answers to them (RCP-01 to RCP-04)."""

from typing import Final

from chatproto.notices import SERVER_PREFIX

MAX_NUMBER: Final = 2**32 - 1
"""The greatest number that a message may have; the least is 1."""
NUMBER_BYTES: Final = 16
"""So many bytes a number takes at most: ``/say 4294967295 ``. A client's messages leave room for it (RCP-02)."""
WINDOW: Final = 64
"""So many said numbers a seat remembers (RCP-02)."""
MAX_UNANSWERED: Final = 32
"""So many numbers a client may have on the way at once: half the window (RCP-02)."""

NUMBERED: Final = b"/say "
"""What a message that has a number begins with."""

_MAX_DIGITS: Final = len(str(MAX_NUMBER))
_ZERO: Final = ord("0")
_SAID: Final = SERVER_PREFIX.encode() + b'{"notice":"said","n":%d}'
_NOT_SAID: Final = SERVER_PREFIX.encode() + b'{"notice":"not_said","n":%d,"reason":"%b"}'


def encode_numbered(number: int, text: bytes) -> bytes:
    """Write a message with a number; without a text it asks whether the relay hears (RCP-01, RCP-03)."""
    return b"%b%d %b" % (NUMBERED, number, text)


def parse_numbered(message: bytes) -> tuple[int, bytes] | None:
    """Split a message into its number and its text; None if it has no number that is legal (RCP-01)."""
    if not message.startswith(NUMBERED):
        return None
    digits, _, text = message[len(NUMBERED) :].partition(b" ")
    if not digits.isdigit() or digits[0] == _ZERO or len(digits) > _MAX_DIGITS:
        return None
    number = int(digits)
    return (number, text) if number <= MAX_NUMBER else None


def encode_receipt(number: int, reason: str = "") -> bytes:
    """Write the answer to a message with a number: that it was said, or for which ``reason`` it wasn't.

    It has no white space, so that it is at most 32 bytes longer than the shortest datagram that brings it (RCP-04).
    """
    return _NOT_SAID % (number, reason.encode()) if reason else _SAID % number
