"""Which parts of a message are links: web addresses that are written out, nothing else."""

from enum import Flag, auto
from typing import Final, NamedTuple

from linkify_it import LinkifyIt

_FINDER: Final = LinkifyIt(
    {"ftp:": None, "mailto:": None, "//": None}, {"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False}
)
_CLOSING: Final = "。、，．！？）」』】》〉…"  # noqa: RUF001 - that they look like ASCII ones is the point
"""What ends a sentence in Chinese and Japanese: the finder takes it for a part of the address."""


class Look(Flag):
    """How a part of a message looks besides."""

    PLAIN = 0
    MENTION = auto()
    """One's own name."""
    CODE = auto()
    """Code within a line of text."""
    BLOCK = auto()
    """Lines of code."""
    SIGN = auto()
    """What only says that code or a quotation begins or ends."""
    QUOTE = auto()
    """What somebody else said before."""


class Part(NamedTuple):
    """A part of a message."""

    text: str
    url: str | None = None
    """Where it leads; always http or https."""
    look: Look = Look.PLAIN


def split_links(text: str) -> list[Part]:
    """Cut a message into parts that are a link or aren't; together they are the message."""
    if "://" not in text:  # looking closer takes a while, and most messages have none
        return [Part(text)] if text else []
    parts: list[Part] = []
    end = 0
    for found in _FINDER.match(text) or ():
        if found.index > end:
            parts.append(Part(text[end : found.index]))
        address = text[found.index : found.last_index].rstrip(_CLOSING)
        parts.append(Part(address, address))
        end = found.index + len(address)
    if end < len(text):
        parts.append(Part(text[end:]))
    return parts
