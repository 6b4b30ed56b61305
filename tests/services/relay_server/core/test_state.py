"""Lines of state: written, read, and refused (see `state`)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.kept import Abroad, Ban
from relay_server.core.state import (
    FORMAT,
    READABLE,
    Clock,
    Header,
    Item,
    LobbyClientGone,
    MemberGone,
    RoomGone,
    SavedAddress,
    SavedEntry,
    SavedLobbyClient,
    SavedMember,
    SavedNumbers,
    SavedPlace,
    SavedResidence,
    SavedRing,
    SavedRoom,
    SavedSession,
    SavedTicket,
    StateError,
    check_format,
    decode_line,
    encode_line,
)
from relay_server.core.state_reader import StateReader
from services.relay_server.core.state_case import SINCE_1970, StateCase, restored, truth

FILE = Path(__file__).with_name("state_format_1.jsonl")
"""As a program wrote it whose format was 1; it is never written again."""

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
names = st.text(st.sampled_from("abcñ日"), min_size=1, max_size=20)
numbers = st.integers(0, 2**63 - 1)
ages = st.floats(-1e9, 1e9)
maybe_ages = st.none() | ages
ips = st.binary(min_size=16, max_size=16)
rooms = names.map(str.encode)
addresses = st.builds(
    SavedAddress, ip=ips, port=st.integers(1, 65_535), scope=st.integers(0, 9), local_ip=st.none() | ips
)
runs = st.lists(st.integers(3, 100), max_size=6).map(
    lambda steps: tuple((sum(steps[:end]), sum(steps[:end]) + steps[end - 1] % 2) for end in range(1, len(steps) + 1))
)
sessions = st.builds(
    SavedSession,
    token=st.binary(min_size=1, max_size=255),
    ip=ips,
    seen=ages,
    address=st.none() | addresses,
    json_notices=st.booleans(),
    receipts=st.booleans(),
    ticket=st.none() | st.builds(SavedTicket, text=texts, encrypted=st.booleans()),
    proved=maybe_ages,
    kept=maybe_ages,
    place=st.none()
    | st.builds(
        SavedPlace, heard=numbers, has_read=st.booleans(), knows_other_epoch=st.booleans(), is_used=st.booleans(),
        encrypted=st.booleans(), away=maybe_ages,
    ),
    abroad=st.none() | st.builds(Abroad, turn=numbers, carried_by=st.none() | ips, follows=st.booleans()),
)  # fmt: skip
members = st.builds(
    SavedMember,
    room=rooms,
    name=names,
    keys=st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple),
    ip=ips,
    joined=ages,
    sessions=st.lists(sessions, min_size=1, max_size=2).map(tuple),
    announced=st.booleans(),
    said=st.none() | st.builds(SavedNumbers, window=st.just(64), runs=runs),
    seat=numbers,
).map(lambda one: replace(one, ip=one.sessions[0].ip))
networks = st.sampled_from([bytes(8), bytes(range(16))])
saved_rooms = st.builds(
    SavedRoom,
    room=rooms,
    network=networks,
    created=ages,
    host=st.none() | texts,
    host_was=st.tuples(texts, ips),
    password_hash=st.none() | texts,
    sealed=st.booleans(),
    topic=texts,
    bans=st.lists(
        st.builds(Ban, texts, st.frozensets(texts, min_size=1, max_size=3), st.none() | networks), max_size=3
    ).map(tuple),
    mutes=st.lists(texts, unique=True, max_size=4).map(lambda keys: (tuple(keys),) if keys else ()),
    hostless=maybe_ages,
    waits=maybe_ages,
    residence=st.none()
    | st.builds(
        SavedResidence, first_seat=numbers, seats=numbers, term=numbers, changes=numbers, host_seat=numbers,
        kicked=st.lists(numbers, max_size=3).map(tuple), password_revision=numbers, took_tickets=maybe_ages,
    ),
)  # fmt: skip
entries = st.builds(SavedEntry, line=texts, is_message=st.booleans(), owner=st.none() | names, own=texts)
items = st.one_of(
    st.builds(Header, format=numbers, formats=st.lists(numbers, max_size=3).map(tuple), version=texts),
    st.builds(Clock, at=ages),
    saved_rooms,
    st.builds(RoomGone, room=rooms),
    members,
    st.builds(MemberGone, room=rooms, name=names),
    st.builds(SavedLobbyClient, name=rooms, address=addresses, seen=ages),
    st.builds(LobbyClientGone, address=addresses),
    st.builds(SavedRing, room=rooms, epoch=texts, after=numbers, entries=st.lists(entries, max_size=3).map(tuple)),
)
SESSION = SavedSession(token=b"t", ip=bytes(16), seen=1.0)
MEMBER = SavedMember(room=b"demo", name="ann", keys=("ann",), ip=bytes(16), joined=1.0, sessions=(SESSION,))
ROOM = SavedRoom(room=b"demo", network=bytes(8), created=1.0, host="ann", host_was=("ann", bytes(16)))


@pytest.mark.slow
@given(items)
def test_a_line_is_read_as_it_was_written(item: Item) -> None:
    line = encode_line(item)
    assert line.count(b"\n") == 1
    assert decode_line(line) == decode_line(line.rstrip()) == item


def test_a_line_is_json_with_one_key_and_without_what_is_as_ever() -> None:
    assert json.loads(encode_line(MEMBER)) == {
        "member": {
            "room": "64656d6f", "name": "ann", "keys": ["ann"], "ip": "0" * 32, "joined": 1.0,
            "sessions": [{"token": "74", "ip": "0" * 32, "seen": 1.0}],
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{}", b'{"clock":1}', b'{"clock":{"at":1}', b'{"what":{}}', b'[{"clock":{"at":1}}]']
)
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(StateError, match="it has a line that is none of this format"):
        decode_line(line)


def changed(item: Item, **fields: Any) -> bytes:
    told = json.loads(encode_line(item))
    (kind,) = told
    told[kind].update(fields)
    return json.dumps(told, separators=(",", ":")).encode()


ADDRESS = {"ip": "0" * 32, "port": 1}
WRONG = {
    "no room": changed(ROOM, room=""),
    "a member that isn't where its session is": changed(MEMBER, ip="1" * 32),
    "half a byte": changed(MEMBER, ip="0" * 31),
    "a short IP": changed(MEMBER, ip="00"),
    "more": changed(MEMBER, more=1),
    "no number": changed(MEMBER, joined="1"),
    "no finite number": changed(MEMBER, joined=float("inf")),
    "too long ago": changed(MEMBER, joined=1e11),
    "no name": changed(MEMBER, name=""),
    "a name of the relay's": changed(MEMBER, name="server: x"),
    "no key": changed(MEMBER, keys=[]),
    "an empty key": changed(MEMBER, keys=[""]),
    "a long key": changed(MEMBER, keys=["x" * 16_385]),
    "four keys": changed(MEMBER, keys=list("abcd")),
    "a key twice": changed(MEMBER, keys=["ann", "ann"]),
    "no session": changed(MEMBER, sessions=[]),
    "three sessions": changed(MEMBER, sessions=[{"token": "74", "ip": "0" * 32, "seen": 1}] * 3),
    "no token": changed(MEMBER, sessions=[{"token": "", "ip": "0" * 32, "seen": 1}]),
    "port 0": changed(MEMBER, sessions=[{"token": "74", "ip": "0" * 32, "seen": 1, "address": {**ADDRESS, "port": 0}}]),
    "a number 0": changed(MEMBER, said={"window": 64, "runs": [[0, 1]]}),
    "a row that ends before it begins": changed(MEMBER, said={"window": 64, "runs": [[2, 1]]}),
    "rows in no order": changed(MEMBER, said={"window": 64, "runs": [[5, 6], [1, 2]]}),
    "rows without a gap": changed(MEMBER, said={"window": 64, "runs": [[1, 2], [3, 4]]}),
    "too many numbers": changed(MEMBER, said={"window": 64, "runs": [[1, 65]]}),
    "a great number": changed(MEMBER, said={"window": 64, "runs": [[1, 2**32]]}),
    "a room that is no text": changed(ROOM, room="ff"),
    "a network of 9 bytes": changed(ROOM, network="0" * 18),
    "a ban of a network of 9 bytes": changed(ROOM, bans=[{"name": "e", "keys": ["e"], "network": "0" * 18}]),
    "a ban of nobody": changed(ROOM, bans=[{"name": "e", "keys": []}]),
    "two mutes with a key": changed(ROOM, mutes=[["a", "b"], ["b"]]),
    "a numbering without a name": changed(SavedRing(room=b"demo", epoch="e"), epoch=""),
}


@pytest.mark.parametrize("line", WRONG.values(), ids=WRONG)
def test_what_nobody_could_have_saved_is_refused(line: bytes) -> None:
    with pytest.raises(StateError, match=r"it has a malformed line about a (member|room|ring)"):
        decode_line(line)


def test_only_a_header_of_a_format_that_is_read_is_one() -> None:
    header = Header(format=FORMAT, formats=(FORMAT,), version="1.0")
    assert check_format(header) is header
    with pytest.raises(StateError, match="it has format 99, and this program reads 1"):
        check_format(Header(format=99, formats=(98, 99), version="9.0"))
    with pytest.raises(StateError, match="it doesn't begin with a header"):
        check_format(MEMBER)


def test_this_program_reads_its_own_format_and_the_one_before() -> None:
    assert {FORMAT} <= READABLE <= {FORMAT, FORMAT - 1}


def test_a_file_of_format_1_is_still_read() -> None:
    lines = FILE.read_bytes().splitlines(keepends=True)
    kinds = {next(iter(json.loads(line))) for line in lines}
    assert kinds == {
        "header", "clock", "room", "room_gone", "member", "member_gone", "lobby_client", "lobby_client_gone", "ring"
    }  # fmt: skip
    reader = StateReader()
    for line in lines:
        if b'{"ring":' not in line:
            reader.take(line)
    state = reader.state
    assert [room.decode() for room in state.rooms] == ["demo", "安全"]
    assert {room: list(people) for room, people in state.members.items()} == {
        b"demo": ["ann", "bob", "Zoë"], "安全".encode(): ["eve"],
    }  # fmt: skip
    at = state.at - SINCE_1970
    case = restored(lines, at, like=StateCase())
    assert truth(state.items()) == {**case.truth_here(at), "rings": {}}
    assert [entry.line for entry in case.ring_of(b"demo")] == [b'{"seq":1}\n', b'{"seq":2}\n']
