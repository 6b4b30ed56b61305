"""Every kept input passes its harness, and so do a few new ones; what `make fuzz` does for hours, in a moment."""

import contextlib
import json
import random
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from itertools import islice
from types import SimpleNamespace

import pytest

import chatbrain.carriage
import chatbrain.sealed
import chatproto.payloads
import chatproto.sealing
import chatproto.stream
import chatproto.tcrp
import chatproto.transaction
import relay_server.control
import relay_server.core.judge
import relay_server.core.relay
from fuzz.bites import Bites, piece, split
from fuzz.corpus import FOLDER, NAMES, load_harness, read_kept
from fuzz.mutations import mutate

MUTATED = 500
CORPUS_BYTES = 1_000_000

every_harness = pytest.mark.parametrize("name", NAMES)


def mutated(name: str) -> Iterable[bytes]:
    harness = load_harness(name)
    return islice(mutate([*harness.SEEDS, *read_kept(name)], harness.WORDS, random.Random(name)), MUTATED)


@every_harness
def test_kept_inputs_pass(name: str) -> None:
    harness = load_harness(name)
    for data in (b"", *harness.SEEDS, *read_kept(name)):
        harness.check(data)


@pytest.mark.slow
@every_harness
def test_mutated_inputs_pass(name: str) -> None:
    harness = load_harness(name)
    for data in mutated(name):
        try:
            harness.check(data)
        except Exception as error:
            raise AssertionError(f"{name} fails with the input {data.hex()}") from error


def test_the_corpus_is_small_and_whole() -> None:
    files = list(FOLDER.iterdir())
    assert sorted(path.stem for path in files) == NAMES
    assert sum(path.stat().st_size for path in files) < CORPUS_BYTES
    for name in NAMES:
        kept = read_kept(name)
        assert kept
        assert len(set(kept)) == len(kept)


def test_the_same_chance_makes_the_same_inputs() -> None:
    assert list(mutated("relay")) == list(mutated("relay"))


def test_bites_never_run_out() -> None:
    bites = Bites(b"\x02ab" + piece(b"x" * 300) + b"\x07")
    assert (bites.piece(), bites.piece(), bool(bites)) == (b"ab", b"x" * 300, True)
    assert bites.pick("abcd") == "d"
    assert (bool(bites), bites.byte(), bites.piece(), bites.pick("ab"), bites.rest()) == (False, 0, b"", "a", b"")


@pytest.mark.parametrize("sizes", [b"", b"\0", b"\x01\x07", b"\xff"])
def test_pieces_are_the_whole(sizes: bytes) -> None:
    stream = bytes(range(200))
    assert b"".join(split(stream, sizes)) == stream


def any_base64(text: str) -> bytes | None:
    with contextlib.suppress(ValueError):
        return urlsafe_b64decode(text + "==")
    return None


# Faults as they have been made in such code: each is noticed by the inputs that every run tries.
FAULTS = {
    "a frame's end is wrong by one": ("frames", chatproto.tcrp, "HEADER_BYTES", 31),
    "text stays as it is": ("relay", relay_server.core.judge, "sanitize", lambda text: text),
    "a stream's text stays as it is": ("streams", chatproto.stream, "sanitize", lambda text: text),
    "a client shows what it hears": ("room_brain", chatbrain.carriage, "sanitize", lambda text: text),
    "all that begins like JSON is JSON": ("server_transaction", chatproto.transaction, "decode_request", json.loads),
    "a long message passes": ("relay", relay_server.core.judge, "MAX_DELIVERY_BYTES", 5000),
    "a sealed room relays any text": ("relay", relay_server.core.judge, "may_be_said", lambda *_: True),
    "a client seals nothing": (
        "room_brain",
        chatbrain.sealed,
        "Sealer",
        lambda *_: SimpleNamespace(seal=lambda text, *_: SimpleNamespace(text=text)),
    ),
    "a client shows what it can't open": ("room_brain", chatbrain.sealed, "sanitize", lambda text: text),
    "anybody comes into a sealed room": ("control", relay_server.control, "check_join", lambda *_: None),
    "a sealed text has several spellings": ("sealing", chatproto.sealing, "_decode", any_base64),
    "a sealed text is shown twice": ("sealing", chatproto.sealing._Session, "take", lambda *_: True),
    "a wrong relay is believed": ("client_transaction", chatproto.payloads, "decode_status", lambda _: (0, "")),
}


@pytest.mark.slow
@pytest.mark.needs("interpreted")
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, module, attribute, wrong = FAULTS[fault]
    assert not some_input_fails(name)
    monkeypatch.setattr(module, attribute, wrong)
    assert some_input_fails(name)


def some_input_fails(name: str) -> bool:
    harness = load_harness(name)
    for data in (*harness.SEEDS, *mutated(name)):
        try:
            harness.check(data)
        except Exception:  # noqa: BLE001 - it may show as anything
            return True
    return False
