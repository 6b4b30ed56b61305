"""Marks piled up on one character, and how they are cut down without a step of Python for each (UDP-11)."""

import re
import unicodedata
from itertools import pairwise
from operator import add
from typing import Final

MAX_MARKS: Final = 4
"""Non-spacing marks on one character; no script needs more (Unicode UTS 39, 5.4)."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_CUT = "\0"
"""Stands for marks that were left out, until all are."""


def level(text: str) -> str:
    """Put U+FFFD in the place of marks beyond `MAX_MARKS` on one character, and of selectors after a selector.

    A format character such as a joiner is no new character to put marks on. The text must not have U+0000, or tags.
    """
    if not _MAYBE.search(text):
        return text
    pile = _RARE_PILE if _RARE.search(text) else _PILE
    return _cut(_SELECTORS, _cut(pile, text)).replace(_CUT, _REPLACEMENT)


def _cut(pattern: re.Pattern[str], text: str) -> str:
    """Keep of each match what its group found, and put one sign in the place of the rest."""
    *pieces, end = pattern.split(text)
    return _CUT.join((*map(add, pieces[::2], pieces[1::2]), end))


def _ranges(kinds: str, first: int, end: int) -> str:
    """Return the inside of a pattern's set: the characters of some categories from ``first`` on and before ``end``."""
    runs = (run.span() for run in re.finditer(f"(?:{kinds})+", _CATEGORIES[2 * first : 2 * end]))
    return "".join(f"{chr(first + start // 2)}-{chr(first + stop // 2 - 1)}" for start, stop in runs)


def _pile(mark: str, marks: str, formats: str) -> str:
    """Match as many marks as there may be, in a group, and then all that follow on the same character."""
    allowed = f"{mark}[{formats}]*+" * MAX_MARKS
    return f"({allowed}){mark}[{marks}{formats}]*+"


_LATER_SELECTORS = "\U000e0100-\U000e01ef"
_SELECTOR = f"[\ufe00-\ufe0f{_LATER_SELECTORS}]"
_SELECTORS = re.compile(f"({_SELECTOR}){_SELECTOR}+{_CUT}?")

_CATEGORIES = "".join(map(unicodedata.category, map(chr, range(0x20000))))
"""Two letters for each character. All marks and format characters are here, but for tags and the later selectors."""
_MARKS, _FORMATS = "M[ne]", "Cf"
_COMMON_MARKS = _ranges(_MARKS, 0, 0x10000) + _LATER_SELECTORS
_COMMON_FORMATS = _ranges(_FORMATS, 0, 0x10000)
_RARE_MARKS = "\U00010000-\U0001efff"
"""Beyond U+FFFF: of scripts seldom seen in chat, not all of them marks; no emoji."""
_MAYBE = re.compile(f"[{_COMMON_MARKS}{_RARE_MARKS}]")
_RARE = re.compile("[^\\w\0-\uffff\U0001f000-\U0010ffff]")
"""What may be such a mark, and is no letter."""
_PILE = re.compile(_pile(f"[{_COMMON_MARKS}]", _COMMON_MARKS, _COMMON_FORMATS))
_BLOCKS = pairwise((0x10000, 0x11100, 0x11500, 0x16000, 0x1C000, 0x1D200, 0x1F000))
_RARE_MARK = "|".join(f"[{chr(a)}-{chr(b - 1)}](?<=[{_ranges(_MARKS, a, b)}])" for a, b in _BLOCKS)
"""Each block has up to sixty ranges. Beyond U+FFFF a pattern compares with one after another, so there are blocks."""
_RARE_PILE = re.compile(
    f"(?=[{_COMMON_MARKS}{_COMMON_FORMATS}{_RARE_MARKS}]{{{MAX_MARKS + 1}}})"  # most of what is no pile ends here
    + _pile(
        f"(?:[{_COMMON_MARKS}]|{_RARE_MARK})",
        _COMMON_MARKS + _ranges(_MARKS, 0x10000, 0x20000),
        _COMMON_FORMATS + _ranges(_FORMATS, 0x10000, 0x20000),
    )
)
