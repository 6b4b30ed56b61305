"""Notices as JSON objects, for members that have the feature `notices` (FEAT-03)."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import (
    Advice,
    BanList,
    Challenge,
    Command,
    CommandDone,
    CommandFailed,
    Disconnected,
    EvictionReason,
    Failure,
    HostChanged,
    ListedMember,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    MemberList,
    MessageDropped,
    Muted,
    Notice,
    NotRelayed,
    NotSaid,
    PasswordState,
    Refusal,
    RefusalCode,
    Said,
    Status,
    Topic,
    UnknownNotice,
    Unmuted,
    encode_notice,
    parse_json_notice,
    sanitize,
)
from chatproto.constants import MAX_DELIVERY_BYTES
from libs.chatproto.strategies import JSON_VALUES, USER_NAMES

COUNTS = st.integers(0, 10**6)
TOO_LONG = Refusal(Status.BAD_NAME, RefusalCode.USER_NAME_TOO_LONG, size=300, limit=255)
LINES = st.text(st.characters(codec="utf-8"), max_size=60).map(sanitize)
MEMBERS = st.builds(ListedMember, USER_NAMES, st.booleans(), st.booleans(), st.booleans())
NOTICES: list[st.SearchStrategy[Notice]] = [
    st.builds(MemberJoined, USER_NAMES),
    st.builds(MemberLeft, USER_NAMES),
    st.builds(MemberEvicted, USER_NAMES, st.sampled_from(EvictionReason)),
    st.builds(HostChanged, USER_NAMES),
    st.builds(Topic, LINES),
    st.builds(Disconnected, st.sampled_from(EvictionReason)),
    st.builds(Challenge, st.from_regex("[0-9a-f]{16}", fullmatch=True)),
    st.builds(MemberList, st.lists(MEMBERS, max_size=5).map(tuple), COUNTS, COUNTS, st.booleans(), COUNTS),
    st.builds(BanList, st.lists(USER_NAMES, max_size=5).map(tuple), COUNTS, st.booleans(), COUNTS),
    st.builds(
        CommandDone,
        st.sampled_from(Command),
        USER_NAMES,
        st.booleans(),
        st.lists(USER_NAMES, max_size=3).map(tuple),
        COUNTS,
    ),
    st.builds(
        CommandFailed,
        st.sampled_from(Failure),
        st.none() | st.sampled_from(Command),
        USER_NAMES,
        COUNTS,
        COUNTS,
        LINES,
        st.none() | st.sampled_from([TOO_LONG, Refusal(Status.BUSY)]),
    ),
    st.builds(MessageDropped, st.sampled_from(NotRelayed), COUNTS),
    st.just(Muted()),
    st.just(Unmuted()),
    st.builds(PasswordState, st.booleans(), st.booleans()),
    st.builds(Said, COUNTS),
    st.builds(NotSaid, COUNTS, st.sampled_from(NotRelayed)),
    st.builds(Advice, LINES),
]


@pytest.mark.parametrize(
    ("notice", "fields"),
    [
        (MemberJoined("bob"), {"notice": "member_joined", "name": "bob"}),
        (MemberLeft("Doe, John"), {"notice": "member_left", "name": "Doe, John"}),
        (MemberEvicted("bob", EvictionReason.KICKED), {"notice": "member_evicted", "name": "bob", "reason": "kicked"}),
        (HostChanged("bob"), {"notice": "host_changed", "name": "bob"}),
        (Topic(""), {"notice": "topic", "text": ""}),
        (
            Disconnected(EvictionReason.KICKED),
            {"notice": "disconnected", "reason": "kicked", "message": "The host removed you."},
        ),
        (
            Disconnected(EvictionReason.KICKED, banned=True),
            {"notice": "disconnected", "reason": "kicked", "banned": True, "message": RefusalCode.BANNED.message},
        ),
        (Challenge("0123456789abcdef"), {"notice": "challenge", "nonce": "0123456789abcdef"}),
        (
            MemberList((ListedMember("ann", host=True), ListedMember("bob", muted=True)), 3, 2, more=False, unlisted=1),
            {
                "notice": "members",
                "members": [{"name": "ann", "host": True}, {"name": "bob", "muted": True}],
                "total": 3,
                "part": 2,
                "more": False,
                "unlisted": 1,
            },
        ),
        (BanList(("zoe",), 1, more=True), {"notice": "bans", "names": ["zoe"], "part": 1, "more": True}),
        (
            CommandDone(Command.BAN, "bob", by_address=True),
            {"notice": "command_done", "command": "ban", "name": "bob", "by_address": True},
        ),
        (
            CommandFailed(Failure.NOBODY, Command.KICK, "zoe"),
            {
                "notice": "command_failed",
                "code": "nobody",
                "command": "kick",
                "name": "zoe",
                "message": "Nobody here is called zoe.",
            },
        ),
        (
            CommandFailed(Failure.BAD_NAME, Command.BAN, refusal=TOO_LONG),
            {
                "notice": "command_failed",
                "code": "bad_name",
                "command": "ban",
                "refusal": {"status": 5, "code": "user_name_too_long", "size": 300, "limit": 255},
                "message": "The user name has 300 bytes: use at most 255.",
            },
        ),
        (
            MessageDropped(NotRelayed.TOO_LONG, 3),
            {
                "notice": "dropped",
                "reason": "too_long",
                "over_bytes": 3,
                "message": "message too long by 3 bytes: it was not relayed",
            },
        ),
        (PasswordState(set=True, changed=True), {"notice": "password", "set": True, "changed": True}),
        (PasswordState(set=False), {"notice": "password", "set": False}),
        (Muted(), {"notice": "muted"}),
        (Unmuted(), {"notice": "unmuted"}),
    ],
)
@pytest.mark.requirement("FEAT-03")
def test_a_notice_is_an_object_of_what_is_true(notice: Notice, fields: dict[str, object]) -> None:
    message = encode_notice(notice, json=True).decode()
    assert message.startswith("server: {")
    assert json.loads(message.removeprefix("server: ")) == fields
    assert parse_json_notice(message) == notice


def test_letters_of_every_script_stand_as_they_are() -> None:
    assert (
        encode_notice(MemberJoined("漢字"), json=True) == 'server: {"notice": "member_joined", "name": "漢字"}'.encode()
    )


@given(st.one_of(NOTICES))
@pytest.mark.requirement("FEAT-03")
def test_a_notice_survives_encoding(notice: Notice) -> None:
    message = encode_notice(notice, json=True)
    assert len(message) <= MAX_DELIVERY_BYTES
    assert parse_json_notice(message.decode()) == notice


def test_all_kinds_were_tried() -> None:
    assert len(NOTICES) == len(get_args(Notice)) == len({kind.KIND for kind in get_args(Notice)})


@pytest.mark.parametrize("message", ["", "hi", 'ann: {"notice": "muted"}', 'server:{"notice": "muted"}'])
def test_what_a_member_said_is_no_notice(message: str) -> None:
    assert parse_json_notice(message) is None


@pytest.mark.requirement("FEAT-03")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"notice": "telepathy", "n": 17}', "telepathy"),
        ('{"notice": "said", "n": "17"}', "said"),
        ('{"notice": 5}', ""),
        ("{}", ""),
        ("[]", ""),
        ("5", ""),
        ("bob joined", ""),
        ("[" * 4000, ""),
        ('{"notice": "member_joined"}', "member_joined"),
        ('{"notice": "member_joined", "name": 5}', "member_joined"),
        ('{"notice": "member_evicted", "name": "bob", "reason": "bored"}', "member_evicted"),
        ('{"notice": "password", "set": 1}', "password"),
        ('{"notice": "bans", "names": ["a", 5], "part": 1, "more": false}', "bans"),
        ('{"notice": "bans", "names": "abc", "part": 1, "more": false}', "bans"),
        ('{"notice": "bans", "names": [], "part": true, "more": false}', "bans"),
        ('{"notice": "members", "members": ["ann"], "total": 1, "part": 1, "more": false}', "members"),
        ('{"notice": "members", "members": [{}], "total": 1, "part": 1, "more": false}', "members"),
        ('{"notice": "challenge", "nonce": "0123"}', "challenge"),
        ('{"notice": "dropped", "reason": "too_long", "message": 5, "over_bytes": "3"}', "dropped"),
        ('{"notice": "command_failed", "code": "bad_name", "command": "ban", "refusal": 5}', "command_failed"),
        ('{"notice": "a\\nb\\ud800"}', "a⏎b?"),
    ],
)
def test_what_isnt_known_is_to_be_ignored(text: str, kind: str) -> None:
    assert parse_json_notice(f"server: {text}") == UnknownNotice(kind)


@pytest.mark.requirement("FEAT-03")
def test_unknown_keys_are_ignored_and_unknown_words_leave_the_sentence() -> None:
    asleep = '{"notice": "members", "members": [{"name": "ann", "asleep": true}], "total": 1, "part": 1, "more": false}'
    assert parse_json_notice(f"server: {asleep}") == MemberList((ListedMember("ann"),), 1, 1, more=False)
    newer = '{"notice": "command_failed", "code": "too_warm", "message": "It is\\u001b too warm."}'
    assert parse_json_notice(f"server: {newer}") == Advice("It is\ufffd too warm.")


@pytest.mark.requirement("UDP-11")
def test_text_that_json_spells_is_harmless() -> None:
    message = 'server: {"notice": "topic", "text": "a\\u001b[2J\\n\\u202eb\\ud800"}'
    assert parse_json_notice(message) == Topic("a\ufffd[2J⏎\ufffdb?")


KINDS = st.sampled_from([kind.KIND for kind in get_args(Notice)])
KEYS = st.sampled_from(["name", "names", "members", "reason", "code", "command", "text", "set", "part", "refusal"])


@pytest.mark.slow
@given(KINDS, st.dictionaries(KEYS, JSON_VALUES))
def test_any_object_is_a_notice_or_unknown(kind: str, fields: dict[str, object]) -> None:
    notice = parse_json_notice("server: " + json.dumps({**fields, "notice": kind}))
    assert notice is not None
    if not isinstance(notice, UnknownNotice):
        assert parse_json_notice(encode_notice(notice, json=True).decode()) == notice
