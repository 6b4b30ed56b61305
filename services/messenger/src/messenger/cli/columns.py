"""Lines of so many columns: Japanese takes two for each character, and has no spaces to break lines at."""

import argparse
import re
import unicodedata

_PIECE = re.compile(r"\s+|[!-~]+|[（「]*[^\s!-~（「][。、）」：？ーぁぃぅぇぉっゃゅょァィゥェォッャュョ]*|.")
"""A word of ASCII, a space, or one other character with what must not be parted from it by the end of a line."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Write a command line's help, in any language."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(text, width)


def columns(text: str) -> int:
    """Return how wide a text is on a terminal."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of so many columns; what can't be broken may be wider."""
    lines = [""]
    for piece in _PIECE.findall(" ".join(text.split())):
        if columns(lines[-1] + piece.rstrip()) > width and lines[-1]:
            lines.append("")
        if lines[-1] or not piece.isspace():
            lines[-1] += piece
    return [line.rstrip() for line in lines]
