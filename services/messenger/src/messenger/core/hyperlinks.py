"""Which parts of a message are links: web addresses that are written out, nothing else."""

import re
from enum import Flag, auto
from typing import Final, NamedTuple

from linkify_it import LinkifyIt

_FINDER: Final = LinkifyIt()
_START: Final = re.compile(r"(?<![0-9A-Za-z])(https?:)(?=//)", re.IGNORECASE)
"""The finder itself wants a space or punctuation before it, which Chinese and Japanese have none of there."""
_END: Final = re.compile(
    r"[`|\u2018-\u201f\u3000-\u3004\u3008-\u303f\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]"
)
"""What ends an address, though the finder takes it for a part: quotes, and punctuation of Chinese and Japanese."""
_LAST: Final = "…~*"
"""What an address doesn't end with: it stands around one."""


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
    for start in _START.finditer(text):
        if start.start() >= end and (address := _address(text, start)):
            if start.start() > end:
                parts.append(Part(text[end : start.start()]))
            parts.append(Part(address, address))
            end = start.start() + len(address)
    if end < len(text):
        parts.append(Part(text[end:]))
    return parts


def _address(text: str, start: re.Match[str]) -> str:
    """Return the address that begins there; empty if none does."""
    last = _END.search(text, start.end())
    known = text[: last.start()] if last else text
    size = _FINDER.test_schema_at(known, start[1].lower(), start.end())
    return known[start.start() : start.end() + size].rstrip(_LAST) if size else ""
