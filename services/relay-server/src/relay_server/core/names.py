"""When two names are the same to a person, and which names nobody may have (ROOM-03)."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from chatproto import BadNameError
from chatproto.constants import MAX_NAME_BYTES
from chatproto.notices import SERVER_NAME
from relay_server.core.skeleton import skeleton

_RESERVED_WORDS = (
    "server", "system", "host", "admin", "administrator", "moderator", "operator",
    "サーバー", "サーバ", "システム", "ホスト", "管理者", "管理人", "運営", "モデレーター", "オペレーター",
    "さーばー", "さーば",
)  # fmt: skip
_LEET = str.maketrans("034578@$l", "oeastbasi")  # the last: skeletons have an l for a 1, and so for an i
_ACCENTS = re.compile("(?<=[ -~])[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
"""On letters that are ASCII by then; on kana they make other letters."""
_WORD = re.compile(r"[^\W_](?:.*[^\W_])?")


def name_keys(name: str) -> tuple[str, ...]:
    """Reduce a name to what a person sees: names that share a key look alike.

    The first key compares as RFC 8266 does for nicknames (NFKC, case folding, one space for many), and by the
    skeleton of Unicode UTS 39 on top. The order matters: ``I`` looks like ``l`` as it stands, and like ``i`` to who
    ignores case, and a long s looks like ``f`` but means ``s``. So there are up to three keys.
    """
    normal = unicodedata.normalize("NFKC", name)
    skeletons = map(skeleton, dict.fromkeys((normal.casefold(), normal, name)))
    return tuple(dict.fromkeys(" ".join(shape.casefold().split()) for shape in skeletons))


def check_not_reserved(keys: tuple[str, ...]) -> None:
    """Raise BadNameError if a name with these keys could be taken for the relay itself (ROOM-03)."""
    if not _RESERVED.isdisjoint(_plain_words(keys)):
        raise BadNameError("The user name is reserved: choose another.")


def passes_for_server(name: str) -> bool:
    """Tell whether text before a colon could be taken for the relay's own name (UDP-09, LOB-05)."""
    visible = "".join(filter(str.isprintable, name))
    return len(name) <= MAX_NAME_BYTES and not _SERVER.isdisjoint(_plain_words(name_keys(visible)))


def _plain_words(keys: Iterable[str]) -> Iterator[str]:
    """Take off accents, what stands around a word, and digits for letters: ``[s3rver]`` is ``server``."""
    for key in keys:
        bare = _ACCENTS.sub("", key)
        for text in (bare, bare.translate(_LEET)):  # @server, @dmin: what stands for a letter may stand around, too
            if word := _WORD.search(text):
                yield word[0].translate(_LEET)


_SERVER: Final = frozenset(_plain_words(name_keys(SERVER_NAME)))
_RESERVED: Final = frozenset(_plain_words(key for word in _RESERVED_WORDS for key in name_keys(word)))
