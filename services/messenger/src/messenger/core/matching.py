"""Where words and names stand in a text, whichever way they are spelt: case, width and combining marks aside."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]
"""From which character of a text to which (exclusive)."""

_CLUSTER: Final = re.compile(r"(?s).[\u0300-\u036f\u1160-\u11ff\u3099\u309a\uff9e\uff9f]*")
"""A character, and what NFKC may put together with it: accents, Hangul's vowels, the voicing marks of kana."""
_TITLES: Final = ("さん", "ちゃん", "くん", "さま", "様", "君", "氏", "殿", "先生")
"""What stands behind a name in Japanese, in whichever script the name is."""
_CJK: Final = ("CJK", "HIRAGANA", "KATAKANA")


def fold(text: str) -> str:
    """Return a text such that what reads the same is the same, as the relay compares names (RFC 8266, ROOM-03)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def name_key(name: str) -> str:
    """Return what two spellings of one name have in common."""
    return " ".join(fold(name).split())


def find(words: str, text: str) -> Iterator[Span]:
    """Yield where words stand in a text, from left to right."""
    wanted = fold(words)
    if not wanted or wanted not in fold(text):  # looking closer takes a while, and most texts don't have them
        return
    clusters = [found.span() for found in _CLUSTER.finditer(text)]
    folded = [fold(text[start:end]) for start, end in clusters]
    owners = [number for number, piece in enumerate(folded) for _ in piece]
    for found in re.finditer(re.escape(wanted), "".join(folded)):
        yield clusters[owners[found.start()]][0], clusters[owners[found.end() - 1]][1]


def find_mentions(name: str, text: str) -> Iterator[Span]:
    """Yield where somebody is called by name: as a word of its own, not as a part of another one.

    Japanese has no spaces: there a word ends where another script begins, or a title such as さん does.
    """
    for start, end in find(name, text):
        before, after = text[max(0, start - 1) : start], text[end : end + 1]
        begins = _script(before) != _script(text[start]) or not _script(before)
        ends = _script(after) != _script(text[end - 1]) or not _script(after)
        if begins and (ends or text.startswith(_TITLES, end)):
            yield start, end


def _script(character: str) -> str:
    """Tell which script a letter or digit is of, as far as it matters; empty for what parts words."""
    if not (character.isalnum() or character == "_"):
        return ""
    found = unicodedata.name(character, "").partition(" ")[0].partition("-")[0]
    return found if found in _CJK else "other"
