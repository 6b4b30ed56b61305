"""What a client takes for the relay's own words, in prose and as JSON (UDP-09, FEAT-03)."""

from typing import Final

from chatproto import UnknownNotice, encode_notice, parse_json_notice, parse_notice
from chatproto.notices import SERVER_PREFIX

SEEDS: Final = (
    b"server: ann joined",
    b"server: ann left",
    b"server: ann was disconnected: silence",
    b"server: disconnected: host_left",
    b"server: slow down",
    b"server: a joined was disconnected: abuse",
    b"ann: server: hello",
    b'server: {"notice": "member_joined", "name": "bob"}',
    b'server: {"notice": "topic", "text": "\\u001b[2J\\ud800"}',
    b'server: {"notice": "challenge", "nonce": "0123456789abcdef"}',
    b'server: {"notice": "members", "members": [{"name": "a", "host": true}], "total": 1, "part": 1, "more": false}',
    b'server: {"notice": "command_failed", "code": "nobody", "command": "kick", "name": "a", "message": "Nobody."}',
    b'server: {"notice": "command_done", "command": "unban", "name": "a", "also": ["b"], "unlisted": 2}',
    b'server: {"notice": "dropped", "reason": "too_long", "over_bytes": 3, "message": "Too long."}',
    b'server: {"notice": "disconnected", "reason": "moved", "message": "Join over there."}',
)
WORDS: Final = (
    *(b"server: ", b" joined", b" left", b" was disconnected: ", b"disconnected: ", b"kicked", b"silence"),
    *(b'{"notice": "', b"member_left", b"host_changed", b"bans", b"password", b"muted", b'", "name": ', b', "part": 1'),
    *(b"true", b"null", b"[]", b"1e400", b"\\u202e", b"\\ud83d"),
)
_UNSAFE: Final = "\x1b\r\n\x9b\u202e\u2066"


def check(data: bytes) -> None:
    text = data.decode(errors="replace")
    check_prose(text)
    check_json(text)


def check_prose(text: str) -> None:
    notice = parse_notice(text)
    assert (notice is not None) == text.startswith(SERVER_PREFIX), "a member's words were taken for the relay's"
    if notice is not None:
        assert encode_notice(notice).decode() == text
        assert parse_notice(encode_notice(notice).decode()) == notice


def check_json(text: str) -> None:
    notice = parse_json_notice(text)
    assert (notice is not None) == text.startswith(SERVER_PREFIX), "a member's words were taken for the relay's"
    if notice is None:
        return
    assert not [char for char in str(notice) if char in _UNSAFE]
    if not isinstance(notice, UnknownNotice):
        again = parse_json_notice(encode_notice(notice, json=True).decode())
        assert again == notice, f"{again} was {notice}"
