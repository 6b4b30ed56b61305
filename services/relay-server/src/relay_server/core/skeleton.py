"""What a text looks like: the skeleton of Unicode UTS 39."""

import unicodedata
from typing import Final

from relay_server.core.look_alikes import unpack_prototypes

_TATWEEL: Final = 0x640
"""Lengthens the letter before it, and so shows, but makes no other word."""
_INVISIBLE: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""What Unicode calls default ignorable code points, as ranges."""


def skeleton(text: str) -> str:
    """Replace each character by the one that all its look-alikes have in common, its prototype (UTS 39, 4).

    What isn't seen is left out. Texts with the same skeleton look alike; a skeleton is to be compared, not to be shown.
    """
    if text.isascii():
        return text.translate(_PROTOTYPES)
    # The table has rows for whole letters and for parts of them, so it is looked up before and after decomposing.
    parts = _decompose(unicodedata.normalize("NFC", text).translate(_PROTOTYPES))
    return _decompose(parts.translate(_PROTOTYPES))


def _decompose(text: str) -> str:
    return unicodedata.normalize("NFD", text)


_PROTOTYPES: Final = (
    unpack_prototypes() | {_TATWEEL: ""} | {code: "" for first, last in _INVISIBLE for code in range(first, last + 1)}
)
