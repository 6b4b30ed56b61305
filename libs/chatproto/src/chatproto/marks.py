"""Marks piled up on one character, and how they are cut down without a step of Python for each (UDP-11)."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import groupby, pairwise
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
    pile = _rare_pile() if _RARE.search(text) else _PILE
    return _cut(_SELECTORS, _cut(pile, text)).replace(_CUT, _REPLACEMENT)


def _cut(pattern: re.Pattern[str], text: str) -> str:
    """Keep of each match what its group found, and put one sign in the place of the rest."""
    *pieces, end = pattern.split(text)
    return _CUT.join((*map(add, pieces[::2], pieces[1::2]), end))


def _ranges(kinds: set[str], codes: Iterable[int]) -> str:
    """Return the inside of a pattern's set: those of the characters, in their order, that are of some categories."""
    found = enumerate(code for code in codes if unicodedata.category(chr(code)) in kinds)
    runs = ([code for _, code in run] for _, run in groupby(found, lambda numbered: numbered[1] - numbered[0]))
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


def _pile(mark: str, marks: str, formats: str) -> str:
    """Match as many marks as there may be, in a group, and then all that follow on the same character."""
    allowed = f"{mark}[{formats}]*+" * MAX_MARKS
    return f"({allowed}){mark}[{marks}{formats}]*+"


_LATER_SELECTORS = "\U000e0100-\U000e01ef"
_SELECTOR = f"[\ufe00-\ufe0f{_LATER_SELECTORS}]"
_SELECTORS = re.compile(f"({_SELECTOR}){_SELECTOR}+{_CUT}?")

_MARKS, _FORMATS = {"Mn", "Me"}, {"Cf"}
_COMMON = (*range(0x3400), *range(0xA000, 0xAC00), *range(0xFB00, 0x10000))
"""Without ideographs, Korean syllables, surrogates and private characters: no marks are there, but most characters."""
_COMMON_MARKS = _ranges(_MARKS, _COMMON) + _LATER_SELECTORS
_COMMON_FORMATS = _ranges(_FORMATS, _COMMON)
_RARE_MARKS = "\U00010000-\U0001efff"
"""Beyond U+FFFF: of scripts seldom seen in chat, not all of them marks; no emoji."""
_MAYBE = re.compile(f"[{_COMMON_MARKS}{_RARE_MARKS}]")
_RARE = re.compile(f"[{_RARE_MARKS}](?<!\\w)")
"""What may be such a mark, and is no letter."""
_PILE = re.compile(_pile(f"[{_COMMON_MARKS}]", _COMMON_MARKS, _COMMON_FORMATS))
_BLOCKS = (0x10000, 0x11100, 0x11500, 0x16000, 0x1C000, 0x1D200, 0x1F000)
"""Each has up to sixty ranges. Beyond U+FFFF a pattern compares with one after another, so there are blocks."""


@cache  # made when it is needed first: it takes longer than all others, and most relays and clients never see such text
def _rare_pile() -> re.Pattern[str]:
    """Return the pattern for text with marks beyond U+FFFF; tags and the later selectors are no such marks."""
    sets = {(a, b): _ranges(_MARKS, range(a, b)) for a, b in pairwise(_BLOCKS)}
    mark = "|".join(f"[{chr(a)}-{chr(b - 1)}](?<=[{marks}])" for (a, b), marks in sets.items())
    return re.compile(
        f"(?=[{_COMMON_MARKS}{_COMMON_FORMATS}{_RARE_MARKS}]{{{MAX_MARKS + 1}}})"  # most of what is no pile ends here
        + _pile(
            f"(?:[{_COMMON_MARKS}]|{mark})",
            _COMMON_MARKS + "".join(sets.values()),
            _COMMON_FORMATS + _ranges(_FORMATS, range(_BLOCKS[0], _BLOCKS[-1])),
        )
    )
