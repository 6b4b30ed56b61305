"""Names and message text: what is legal, and what may be shown."""

import re
import unicodedata
from typing import Final, NamedTuple

from chatproto.constants import MAX_NAME_BYTES, MAX_PASSWORD_BYTES
from chatproto.errors import BadNameError, BadPasswordError
from chatproto.marks import MAX_MARKS, level
from chatproto.refusals import RefusalCode

NEWLINE_SIGN: Final = "\N{RETURN SYMBOL}"  # U+23CE, UDP-11
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_NEWLINES = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
_CONTROLS = (
    (0x00, 0x08), (0x0E, 0x1B), (0x1F, 0x1F), (0x7F, 0x84), (0x86, 0x9F),  # C0 less tab, DEL and C1 drive terminals
    (0x202D, 0x202E), (0x206A, 0x206F),  # turn or reshape the letters that follow
    (0xFFF0, 0xFFFB),  # annotations: text that nobody sees
)  # fmt: skip
_DIRECTION_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
"""Come along with pasted Hebrew and Arabic. Nothing is seen of them, so they are left out: open ones would reorder what
stands behind the text."""
_REPLACED = (
    *((mark, "") for mark in _DIRECTION_MARKS),
    ("\r\n", NEWLINE_SIGN),
    *((newline, NEWLINE_SIGN) for newline in _NEWLINES),
    *((chr(code), REPLACEMENT) for first, last in _CONTROLS for code in range(first, last + 1)),
)
"""`str.replace` takes all of one kind at once, so a text full of them costs as many steps as one that has none."""
_TAG = re.compile("[\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]")
"""Text that nobody sees, either."""
_FLAGS = (
    ("\1", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"),
    ("\2", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"),
    ("\3", "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"),
)
"""England, Scotland and Wales: the flags that Unicode recommends of those that are spelt in tags. Each has a sign that
stands for it while tags are replaced: no text has control characters by then."""
_JOINER = re.compile("(?<=[^\0-\x7f])[\u200c\u200d](?=.)")
"""Where some scripts need a joiner, at most; whether this one does there a relay tells (ROOM-03)."""


class _Flaws(NamedTuple):
    """What can be wrong with names of one kind."""

    empty: RefusalCode
    too_long: RefusalCode
    not_utf8: RefusalCode
    unprintable: RefusalCode
    marks: RefusalCode


_OF_USERS: Final = _Flaws(
    RefusalCode.USER_NAME_EMPTY, RefusalCode.USER_NAME_TOO_LONG, RefusalCode.USER_NAME_NOT_UTF8,
    RefusalCode.USER_NAME_UNPRINTABLE, RefusalCode.USER_NAME_MARKS,
)  # fmt: skip
_OF_ROOMS: Final = _Flaws(
    RefusalCode.ROOM_NAME_EMPTY, RefusalCode.ROOM_NAME_TOO_LONG, RefusalCode.ROOM_NAME_NOT_UTF8,
    RefusalCode.ROOM_NAME_UNPRINTABLE, RefusalCode.ROOM_NAME_MARKS,
)  # fmt: skip
_KINDS = {"Cc": "a control character", "Cn": "unassigned", "Co": "for private use"}


def sanitize(text: str) -> str:
    """Make text harmless to show in one line (UDP-11).

    Newlines become U+23CE. U+FFFD stands for what drives terminals (tabs may stay), turns letters around, or isn't seen
    at all (tags outside of flags, annotations), and for marks piled up on one character, beyond 4. Marks of the writing
    direction are left out.

    Hostile text costs little more than other text of its length: nothing is done for each character in Python.
    """
    if text.isprintable():
        return text if text.isascii() else level(text)
    safe = text
    for unsafe, sign in _REPLACED:
        if unsafe in safe:
            safe = safe.replace(unsafe, sign)
    if text.isascii():
        return safe
    return _level_with_tags(safe) if _TAG.search(safe) else level(safe)


def name_character(character: str) -> str:
    """Say which character this is, such as ``U+200B ZERO WIDTH SPACE``; harmless to show."""
    kind = _KINDS.get(unicodedata.category(character), "without a name")
    return f"U+{ord(character):04X} {unicodedata.name(character, kind)}"


def check_room_name(raw: bytes) -> str:
    """Decode a room name.

    Raises:
        BadNameError: it is empty, over 255 bytes, not UTF-8, not printable or has marks piled up
            (TCP-02, status 5).

    """
    return _check(raw, _OF_ROOMS)


def check_user_name(raw: bytes) -> str:
    """Decode a user name.

    A colon is refused because ``name: message`` could then not be told apart, and a member called
    ``server: x`` could speak for the relay (UDP-05, UDP-09).

    Raises:
        BadNameError: it is empty, over 255 bytes, not UTF-8, not printable, has marks piled up, starts
            or ends with a space, or has a colon (ROOM-03, status 5).

    """
    name = _check(raw, _OF_USERS)
    if ":" in name:
        raise BadNameError(RefusalCode.USER_NAME_COLON)
    if name != name.strip():
        raise BadNameError(RefusalCode.USER_NAME_SPACES)
    return name


def check_password(password: str) -> str:
    """Return a password as it is compared, NFC-normalised: keyboards spell one letter in several ways (PWD-01).

    Raises:
        BadPasswordError: it is over 1024 bytes, before or after, or has lone surrogates, so no UTF-8 (status 8).

    """
    try:
        size_bytes = len(password.encode())
    except UnicodeEncodeError:
        raise BadPasswordError(RefusalCode.PASSWORD_NOT_UTF8) from None
    normal = password
    if size_bytes <= MAX_PASSWORD_BYTES:  # twice as many marks take four times as long, so there is an end to it
        normal = unicodedata.normalize("NFC", password)
        size_bytes = max(size_bytes, len(normal.encode()))
    if size_bytes > MAX_PASSWORD_BYTES:
        raise BadPasswordError(RefusalCode.PASSWORD_TOO_LONG, size=size_bytes, limit=MAX_PASSWORD_BYTES)
    return normal


def _check(raw: bytes, flaws: _Flaws) -> str:
    if not raw:
        raise BadNameError(flaws.empty)
    if len(raw) > MAX_NAME_BYTES:
        raise BadNameError(flaws.too_long, size=len(raw), limit=MAX_NAME_BYTES)
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise BadNameError(flaws.not_utf8) from None
    # Ideographic and no-break spaces are fine in a name although Python doesn't call them printable.
    shown = _JOINER.sub("", name.replace("\u3000", " ").replace("\xa0", " "))
    if not shown.isprintable():
        culprit = next(character for character in shown if not character.isprintable())
        raise BadNameError(flaws.unprintable, character=name_character(culprit))
    if sanitize(name) != name:
        raise BadNameError(flaws.marks, limit=MAX_MARKS)
    return name


def _level_with_tags(text: str) -> str:
    for sign, flag in _FLAGS:
        text = text.replace(flag, sign)
    text = level(_TAG.sub(REPLACEMENT, text))
    for sign, flag in _FLAGS:
        text = text.replace(sign, flag)
    return text
