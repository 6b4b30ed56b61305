"""What comes in by pipes, as text."""

import codecs

from messenger.presentation.i18n import _


class UnreadableInputError(Exception):
    """The input is no text in UTF-8; ``str()`` is the sentence that says so."""


def text_of(line: bytes, *, first: bool) -> str:
    """Decode a line; the sign that some programs put before UTF-8 is no part of the first one.

    Raises:
        UnreadableInputError: the first line is in UTF-16.

    """
    if first:
        if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in line:
            raise UnreadableInputError(_("The standard input is in UTF-16: write it in UTF-8."))
        line = line.removeprefix(codecs.BOM_UTF8)
    return line.decode(errors="replace").rstrip("\r\n")
