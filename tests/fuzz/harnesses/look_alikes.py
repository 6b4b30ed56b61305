"""When two names are the same to a person (ROOM-03)."""

import unicodedata
from typing import Final

from chatproto import BadNameError, check_user_name
from relay_server.core.names import check_not_marked, check_not_reserved, name_keys

SEEDS: Final = (
    b"ann",
    b"Server",
    "\u0430dmin".encode(),
    "\uff33\uff45\uff52\uff56\uff45\uff52".encode(),
    "stra\u00dfe".encode(),
    "\u0130I\u0131l1".encode(),
    "\u30b5\u30fc\u30d0\u30fc".encode(),
    b"eve (host)",
)
WORDS: Final = (b"server", b"host", "\u0131".encode(), "\u0301".encode(), "\u0455".encode(), "\ufb01".encode())


def check(data: bytes) -> None:
    try:
        name = check_user_name(data)
    except BadNameError:
        return
    keys = name_keys(name)
    assert keys
    assert all(isinstance(key, str) for key in keys)
    assert name_keys(name) == keys
    for form in ("NFC", "NFKC"):
        spelled = unicodedata.normalize(form, name)
        assert not set(keys).isdisjoint(name_keys(spelled)), f"{name!r} and {spelled!r} look alike"
    try:
        check_not_reserved(keys)
        check_not_marked(keys)
    except BadNameError:
        return
    assert name.casefold() not in {"server", "system", "host", "admin"}
    assert not name.casefold().endswith((" (host)", " (muted)", " (away)"))
