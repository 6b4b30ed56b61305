"""Which characters names may have, beyond what `chatproto` can tell: all are to be seen (TCP-02, ROOM-03)."""

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from precis_i18n import get_profile

from chatproto import BadNameError, RefusalCode, check_user_name
from chatproto.text import name_character
from relay_server.core.names import MAX_NORMAL_CHARACTERS, check_not_marked, check_not_reserved, count_normal_characters

_FREEFORM: Final = get_profile("FreeformClass")
_BLANK: Final = frozenset("\u2800\ufffc\U00013441\U00013442\U00016fe4\U0001d159")
"""Symbols and letters to Unicode that show nothing: a Braille cell without dots, fillers, a note without a head."""
_HARMLESS_DOTS = str.maketrans(dict.fromkeys("·・", "."))
"""Middle dots: identifiers may have them in some words only, but here they are no part of any syntax."""
_VARIANT: Final = re.compile("([#*0-9])\ufe0f(?=\u20e3)|([^\x00-\x7f])[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""A keycap, or a character with a variation selector."""

_TATWEEL: Final = re.compile("(?<=[\u0620-\u065f\u066e-\u06d3\u06fa-\u077f])\u0640")
"""Lengthens the Arabic letter before it, which is how some people write their names."""


class Flaws(NamedTuple):
    """What can be wrong with the characters of names of one kind."""

    ligatures: RefusalCode
    mark_first: RefusalCode
    character: RefusalCode


OF_USERS: Final = Flaws(
    RefusalCode.USER_NAME_LIGATURES, RefusalCode.USER_NAME_MARK_FIRST, RefusalCode.USER_NAME_CHARACTER
)
OF_ROOMS: Final = Flaws(
    RefusalCode.ROOM_NAME_LIGATURES, RefusalCode.ROOM_NAME_MARK_FIRST, RefusalCode.ROOM_NAME_CHARACTER
)


def check_shown(name: str, flaws: Flaws) -> None:
    """Check that a printable name shows all it has, and the same on every screen.

    It has to be of PRECIS' FreeformClass (RFC 8264), on which nicknames stand (RFC 8266), so nothing in it is
    invisible, unassigned or discouraged by Unicode. Joiners may stand where a script needs them (RFC 5892, A.1 and
    A.2). Emoji, middle dots, lengthened Arabic letters, and ideographs in their variants are fine.

    Args:
        name: what `chatproto` found printable.
        flaws: what may be wrong with a name of its kind.

    Raises:
        BadNameError: it has another character, or more than `names.MAX_NORMAL_CHARACTERS` once they are taken
            apart; the sentence says which (status 5).

    """
    if name.isascii():  # printable, so each character is of the class by itself
        return
    count = count_normal_characters(name)
    if count > (limit := MAX_NORMAL_CHARACTERS):
        raise BadNameError(flaws.ligatures, count=count, limit=limit)
    if unicodedata.category(name[0]) in {"Mn", "Me"}:
        raise BadNameError(flaws.mark_first, character=name_character(name[0]))
    text = unicodedata.normalize("NFC", _TATWEEL.sub("", _VARIANT.sub(_base, name))).translate(_HARMLESS_DOTS)
    if all(map(_is_always_fine, set(text))):
        return
    culprit = next((character for character in text if character in _BLANK), None) or _misplaced(text)
    if culprit is not None:
        raise BadNameError(flaws.character, character=name_character(culprit))


def judge_user_name(name: str, keys: tuple[str, ...]) -> None:
    """Check all that can be told of a user name without its room; ``keys`` are those of `names.name_keys`.

    Raises:
        BadNameError: nobody may be called so; the sentence says why.

    """
    check_shown(check_user_name(name.encode()), OF_USERS)
    check_not_reserved(keys)
    check_not_marked(keys)


@lru_cache(maxsize=4096)
def _is_always_fine(character: str) -> bool:
    return character not in _BLANK and _misplaced(character) is None


def _misplaced(text: str) -> str | None:
    """Return the first character that isn't of the class where it stands."""
    try:
        _FREEFORM.enforce(text)
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


def _base(found: re.Match[str]) -> str:
    """Leave a variation selector out where it may stand: after a symbol or an ideograph."""
    keycap, base = found.groups()
    if keycap:
        return str(keycap)
    varies = unicodedata.category(base) in {"So", "Sm", "Po", "Pd"} or unicodedata.name(base, "").startswith("CJK ")
    return str(base) if varies else found[0]
