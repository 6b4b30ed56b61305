"""What the directory holds of a room: written, read, and made a room again (CLU-03)."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.counters import IgnoredRecord
from relay_server.core.kept import Ban
from relay_server.core.model import NO_BANS, Residence
from relay_server.core.names import name_keys
from relay_server.core.records import (
    FORMAT,
    RecordError,
    RoomRecord,
    decode_record,
    encode_record,
    record_of,
    room_of,
    seats_at,
)
from services.relay_server.core.rooms_case import Case

texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.integers(0, 2**63 - 1)
networks = st.none() | st.binary(min_size=8, max_size=8) | st.binary(min_size=16, max_size=16)
records = st.builds(
    RoomRecord,
    room=texts.map(str.encode),
    home=texts,
    home_since=st.floats(0, 4e9),
    first_seat=numbers,
    term=numbers,
    changes=numbers,
    host_seat=numbers,
    host=texts,
    host_ip=st.binary(min_size=16, max_size=16),
    kicked=st.lists(numbers, max_size=4).map(tuple),
    password_hash=st.none() | texts,
    password_revision=numbers,
    topic=texts,
    bans=st.lists(st.builds(Ban, texts, st.frozensets(texts, min_size=1, max_size=3), networks), max_size=3).map(tuple),
    mutes=st.lists(st.frozensets(texts, max_size=3), max_size=3).map(tuple),
    sealed=st.booleans(),
    ring=st.none() | st.tuples(texts, numbers),
)
RECORD = RoomRecord(
    room=b"demo", home="a", home_since=1.5, first_seat=10, term=2, changes=3, host_seat=11, host="ann",
    host_ip=bytes(16), kicked=(12,), bans=(Ban("eve", frozenset({"eve"}), bytes(8)),), ring=("e", 4),
)  # fmt: skip


@pytest.mark.slow
@given(records)
def test_a_record_is_read_as_it_was_written(record: RoomRecord) -> None:
    assert decode_record(encode_record(record)) == record


def test_a_record_is_json() -> None:
    sheet = json.loads(encode_record(RECORD))
    assert sheet["format"] == FORMAT
    assert sheet["record"]["room"] == b"demo".hex()
    assert decode_record(json.dumps(sheet).encode()) == RECORD


def reason_of(data: bytes) -> IgnoredRecord:
    with pytest.raises(RecordError) as caught:
        decode_record(data)
    return caught.value.reason


@pytest.mark.parametrize("number", [0, FORMAT + 1, -1])
def test_another_format_is_told_from_junk(number: int) -> None:
    assert reason_of(json.dumps({"format": number, "anything": []}).encode()) is IgnoredRecord.FORMAT


@pytest.mark.parametrize(
    "changed",
    [
        {"term": "1"}, {"term": 1.5}, {"term": -1}, {"term": True}, {"term": None}, {"more": 1}, {"room": "c3"},
        {"room": "zz"}, {"host": 1}, {"host_ip": "00"}, {"kicked": 5}, {"home_since": "now"}, {"ring": ["e"]},
        {"bans": [{"name": "a", "keys": ["a"], "network": "00"}]}, {"bans": [{"name": "a"}]}, {"first_seat": -1},
        {"changes": -1}, {"host_seat": -1}, {"password_revision": -1}, {"sealed": 1}, {"first_seat": 2**63},
    ],
)  # fmt: skip
def test_what_is_no_record_is_malformed(changed: dict[str, Any]) -> None:
    sheet = json.loads(encode_record(RECORD))
    sheet["record"].update(changed)
    assert reason_of(json.dumps(sheet).encode()) is IgnoredRecord.MALFORMED


def test_a_record_says_all_that_it_must() -> None:
    sheet = json.loads(encode_record(RECORD))
    for name in ("room", "home", "term", "first_seat", "host_ip"):
        left = {key: value for key, value in sheet["record"].items() if key != name}
        assert reason_of(json.dumps(sheet | {"record": left}).encode()) is IgnoredRecord.MALFORMED


@given(st.binary() | st.text().map(lambda text: json.dumps({"format": FORMAT, "record": text}).encode()))
def test_junk_raises_nothing_else(data: bytes) -> None:
    assert reason_of(data) in {IgnoredRecord.MALFORMED, IgnoredRecord.FORMAT}


def test_a_room_comes_back_as_it_was() -> None:
    case = Case()
    ann = case.create("ann", residence=Residence(10, 10, term=2))
    bob, eve = case.join("bob"), case.join("eve")
    room = ann.room
    room.sealed, room.password_hash = True, "hash"
    case.moderation.set_topic(ann, "all about it")
    case.moderation.mute(bob)
    case.moderation.kick(eve, 0.0)
    case.moderation.ban(room, "eve", 0.0)
    assert room.residence is not None
    record = record_of(room, room.residence, home="a", home_since=1.5)
    again = room_of(record, 100, 5.0)
    assert (again.name, again.raw_name, again.network) == (room.name, room.raw_name, room.network)
    assert (again.topic, again.sealed, again.password_hash) == ("all about it", True, "hash")
    assert list(again.bans) == list(room.bans)
    assert again.mutes == room.mutes
    assert again.mutes_name(name_keys("bob"))
    assert again.host is None
    assert again.host_was == ("ann", ann.ip)
    assert not again.members
    assert again.residence == Residence(10, 100, term=2, changes=record.changes, host_seat=11, kicked=(13,))
    assert record_of(again, again.residence, home="a", home_since=1.5) == record


def test_a_room_without_bans_shares_what_most_rooms_have() -> None:
    assert room_of(replace(RECORD, bans=()), 0, 0.0).bans is NO_BANS


def test_new_seats_have_greater_numbers_than_all_that_are_known() -> None:
    """Also if the clock of the new home is slow."""
    residence = room_of(replace(RECORD, kicked=(50, 20)), 5, 0.0).residence
    assert residence is not None
    assert residence.seats == 50


def test_numbers_begin_with_the_time() -> None:
    assert seats_at(1_900_000_000.0) < seats_at(1_900_000_000.001) < seats_at(1_900_000_001.0) < 2**63
