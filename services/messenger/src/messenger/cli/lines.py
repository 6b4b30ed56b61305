"""What comes in by pipes, as text, and what is wrong with pipes."""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

from chatproto import MalformedError
from chatproto.stream import LineDecoder
from messenger.presentation.i18n import _

_UTF16_WITHOUT_SIGN: Final = re.compile(rb"(?:[^\0]\0)+|(?:\0[^\0])+\0?")
"""Letters of ASCII, the low byte first or last; in the latter case half of the line end is left."""
MAX_INPUT_LINE_BYTES: Final = 16 * 1024 * 1024
"""No message has nearly so many: it is a device that never ends, or a file that is no text."""


class UnreadableInputError(Exception):
    """The input is no text in UTF-8; ``str()`` is the sentence that says so."""


class UnwritableOutputError(Exception):
    """The output takes no more; ``str()`` is the sentence that says so."""


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Find the lines in what is read, piece by piece, without their ends; the last one needs none.

    Raises:
        UnreadableInputError: a line has more than `MAX_INPUT_LINE_BYTES`.

    """
    decoder = LineDecoder(MAX_INPUT_LINE_BYTES)
    try:
        for piece in pieces:
            yield from decoder.feed(piece)
    except MalformedError:
        sentence = _("The standard input is no text: a line has more than {size} MiB.")
        raise UnreadableInputError(sentence.format(size=MAX_INPUT_LINE_BYTES // 1024**2)) from None
    if decoder.rest:
        yield decoder.rest


def text_of(line: bytes, *, first: bool) -> str:
    """Decode a line; the sign that some programs put before UTF-8 is no part of the first one.

    Raises:
        UnreadableInputError: the first line is in UTF-16.

    """
    if first:
        if _is_utf16(line):
            raise UnreadableInputError(_("The standard input is in UTF-16: write it in UTF-8."))
        line = line.removeprefix(codecs.BOM_UTF8)
    return line.decode(errors="replace").rstrip("\r\n")


def _is_utf16(line: bytes) -> bool:
    """Guess whether a line is in UTF-16, from the sign before it, or from the NUL in each pair of bytes."""
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    try:
        line.decode()
    except UnicodeDecodeError:
        return b"\0" in line  # letters that have no NUL, beside some that have
    return _UTF16_WITHOUT_SIGN.fullmatch(line) is not None
