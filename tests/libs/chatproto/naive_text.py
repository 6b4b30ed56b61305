"""What `chatproto.sanitize` does, character by character: slow, and easy to read."""

import re
import unicodedata

from chatproto.marks import MAX_MARKS
from chatproto.text import NEWLINE_SIGN, REPLACEMENT

FLAGS = tuple("\U0001f3f4" + "".join(chr(0xE0000 + ord(sign)) for sign in f"{region}\x7f") for region in
              ("gbeng", "gbsct", "gbwls"))  # fmt: skip
UNSAFE = re.compile(
    "(\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029])"
    f"|({'|'.join(FLAGS)})"
    "|[\x00-\x08\x0e-\x1f\x7f-\x9f\u202d\u202e\u206a-\u206f"
    "\ufff0-\ufffb\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
MARKS_OF_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202c\u2066-\u2069]")
SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))


def sanitize(text: str) -> str:
    return level(UNSAFE.sub(replace, MARKS_OF_DIRECTION.sub("", text)))


def replace(found: re.Match[str]) -> str:
    newline, flag = found.groups()
    return NEWLINE_SIGN if newline else flag or REPLACEMENT


def level(text: str) -> str:
    """Put one sign in the place of all marks that are too many, and of variation selectors after another one."""
    kept: list[str] = []
    marks, before, left_out = 0, "", False
    for character in text:
        category = unicodedata.category(character)
        if category in {"Mn", "Me"}:
            marks += 1
        elif category != "Cf" or character.isascii():  # a joiner is no new character to put marks on
            marks = 0
        was_left_out = left_out
        left_out = marks > MAX_MARKS or (character in SELECTORS and before in SELECTORS)
        if not left_out:
            kept.append(character)
        elif not was_left_out:
            kept.append(REPLACEMENT)
        before = character
    return "".join(kept)
