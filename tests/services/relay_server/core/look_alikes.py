"""Writes the relay's table of look-alikes from the library confusable-homoglyphs; ``make look-alikes`` runs it.

The library's data is a megabyte of JSON. To read it, and to find what is here, would take an eighth of a relay's start.
"""

import base64
import textwrap
import zlib
from pathlib import Path
from typing import Final

from confusable_homoglyphs.confusables import confusables_data

import relay_server.core

MODULE: Final = Path(relay_server.core.__file__).with_name("look_alikes.py")
_LEFT_TO_RIGHT_MARK: Final = "\u200e"
_LINE: Final = 110
_TEXT: Final = '''"""The prototypes of all look-alikes in Unicode's table (UTS 39).

Generated: `make look-alikes` writes this module from the data of the library confusable-homoglyphs.
"""

from binascii import a2b_base64
from typing import Final
from zlib import decompress


def unpack_prototypes() -> dict[int, str]:
    """Return the prototype by code point, of each character that has another one than itself."""
    rows = (row.split("\\t") for row in decompress(a2b_base64(_PACKED)).decode().split("\\n"))
    return {ord(character): prototype for prototype, characters in rows for character in characters}


_PACKED: Final = (
{packed}
)
"""Rows of a prototype, a tab, and the characters that have it."""
'''


def prototypes() -> dict[int, str]:
    """Return what all look-alikes of a character have in common, of each that has something else than itself."""
    alikes = _look_alikes()
    table = {ord(text): _prototype(text, alikes) for text in alikes if len(text) == 1}
    table = {character: prototype.translate(table) for character, prototype in table.items()}  # some have parts again
    return {character: prototype for character, prototype in table.items() if chr(character) != prototype}


def main() -> None:
    """Write the module."""
    rows: dict[str, str] = {}
    for character, prototype in sorted(prototypes().items()):
        rows[prototype] = rows.get(prototype, "") + chr(character)
    text = "\n".join(f"{prototype}\t{characters}" for prototype, characters in rows.items())
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    lines = (f'    "{line}"' for line in textwrap.wrap(packed, _LINE))
    MODULE.write_text(_TEXT.replace("{packed}", "\n".join(lines)), encoding="utf-8")


def _look_alikes() -> dict[str, set[str]]:
    """Return the table's pairs, each from both sides."""
    alikes: dict[str, set[str]] = {}
    for text, entries in confusables_data.items():
        # Letters of right-to-left scripts stand between two marks there: a samekh looks like an o.
        others = {entry["c"].replace(_LEFT_TO_RIGHT_MARK, "") for entry in entries}
        alikes.setdefault(text.replace(_LEFT_TO_RIGHT_MARK, ""), set()).update(others)
    return alikes


def _prototype(text: str, alikes: dict[str, set[str]]) -> str:
    """Return what all look-alikes of a text have in common; each look-alike stands in the table with that alone."""
    if len(alikes[text]) > 1:
        return text
    (other,) = alikes[text]
    return other if len(alikes[other]) > 1 else max(text, other, key=lambda side: (len(side), side.isascii(), side))


if __name__ == "__main__":
    main()
