"""When two names are the same to a person, and which names nobody may have (ROOM-03)."""

import unicodedata
from functools import cache
from typing import Final

from confusable_homoglyphs.confusables import confusables_data

from chatproto import BadNameError

_RESERVED_WORDS = (
    "server", "system", "host", "admin", "administrator", "moderator", "operator",
    "サーバー", "サーバ", "システム", "ホスト", "管理者",
)  # fmt: skip
_LEFT_TO_RIGHT_MARK: Final = "\u200e"


def name_keys(name: str) -> tuple[str, ...]:
    """Reduce a name to what a person sees: names that share a key look alike.

    NFKC, then case folding and the replacement of each character by the one that its look-alikes have in
    common (the data of Unicode UTS 39, by the library confusable-homoglyphs). There are two keys because
    the order matters: ``I`` looks like ``l`` as it stands, and like ``i`` to who ignores case.
    """
    normal = unicodedata.normalize("NFKC", name)
    folded, written = _skeleton(normal.casefold()).casefold(), _skeleton(normal).casefold()
    return (folded,) if folded == written else (folded, written)


def check_not_reserved(keys: tuple[str, ...]) -> None:
    """Raise BadNameError if a name with these keys could be taken for the relay itself (ROOM-03)."""
    if not RESERVED_KEYS.isdisjoint(keys):
        raise BadNameError("The user name is reserved: choose another.")


def _skeleton(text: str) -> str:
    return "".join(map(_prototype, text))


@cache  # bounded by the number of characters there are
def _prototype(character: str) -> str:
    """Return the look-alike that most others look like, ASCII before all."""
    # The table puts letters of right-to-left scripts between two marks: a samekh looks like an o.
    spellings = (character, f"{_LEFT_TO_RIGHT_MARK}{character}{_LEFT_TO_RIGHT_MARK}")
    alikes: list[str] = [entry["c"] for spelling in spellings for entry in confusables_data.get(spelling, ())]
    return max([character, *alikes], key=lambda c: (c.isascii(), c.isalnum(), len(confusables_data.get(c, ()))))


RESERVED_KEYS: Final = frozenset().union(*map(name_keys, _RESERVED_WORDS))
