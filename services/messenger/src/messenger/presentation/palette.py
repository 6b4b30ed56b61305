"""A colour for each person, the same on every screen and every day."""

from typing import Final
from zlib import crc32

COLOURS: Final = (
    "#d0342c",
    "#b35900",
    "#8a6d00",
    "#5f7f00",
    "#1f8a3b",
    "#008575",
    "#007fa8",
    "#2f74d0",
    "#6a64d8",
    "#9454d4",
    "#b844a8",
    "#c83c78",
)
"""Readable on black and on white alike: each has a contrast of more than 4 to both."""


def colour_of(name: str) -> str:
    """Choose a person's colour by name alone."""
    return COLOURS[crc32(name.encode(errors="replace")) % len(COLOURS)]
