"""When two names are the same to a person, and which names nobody may have (ROOM-03)."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from chatproto import BadNameError, RefusalCode
from chatproto.constants import MAX_NAME_BYTES
from chatproto.notices import SERVER_NAME
from relay_server.core.skeleton import skeleton

MAX_NORMAL_CHARACTERS: Final = 512
"""After NFKC: twice what the longest name has without. A ligature such as U+FDFA becomes 18 characters there, so a name
full of them would take twenty times as long to compare as any other (ROOM-03)."""

_RESERVED_WORDS = (
    "server", "system", "host", "admin", "administrator", "moderator", "operator",
    "サーバー", "サーバ", "システム", "ホスト", "管理者", "管理人", "運営", "モデレーター", "オペレーター",
    "さーばー", "さーば",
)  # fmt: skip
_MARKS = ("host", "muted", "away")
"""What lists put after names, in brackets (MOD-02)."""
_LEET = str.maketrans("034578@$l", "oeastbasi")  # the last: skeletons have an l for a 1, and so for an i
_ACCENT = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_ACCENTS = re.compile(f"{_ACCENT}(?<=[ -~]{_ACCENT}){_ACCENT}*")
"""On letters that are ASCII by then; on kana they make other letters."""
_SEEN = re.compile("[a-z][\u0300-\u036f]*[\u0300-\u0303\u0308\u030a-\u030c\u0338]")
"""A letter with an accent that nobody overlooks, as in ``Ádmin`` or ``Høst``: a word of another language. What stands
below, a dot and a line may be overlooked."""
_WORD = re.compile(r"[^\W_](?:.*[^\W_])?")
_BRACKETED_END = re.compile(r"\(([^()]*)\)+\Z")
_WORD_WITH_SIGNS = re.compile(r"(?:[^\W_]|[@$])(?:.*(?:[^\W_]|[@$]))?")
"""Here what stands for a letter may begin and end a word, too: ``@dmin``."""


@lru_cache(maxsize=128)  # up to 0.5 MiB; a host's commands are about one name again and again: /ban alone asks twice
def name_keys(name: str) -> tuple[str, ...]:
    """Reduce a name to what a person sees: names that share a key look alike.

    The first key compares as RFC 8266 does for nicknames (NFKC, case folding, one space for many), and by the
    skeleton of Unicode UTS 39 on top. The order matters: ``I`` looks like ``l`` as it stands, and like ``i`` to who
    ignores case, and a long s looks like ``f`` but means ``s``. So there are up to three keys.

    A name that nobody may have (see `count_normal_characters`) looks like itself alone.
    """
    normal = _normalize(name)
    return _keys(name, normal) if len(normal) <= MAX_NORMAL_CHARACTERS else (name,)


def count_normal_characters(name: str) -> int:
    """Return how many characters a name has once its ligatures and the like are taken apart (NFKC)."""
    return len(_normalize(name))


def check_not_reserved(keys: tuple[str, ...]) -> None:
    """Raise BadNameError if a name with these keys could be taken for the relay itself, or who runs it (ROOM-03).

    The relay's own name is one with any accents: clients go by it.
    """
    seen_so = (key for key in keys if not _SEEN.search(key))
    if not _SERVER.isdisjoint(_plain_words(keys)) or not _RESERVED.isdisjoint(_plain_words(seen_so)):
        raise BadNameError(RefusalCode.USER_NAME_RESERVED)


def check_not_marked(keys: tuple[str, ...]) -> None:
    """Raise BadNameError if a name with these keys ends as if a list had marked its owner: ``eve (host)`` (ROOM-03)."""
    ends = (_BRACKETED_END.search(_ACCENTS.sub("", key)) for key in keys)
    if any(end and end[1].strip().translate(_LEET) in _MARKED for end in ends):
        raise BadNameError(RefusalCode.USER_NAME_LIKE_MARK)


def passes_for_server(name: str) -> bool:
    """Tell whether text before a colon could be taken for the relay's own name (UDP-09, LOB-05)."""
    return len(name) <= MAX_NAME_BYTES and _looks_like_server(name)


@lru_cache(maxsize=1024)  # up to 1 MiB; who says something again is not judged again
def _looks_like_server(name: str) -> bool:
    visible = "".join(filter(str.isprintable, name))
    normal = _normalize(visible)
    overgrown = len(normal) > MAX_NORMAL_CHARACTERS
    return overgrown or not _SERVER.isdisjoint(_plain_words(_keys(visible, normal)))


def _keys(name: str, normal: str) -> tuple[str, ...]:
    skeletons = map(skeleton, dict.fromkeys((normal.casefold(), normal, name)))
    return tuple(dict.fromkeys(" ".join(shape.casefold().split()) for shape in skeletons))


def _normalize(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def _plain_words(keys: Iterable[str]) -> Iterator[str]:
    """Take off accents, what stands around a word, and digits for letters: ``[s3rver]`` is ``server``."""
    for key in keys:
        bare = _ACCENTS.sub("", key)
        for pattern in (_WORD, _WORD_WITH_SIGNS):
            word = pattern.search(bare)
            if word and len(word[0]) <= _LONGEST:
                yield word[0].translate(_LEET)


_LONGEST = 2 * max(map(len, _RESERVED_WORDS))
"""No reserved word becomes longer: the longest is of Latin letters, which stay as many but for an ``m`` (``rn``)."""
_SERVER: Final = frozenset(_plain_words(name_keys(SERVER_NAME)))
_MARKED: Final = frozenset(_plain_words(key for mark in _MARKS for key in name_keys(mark)))
_RESERVED: Final = frozenset(_plain_words(key for word in _RESERVED_WORDS for key in name_keys(word)))
