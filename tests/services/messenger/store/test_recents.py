"""The file of recent places."""

import json
import stat
from pathlib import Path

import pytest

from chatbrain import Tls
from messenger.core.entry import Entry
from messenger.store.recents import MAX_RECENTS, Recent, Recents


@pytest.fixture
def recents(tmp_path: Path) -> Recents:
    return Recents(tmp_path / "chat" / "recents.json")


def test_the_newest_place_comes_first_and_each_once(recents: Recents) -> None:
    assert recents.read() == []
    recents.remember(Entry.read("relay", "demo", "ann", tls=Tls()))
    recents.remember(Entry.read("relay", None, "ann"))
    recents.remember(Entry.read("relay", "demo", "雑"))
    assert recents.read() == [Recent("relay:9000", "demo", "雑"), Recent("relay:9002", None, "ann")]


def test_it_holds_no_password_and_nobody_else_may_read_it(recents: Recents) -> None:
    recents.remember(Entry.read("relay", "demo", "ann", password="geheim"))
    assert "geheim" not in recents.path.read_text()
    assert stat.S_IMODE(recents.path.stat().st_mode) == 0o600


def test_places_are_forgotten_when_there_are_too_many_or_one_wants_it(recents: Recents) -> None:
    for number in range(MAX_RECENTS + 5):
        recents.remember(Entry.read("relay", f"room {number}", "ann"))
    kept = recents.read()
    assert len(kept) == MAX_RECENTS
    recents.forget(kept[0])
    assert list(recents.read()) == list(kept[1:])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"recents": 1}', '{"recents": [1, {"server": 1}]}', "\udcff"])
def test_a_broken_file_is_an_empty_one(recents: Recents, text: str) -> None:
    recents.path.parent.mkdir()
    recents.path.write_bytes(text.encode(errors="surrogateescape"))
    assert recents.read() == []


def test_what_is_right_in_a_file_is_read(recents: Recents) -> None:
    recents.path.parent.mkdir()
    good = {"server": "relay:9000", "room": None, "name": "ann", "tls": False}
    recents.path.write_text(json.dumps({"recents": [{**good, "tls": "yes"}, good, {**good, "room": 5}]}))
    assert recents.read() == [Recent("relay:9000", None, "ann")]
