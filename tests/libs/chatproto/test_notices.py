"""What the relay says by itself, in prose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import (
    Advice,
    Challenge,
    Disconnected,
    EvictionReason,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    MessageDropped,
    Muted,
    Notice,
    NotRelayed,
    PasswordState,
    Topic,
    Unmuted,
    encode_notice,
    is_answer,
    parse_notice,
    sanitize,
)
from chatproto.notices import PASSWORD_SET
from libs.chatproto.strategies import USER_NAMES

NOTICES = st.one_of(
    st.builds(Disconnected, st.sampled_from(EvictionReason)),
    st.builds(MemberJoined, USER_NAMES),
    st.builds(MemberLeft, USER_NAMES),
    st.builds(Challenge, st.from_regex("[0-9a-f]{16}", fullmatch=True)),
    st.builds(MemberEvicted, USER_NAMES, st.sampled_from(EvictionReason)),
    st.builds(HostChanged, USER_NAMES),
    st.builds(Topic, st.text(max_size=60).map(sanitize)),
)


@pytest.mark.parametrize(
    ("notice", "message"),
    [
        (Disconnected(EvictionReason.SILENCE), b"server: disconnected: silence"),
        (MemberJoined("ann"), b"server: ann joined"),
        (MemberLeft("ann"), b"server: ann left"),
        (MemberEvicted("ann", EvictionReason.KICKED), b"server: ann was disconnected: kicked"),
        (Challenge("0123456789abcdef"), b"server: can you hear me? /here 0123456789abcdef"),
        (Advice("can you hear me? /here 0123"), b"server: can you hear me? /here 0123"),
        (HostChanged("ann"), b"server: ann is the host now"),
        (Topic("tea"), b"server: topic: tea"),
        (Topic(""), b"server: no topic"),
        (PasswordState(set=True, changed=True), f"server: {PASSWORD_SET}".encode()),
        (PasswordState(set=False, changed=True), b"server: The room has no password any more."),
        (Advice("Too fast."), b"server: Too fast."),
    ],
)
@pytest.mark.requirement("UDP-09", "UDP-10", "EVI-02", "MOD-06", "MOD-07", "MOD-08")
def test_the_notices_have_fixed_words(notice: Notice, message: bytes) -> None:
    assert encode_notice(notice) == message
    assert parse_notice(message.decode()) == notice


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (Muted(), "The host muted you: what you say is not relayed."),
        (Unmuted(), "You may speak again."),
        (MessageDropped(NotRelayed.MUTED), "You are muted: what you say is not relayed."),
        (MessageDropped(NotRelayed.TOO_LONG, 7), "message too long by 7 bytes: it was not relayed"),
        (MessageDropped(NotRelayed.MESSAGE_RATE), "slow down: some of your messages were not relayed"),
        (MessageDropped(NotRelayed.BYTE_RATE), "slow down: some of your messages were not relayed"),
        (MessageDropped(NotRelayed.COPY_RATE), "slow down: some of your messages were not relayed"),
        (PasswordState(set=True), "The room has a password: /password NEW sets one, /password - removes it."),
        (PasswordState(set=False), "The room has no password: /password NEW sets one, /password - removes it."),
    ],
)
@pytest.mark.requirement("MOD-05", "MOD-08", "UDP-06", "LIM-01")
def test_what_one_member_is_told_is_advice_in_prose(notice: Notice, text: str) -> None:
    assert encode_notice(notice) == f"server: {text}".encode()
    assert parse_notice(f"server: {text}") == Advice(text)


@given(NOTICES)
def test_a_notice_survives_encoding(notice: Notice) -> None:
    assert parse_notice(encode_notice(notice).decode()) == notice


@pytest.mark.parametrize(
    "name", ["joined", "ann left", "ann joined", "disconnected", "was disconnected", "x is the host now"]
)
@pytest.mark.parametrize("reason", EvictionReason)
def test_names_that_read_like_notices_confuse_nobody(name: str, reason: EvictionReason) -> None:
    for notice in (MemberJoined(name), MemberLeft(name), MemberEvicted(name, reason), HostChanged(name), Topic(name)):
        assert parse_notice(encode_notice(notice).decode()) == notice


@pytest.mark.parametrize(
    "message", ["", "hi", "server", "server:", "server:x", "Server: x", " server: x", "ann: server: x"]
)
def test_what_a_member_said_is_no_notice(message: str) -> None:
    assert parse_notice(message) is None


@pytest.mark.parametrize(
    "text", ["", "disconnected: bored", " joined", " left", " was disconnected: silence", "a\nb joined"]
)
def test_anything_else_from_the_server_is_advice(text: str) -> None:
    assert parse_notice(f"server: {text}") == Advice(text)


@given(st.text(max_size=60))
def test_every_message_is_a_notice_or_not(text: str) -> None:
    assert parse_notice(f"server: {text}") is not None
    assert (parse_notice(text) is not None) == text.startswith("server: ")


@pytest.mark.requirement("UDP-12")
def test_a_challenge_says_how_to_answer_it() -> None:
    assert Challenge("0123456789abcdef").answer == b"/here 0123456789abcdef"
    assert is_answer(Challenge("0123456789abcdef").answer)


@pytest.mark.requirement("UDP-12")
@pytest.mark.parametrize(
    "message",
    [b"", b"/here", b"/here ", b"/here 0123456789abcde", b"/here 0123456789abcdef0", b"/here 0123456789abcdef\n",
     b"/here 0123456789ABCDEF", b"I am /here 0123456789abcdef"],
)  # fmt: skip
def test_what_only_looks_like_an_answer_is_a_message(message: bytes) -> None:
    assert not is_answer(message)
