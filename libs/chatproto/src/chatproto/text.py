"""Names and message text: what is legal, and what may be shown."""

import re
import unicodedata
from typing import Final

from chatproto.constants import MAX_NAME_BYTES, MAX_PASSWORD_BYTES
from chatproto.errors import BadNameError, BadPasswordError, Flaw, NameKind

NEWLINE_SIGN: Final = "\N{RETURN SYMBOL}"  # U+23CE, UDP-11
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
MAX_MARKS: Final = 4
"""Non-spacing marks on one character; no script needs more (Unicode UTS 39, 5.4)."""

_NEWLINE = "\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]"
# England, Scotland and Wales: the flags that Unicode recommends of those that are spelt in tags.
_FLAG = (
    "\U0001f3f4\U000e0067\U000e0062(?:"  # black flag, g, b
    "\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073"
    ")\U000e007f"
)
_CONTROL = (
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # C0 less tab, DEL and C1 drive terminals
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # reorder or reshape what stands around them
    "\ufff0-\ufffb\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"  # annotations and tags: text that nobody sees
)
_UNSAFE = re.compile(f"({_NEWLINE})|({_FLAG})|{_CONTROL}")
_MARKS = frozenset(("Mn", "Me"))
_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_KINDS = {"Cc": "a control character", "Cn": "unassigned", "Co": "for private use"}
_RUN = re.compile(r"[^\w\x00-\x7f][^\w\x00-\x7f]+")
"""Where marks may be piled up: none is a letter or a digit to Python, and ordinary text has few such runs."""


def sanitize(text: str) -> str:
    """Make text harmless to show in one line (UDP-11).

    Newlines become U+23CE. U+FFFD stands for what drives terminals (tabs may stay), turns the writing direction, or
    isn't seen at all (tags outside of flags, annotations), and for marks piled up on one character, beyond 4.
    """
    # Printable text is the common case, and to ask for it several times faster than the pattern.
    safe = text if text.isprintable() else _UNSAFE.sub(_replace, text)
    return safe if safe.isascii() else _RUN.sub(_level, safe)


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
    return _check(raw, NameKind.ROOM)


def check_user_name(raw: bytes) -> str:
    """Decode a user name.

    A colon is refused because ``name: message`` could then not be told apart, and a member called
    ``server: x`` could speak for the relay (UDP-05, UDP-09).

    Raises:
        BadNameError: it is empty, over 255 bytes, not UTF-8, not printable, has marks piled up, starts
            or ends with a space, or has a colon (ROOM-03, status 5).

    """
    name = _check(raw, NameKind.USER)
    if ":" in name:
        raise BadNameError("The user name has a colon: choose one without.", Flaw.COLON, NameKind.USER)
    if name != name.strip():
        sentence = "The user name starts or ends with a space: choose one that doesn't."
        raise BadNameError(sentence, Flaw.SPACES, NameKind.USER)
    return name


def check_password(password: str) -> str:
    """Return a password as it is compared, NFC-normalised: keyboards spell one letter in several ways (PWD-01).

    Raises:
        BadPasswordError: it is over 1024 bytes, before or after, or has lone surrogates, so no UTF-8 (status 8).

    """
    normal = unicodedata.normalize("NFC", password)
    try:
        size_bytes = max(len(password.encode()), len(normal.encode()))
    except UnicodeEncodeError:
        sentence = "The password isn't text: it has half a character, and so no UTF-8."
        raise BadPasswordError(sentence, Flaw.NOT_UTF8) from None
    if size_bytes > MAX_PASSWORD_BYTES:
        sentence = f"The password has {size_bytes} bytes: use at most {MAX_PASSWORD_BYTES}."
        raise BadPasswordError(sentence, Flaw.TOO_LONG, size_bytes=size_bytes)
    return normal


def _check(raw: bytes, kind: NameKind) -> str:
    if not raw:
        raise BadNameError(f"The {kind} name is empty: give it at least one character.", Flaw.EMPTY, kind)
    if len(raw) > MAX_NAME_BYTES:
        sentence = f"The {kind} name has {len(raw)} bytes: use at most {MAX_NAME_BYTES}."
        raise BadNameError(sentence, Flaw.TOO_LONG, kind, size_bytes=len(raw))
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise BadNameError(f"The {kind} name isn't UTF-8: encode it so.", Flaw.NOT_UTF8, kind) from None
    # Ideographic and no-break spaces are fine in a name although Python doesn't call them printable.
    shown = name.replace("\u3000", " ").replace("\xa0", " ")
    if not shown.isprintable():
        culprit = name_character(next(character for character in shown if not character.isprintable()))
        sentence = f"The {kind} name has a character that can't be shown ({culprit}): leave it out."
        raise BadNameError(sentence, Flaw.UNPRINTABLE, kind, character=culprit)
    if sanitize(name) != name:
        sentence = f"The {kind} name has marks piled up on one character: use at most {MAX_MARKS} there."
        raise BadNameError(sentence, Flaw.MARKS, kind)
    return name


def _replace(found: re.Match[str]) -> str:
    newline, flag = found.groups()
    return NEWLINE_SIGN if newline else flag or REPLACEMENT


def _level(run: re.Match[str]) -> str:
    """Put one sign in the place of all marks that are too many, and of variation selectors after another one."""
    if _MARKS.isdisjoint(map(unicodedata.category, run[0])):
        return run[0]
    kept: list[str] = []
    marks, before, left_out = 0, "", False
    for character in run[0]:
        category = unicodedata.category(character)
        if category in _MARKS:
            marks += 1
        elif category != "Cf":  # a joiner is no new character to put marks on
            marks = 0
        was_left_out = left_out
        left_out = marks > MAX_MARKS or (character in _SELECTORS and before in _SELECTORS)
        if not left_out:
            kept.append(character)
        elif not was_left_out:
            kept.append(REPLACEMENT)
        before = character
    return "".join(kept)
