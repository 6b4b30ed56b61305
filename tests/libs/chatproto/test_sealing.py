"""Sealed texts: the vectors, what is refused, what is seen once, and how much longer a text gets (SEAL-01, SEAL-02)."""

import json
import random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.sealing import (
    MAX_COUNTER,
    MAX_SENDERS,
    WINDOW,
    BadRoomKeyError,
    Kind,
    Opener,
    RoomKey,
    SealedText,
    Sealer,
    SealerExhaustedError,
    Unopened,
    sealed_bytes,
    text_bytes_within,
)
from libs.chatproto.sealing_vectors import PATH, vectors
from libs.chatproto.strategies import ROOM_NAMES, USER_NAMES

VECTORS: Final[dict[str, list[dict[str, Any]]]] = json.loads(PATH.read_text(encoding="utf-8"))
KEY: Final = RoomKey(bytes(range(16)))
MUTATED: Final = 100_000

every = pytest.mark.parametrize
sealed_texts = every("vector", VECTORS["sealed"], ids=lambda vector: vector["about"])


def sealer(sender_id: bytes = b"12345678", *, key: RoomKey = KEY, counter: int = 0) -> Sealer:
    made = Sealer(key, "lab", "ann", sender_id)
    made._counter = counter  # the only way: nobody may set it
    return made


def seals(count: int, sender_id: bytes = b"12345678") -> list[str]:
    ann = sealer(sender_id)
    return [ann.seal(str(number)).text for number in range(1, count + 1)]


@pytest.mark.requirement("SEAL-02")
def test_the_vectors_are_what_the_document_says() -> None:
    assert PATH.read_text(encoding="utf-8") == vectors(), "write them again, see libs/chatproto/sealing_vectors.py"


@pytest.mark.requirement("SEAL-02")
@sealed_texts
def test_a_vector_is_sealed_and_opened(vector: dict[str, Any]) -> None:
    key, kind = RoomKey(bytes.fromhex(vector["secret"])), Kind(vector["kind"])
    made = Sealer(key, vector["room"], vector["sender"], bytes.fromhex(vector["sender_id"]))
    made._counter = int(vector["counter"]) - 1
    assert made.seal(vector["text"], kind) == SealedText(vector["sealed"])
    assert Opener(key, vector["room"]).open(vector["sealed"], vector["sender"], kind) == vector["text"]
    assert len(vector["sealed"]) == sealed_bytes(len(vector["text"].encode()))


@pytest.mark.requirement("SEAL-02")
@every("vector", VECTORS["refused"], ids=lambda vector: vector["about"])
def test_what_was_tampered_with_is_not_opened(vector: dict[str, Any]) -> None:
    opener = Opener(RoomKey(bytes.fromhex(vector["secret"])), vector["room"])
    kind = Kind(vector["kind"])
    looks_sealed = vector["sealed"].startswith("e2e1.")
    assert opener.open(vector["sealed"], vector["sender"], kind) is (
        Unopened.BROKEN if looks_sealed else Unopened.NOT_SEALED
    )
    assert not opener._sessions, "what isn't opened leaves no trace"


@pytest.mark.requirement("SEAL-01")
@every("vector", VECTORS["keys"])
def test_a_key_is_written_for_links_and_for_people(vector: dict[str, str]) -> None:
    key = RoomKey.parse(vector["link"])
    assert key == RoomKey(bytes.fromhex(vector["secret"]))
    assert (key.text, key.fingerprint) == (vector["link"], vector["fingerprint"])


@pytest.mark.requirement("SEAL-01")
@every("text", VECTORS["no_keys"])
def test_what_is_no_key_is_not_shown(text: str) -> None:
    with pytest.raises(BadRoomKeyError, match=r"^This is no room's key") as refused:
        RoomKey.parse(text)
    assert not text or text not in str(refused.value)


@pytest.mark.requirement("SEAL-01")
def test_a_key_is_not_in_what_is_logged() -> None:
    assert f"{KEY} {KEY!r} {[KEY]}".count("RoomKey()") == 3


@given(ROOM_NAMES, USER_NAMES, st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(Kind))
def test_what_was_sealed_is_opened(room: str, sender: str, text: str, kind: Kind) -> None:
    sealed = Sealer(KEY, room, sender, b"12345678").seal(text, kind)
    assert Opener(KEY, room).open(sealed.text, sender, kind) == text
    assert len(sealed.text) == sealed_bytes(len(text.encode()))


@given(st.integers(0, 5000))
def test_a_text_of_the_greatest_length_just_fits(limit: int) -> None:
    longest = text_bytes_within(limit)
    assert sealed_bytes(longest) <= limit or not longest
    assert sealed_bytes(longest + 1) > limit


@pytest.mark.requirement("SEAL-02")
def test_the_first_counter_is_1() -> None:
    first = VECTORS["sealed"][0]
    made = Sealer(KEY, first["room"], first["sender"], bytes.fromhex(first["sender_id"]))
    assert made.seal(first["text"]).text == first["sealed"]


def test_the_same_text_is_sealed_differently_each_time() -> None:
    ann = sealer()
    assert len({ann.seal("hello").text for _ in range(1000)}) == 1000


@pytest.mark.requirement("SEAL-02")
def test_a_counter_never_repeats() -> None:
    last = sealer(counter=MAX_COUNTER - 1)
    last.seal("the last one")
    for _ in range(2):
        with pytest.raises(SealerExhaustedError):
            last.seal("one more")


def test_what_cant_be_sealed_uses_no_counter_twice() -> None:
    ann = sealer()
    with pytest.raises(UnicodeEncodeError):
        ann.seal("\ud800")
    assert ann.seal("hello") == sealer(counter=1).seal("hello")


def test_an_empty_text_and_a_short_sender_id_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        sealer().seal("")
    with pytest.raises(ValueError, match="8 bytes"):
        sealer(b"1234567")


@pytest.mark.requirement("SEAL-04")
def test_a_text_is_opened_once_and_a_topic_again() -> None:
    opener, ann = Opener(KEY, "lab"), sealer()
    text, topic = ann.seal("hello").text, ann.seal("tea", Kind.TOPIC).text
    assert [opener.open(text, "ann") for _ in range(3)] == ["hello", Unopened.SEEN, Unopened.SEEN]
    assert [opener.open(topic, "bob", Kind.TOPIC) for _ in range(2)] == ["tea", "tea"]


@pytest.mark.requirement("SEAL-04")
def test_texts_may_come_late_but_only_once() -> None:
    texts = seals(WINDOW + 1)
    random.Random(1).shuffle(texts)
    opener = Opener(KEY, "lab")
    newest = seals(WINDOW + 1)[-1]
    assert opener.open(newest, "ann") == str(WINDOW + 1)
    opened = [opener.open(text, "ann") for text in texts * 2]
    assert sorted(int(text) for text in opened if isinstance(text, str)) == list(range(2, WINDOW + 1))


@pytest.mark.requirement("SEAL-04")
def test_what_is_older_than_the_window_is_taken_for_seen() -> None:
    texts = seals(3 * WINDOW)
    opener = Opener(KEY, "lab")
    assert opener.open(texts[0], "ann") == "1"
    assert opener.open(texts[-1], "ann") == str(3 * WINDOW)
    assert opener.open(texts[1], "ann") is Unopened.SEEN
    assert opener.open(texts[-WINDOW], "ann") == str(2 * WINDOW + 1)
    assert opener.open(texts[-WINDOW - 1], "ann") is Unopened.SEEN


@pytest.mark.requirement("SEAL-04")
def test_an_opener_remembers_so_many_sessions_and_those_heard_last() -> None:
    opener = Opener(KEY, "lab")
    first, second = sealer(bytes(8)), sealer(b"\xff" * 8)
    texts = [first.seal("a").text, second.seal("b").text]
    assert [opener.open(text, "ann") for text in texts] == ["a", "b"]
    for number in range(MAX_SENDERS):
        if number == MAX_SENDERS // 2:
            assert opener.open(second.seal("again").text, "ann") == "again"
        assert opener.open(sealer(number.to_bytes(8, "little")[:7] + b"\1").seal("x").text, "ann") == "x"
    assert len(opener._sessions) == MAX_SENDERS
    assert opener.open(texts[1], "ann") is Unopened.SEEN
    assert opener.open(texts[0], "ann") == "a", "it was heard longest ago, and so forgotten"


@pytest.mark.requirement("SEAL-04")
def test_of_a_session_no_more_than_the_window_is_remembered() -> None:
    opener = Opener(KEY, "lab")
    for text in seals(3 * WINDOW):
        opener.open(text, "ann")
    (session,) = opener._sessions.values()
    assert session.seen.bit_length() == WINDOW


@pytest.mark.slow
@pytest.mark.requirement("SEAL-02")
def test_of_a_hundred_thousand_changed_texts_none_is_opened() -> None:
    """Threat N8."""
    chance = random.Random(8)
    good = [sealer(chance.randbytes(8)).seal("x" * chance.randrange(1, 60)).text for _ in range(50)]
    opener = Opener(KEY, "lab")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \0\n\udcffé"
    accepted = []
    for _ in range(MUTATED):
        text = chance.choice(good)
        at, end = sorted((chance.randrange(len(text)), chance.randrange(len(text))))
        match chance.randrange(4):
            case 0:
                changed = text[:at] + chance.choice(alphabet) + text[at + 1 :]
            case 1:
                changed = text[:at] + text[end:]
            case 2:
                changed = text[:end] + text[at:end] + text[end:]
            case _:
                changed = text[:at] + chance.choice(good)[at:]
        if changed not in good and isinstance(opener.open(changed, "ann"), str):
            accepted.append(changed)
    assert accepted == []
    assert [opener.open(text, "ann") for text in good] == ["x" * (text_bytes_within(len(text))) for text in good]
