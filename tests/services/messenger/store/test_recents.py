"""The file of recent places."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from chatbrain import Tls, Transport
from messenger.core.entry import Entry
from messenger.store.recents import MAX_RECENTS, Recent, Recents, RecentsError


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


def test_a_damaged_file_is_put_aside_and_that_is_said(recents: Recents) -> None:
    recents.path.parent.mkdir()
    recents.path.write_text('{"recents": [')
    assert recents.read() == []
    recents.remember(Entry.read("relay", "demo", "ann"))
    assert len(recents.read()) == 1
    assert recents.path.with_name("recents.json.damaged").read_text() == '{"recents": ['
    assert recents.flaw.startswith("The list of recent rooms is damaged: it was moved to ")


def test_a_file_with_half_a_character_is_a_damaged_one(recents: Recents) -> None:
    recents.path.parent.mkdir()
    recents.path.write_text('{"recents": [{"server": "relay:9000", "room": "\\ud800", "name": "ann", "tls": false}]}')
    recents.remember(Entry.read("relay", "demo", "ann"))
    assert recents.read() == [Recent("relay:9000", "demo", "ann")]
    assert recents.flaw


def test_a_file_that_cant_be_read_isnt_replaced(recents: Recents) -> None:
    recents.path.parent.mkdir()
    recents.path.symlink_to(recents.path)  # round and round
    assert recents.read() == []
    entry = Entry.read("relay", "demo", "ann")
    with pytest.raises(OSError, match="Too many levels"):
        recents.remember(entry)
    with pytest.raises(RecentsError):
        recents.bookmark(entry, "mine")
    with pytest.raises(OSError, match="Too many levels"):
        recents.forget(Recent("relay:9000", "demo", "ann"))
    recents.keep_open([entry])
    assert recents.path.is_symlink()


def test_bookmarks_come_first_by_their_names_and_stay(recents: Recents) -> None:
    tea, garden = (Entry.read("relay", room, "ann") for room in ("tea", "garden"))
    recents.remember(tea)
    assert recents.bookmark(tea, "Zoë's") == "Bookmarked as Zoë's."
    assert recents.bookmark(garden, "") == "Bookmarked as garden."
    for number in range(MAX_RECENTS + 5):
        recents.remember(Entry.read("relay", f"room {number}", "ann"))
    recents.remember(Entry.read("relay", "tea", "bob"))
    offered = recents.offered()
    assert [(recent.bookmark, recent.name) for recent in offered[:3]] == [
        ("garden", "ann"),
        ("Zoë's", "bob"),
        ("", "ann"),
    ]
    assert len(offered) == MAX_RECENTS + 2
    assert offered[2].room == f"room {MAX_RECENTS + 4}"
    assert recents.bookmark_of(tea) == "Zoë's"


def test_a_bookmark_is_taken_away(recents: Recents) -> None:
    tea = Entry.read("relay", "tea", "ann")
    recents.bookmark(tea, "Tea")
    assert recents.bookmark(tea, "-") == "The bookmark is removed."
    assert recents.read() == [Recent("relay:9000", "tea", "ann")]
    assert recents.bookmark_of(tea) == ""


def test_a_bookmark_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecentsError, match="The bookmark can't be saved"):
        Recents(tmp_path / "file" / "recents.json").bookmark(Entry.read("relay", "tea", "ann"), "Tea")


def test_what_is_open_at_the_end_is_opened_once(recents: Recents) -> None:
    entries = [Entry.read("relay", room, "ann", tls=Tls() if room == "tea" else None) for room in ("tea", "x", None)]
    for each in entries:
        recents.remember(each)
    assert recents.take_open() == []
    recents.keep_open([entries[0], entries[2]])
    taken = recents.take_open()
    assert [recent.room for recent in taken] == [None, "tea"]
    assert [recent.entry() for recent in taken] == [entries[2], entries[0]]
    assert recents.take_open() == [], "no other window comes in as well"


def test_files_of_earlier_versions_are_read(recents: Recents) -> None:
    recents.path.parent.mkdir()
    recents.path.write_text('{"recents": [{"server": "relay:9000", "room": "tea", "name": "ann", "tls": true}]}')
    assert recents.read() == [Recent("relay:9000", "tea", "ann", tls=True)]


def test_the_transport_that_was_chosen_stays_until_another_is(recents: Recents) -> None:
    strict = Entry.read("relay", "tea", "ann", transport=Transport.STREAM)
    recents.remember(strict)
    recents.remember(replace(strict, transport=None))
    assert recents.read()[0].entry() == strict
    assert recents.recall(replace(strict, transport=None, name="bob")).transport is Transport.STREAM
    assert recents.recall(replace(strict, transport=Transport.UDP)).transport is Transport.UDP
    assert recents.recall(Entry.read("relay", "coffee", "ann")).transport is None
    recents.remember(replace(strict, transport=Transport.AUTO))
    assert recents.read()[0].transport is Transport.AUTO


@pytest.mark.parametrize("word", ["pigeon", 5, None, ["udp"]])
def test_a_transport_that_is_none_is_not_taken(recents: Recents, word: object) -> None:
    recents.path.parent.mkdir()
    kept = {"server": "relay:9000", "room": "tea", "name": "ann", "tls": True, "transport": word}
    recents.path.write_text(json.dumps({"recents": [kept]}))
    assert recents.read() == [Recent("relay:9000", "tea", "ann", tls=True)]
