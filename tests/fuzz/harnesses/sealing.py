"""Texts that a relay says are sealed, and keys in links: only what a member sealed is opened, and once (SEAL-02)."""

import contextlib
from typing import Final

from chatproto.sealing import BadRoomKeyError, Kind, Opener, RoomKey, Sealer, Unopened
from fuzz.bites import Bites, piece

KEY: Final = RoomKey(bytes(range(16)))
ROOM: Final = "lab"
NAMES: Final = ("ann", "bob", "")


def _seal(sender: str, count: int) -> list[tuple[str, str, Kind, str]]:
    """Return so many texts, every third a topic, each with its sender and its kind."""
    sealer = Sealer(KEY, ROOM, sender, b"12345678")
    kinds = [Kind.TOPIC if number % 3 == 2 else Kind.TEXT for number in range(count)]
    return [(sealer.seal(f"{number}", kind).text, sender, kind, f"{number}") for number, kind in enumerate(kinds)]


TRUE: Final = {(text, sender if kind is Kind.TEXT else "", kind): said for text, sender, kind, said in _seal("ann", 9)}
TEXTS: Final = [text for text, _, _ in TRUE]

SEEDS: Final = (
    b"".join(b"\0\0" + piece(text.encode()) for text in TEXTS),
    b"".join(b"\0\1" + piece(text.encode()) for text in TEXTS),
    b"\1\0" + piece(TEXTS[0].encode()) + b"\0\0" + piece(TEXTS[0].encode()) * 2,
    b"\0\0" + piece(b"hello") + b"\0\0" + piece(b"e2e1."),
)
WORDS: Final = (b"e2e1.", b"e2e2.", b"=", b"-_", b"AAAAAAAA", *(text.encode() for text in TEXTS[:3]), b"\0\0", b"\0\1")


def check(data: bytes) -> None:
    bites = Bites(data)
    opener = Opener(KEY, ROOM)
    seen: set[str] = set()
    while bites:
        sender, kind = bites.pick(NAMES), bites.pick(tuple(Kind))
        text = bites.piece().decode(errors="replace")
        check_key(text)
        opened = opener.open(text, sender, kind)
        said = TRUE.get((text, sender if kind is Kind.TEXT else "", kind))
        if said is None:
            assert opened in {Unopened.NOT_SEALED, Unopened.BROKEN}, "what nobody sealed was opened"
        else:
            assert opened == (Unopened.SEEN if kind is Kind.TEXT and text in seen else said)
            seen.add(text)
        assert (opened is Unopened.NOT_SEALED) == (not text.startswith("e2e1."))


def check_key(text: str) -> None:
    with contextlib.suppress(BadRoomKeyError):
        assert RoomKey.parse(text).text == text
