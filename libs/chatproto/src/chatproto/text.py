"""Names and message text: what is legal, and what may be shown."""

import re
import unicodedata
from typing import Final

from chatproto.constants import MAX_NAME_BYTES, MAX_PASSWORD_BYTES
from chatproto.errors import BadNameError, BadPasswordError

NEWLINE_SIGN: Final = "\N{RETURN SYMBOL}"  # U+23CE, UDP-11
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_NEWLINE = "\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]"
# C0 less tab, DEL and C1 drive terminals; the bidirectional controls reorder what stands around them.
_CONTROL = "[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
_UNSAFE = re.compile(f"({_NEWLINE})|{_CONTROL}")


def sanitize(text: str) -> str:
    """Make text harmless to show in one line: newlines become U+23CE, controls U+FFFD, tabs stay (UDP-11)."""
    if text.isprintable():  # the common case, several times faster than the pattern
        return text
    return _UNSAFE.sub(lambda found: NEWLINE_SIGN if found[1] else REPLACEMENT, text)


def check_room_name(raw: bytes) -> str:
    """Decode a room name.

    Raises:
        BadNameError: it is empty, over 255 bytes, not UTF-8 or not printable (TCP-02, status 5).

    """
    return _check(raw, "room")


def check_user_name(raw: bytes) -> str:
    """Decode a user name.

    A colon is refused because ``name: message`` could then not be told apart, and a member called
    ``server: x`` could speak for the relay (UDP-05, UDP-09).

    Raises:
        BadNameError: it is empty, over 255 bytes, not UTF-8, not printable, starts or ends with a
            space, or has a colon (ROOM-03, status 5).

    """
    name = _check(raw, "user")
    if ":" in name:
        raise BadNameError("The user name has a colon: choose one without.")
    if name != name.strip():
        raise BadNameError("The user name starts or ends with a space: choose one that doesn't.")
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
        raise BadPasswordError("The password isn't text: it has half a character, and so no UTF-8.") from None
    if size_bytes > MAX_PASSWORD_BYTES:
        raise BadPasswordError(f"The password has {size_bytes} bytes: use at most {MAX_PASSWORD_BYTES}.")
    return normal


def _check(raw: bytes, kind: str) -> str:
    if not raw:
        raise BadNameError(f"The {kind} name is empty: give it at least one character.")
    if len(raw) > MAX_NAME_BYTES:
        raise BadNameError(f"The {kind} name has {len(raw)} bytes: use at most {MAX_NAME_BYTES}.")
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise BadNameError(f"The {kind} name isn't UTF-8: encode it so.") from None
    # Ideographic and no-break spaces are fine in a name although Python doesn't call them printable.
    if not name.replace("\u3000", " ").replace("\xa0", " ").isprintable():
        raise BadNameError(f"The {kind} name has characters that can't be shown: use printable ones.")
    return name
