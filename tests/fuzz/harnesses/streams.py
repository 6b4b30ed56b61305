"""Lines of a stream, from either side, in any pieces (STR-01 to STR-03)."""

from typing import Any, Final

from chatproto import MalformedError
from chatproto.constants import MAX_DELIVERY_BYTES
from chatproto.receipts import MAX_NUMBER
from chatproto.stream import (
    MAX_LINE_BYTES,
    Gone,
    LineDecoder,
    Say,
    Unknown,
    encode_to_relay,
    parse_to_member,
    parse_to_relay,
)
from fuzz.bites import Bites, piece, split

SEEDS: Final = (
    piece(b"\x07") + b'{"say":"hi","n":17}\n{"ping":5}\n{"leave":true}\n',
    piece(b"") + b'{"seq":812,"from":"ann","text":"hello"}\n{"seq":813,"notice":"member_joined","name":"bob"}\n',
    piece(b"\x40") + b'{"seq":814,"took":17}\n{"n":18,"refused":"muted","message":"Muted."}\n{"gone":[801,811]}\r\n',
    piece(b"\x01\x20")
    + b'{"gone":"all"}\n{"bye":"slow","message":"Too slow."}\n{"seq":3,"notice":"topic","text":"x"}\n',
    piece(b"") + b'{"say":"\\ud800\\u0000","n":4294967295}\n{"seq":1,"text":"\\u001b\\u202e\\ud83d"}\n',
    piece(b"\xff") + b"[" * 300 + b'\n\xef\xbb\xbf{}\n{"ping":NaN}\n{"pong":1e999}\n',
)
WORDS: Final = (
    *(b'{"say":"', b'","n":', b'{"seq":', b',"from":"', b'","text":"', b',"notice":"', b',"took":', b'{"gone":['),
    *(b'{"ping":', b'{"pong":', b'{"bye":"', b',"refused":"', b"}\n", b"\r\n", b"9007199254740992", b"true", b"null"),
    *(b"-1", b"NaN", b"\\ud83d", b"\\u202e", b"\\u001b", b"[[", b'":{"', b"\xef\xbb\xbf"),
)
_UNSAFE: Final = "\x1b\r\n\x9b\u202e\u2066"


def check(data: bytes) -> None:
    bites = Bites(data)
    sizes, stream = bites.piece(), bites.rest()
    whole = lines_of([stream])
    assert lines_of(list(split(stream, sizes))) == whole, "another split gives other lines"
    for line in whole:
        check_to_relay(line)
        check_to_member(line)


def lines_of(pieces: list[bytes]) -> list[bytes]:
    decoder, lines = LineDecoder(), []
    try:
        for data in pieces:
            lines += decoder.feed(data)
    except MalformedError:
        return []
    assert all(b"\n" not in line and len(line) <= MAX_LINE_BYTES for line in lines)
    return lines


def check_to_relay(line: bytes) -> None:
    said = read(parse_to_relay, line)
    if said is None or isinstance(said, Unknown):
        return
    (again,) = LineDecoder().feed(encode_to_relay(said))
    assert parse_to_relay(again) == said
    if isinstance(said, Say):
        assert said.n is None or 0 < said.n <= MAX_NUMBER
        assert len(again) <= MAX_LINE_BYTES or len(said.text.encode()) > MAX_DELIVERY_BYTES


def check_to_member(line: bytes) -> None:
    heard = read(parse_to_member, line)
    assert not set(_UNSAFE) & set(" ".join(map(str, vars_of(heard))))
    if isinstance(heard, Gone) and heard.first is not None:
        assert heard.last is not None
        assert heard.first <= heard.last


def read(parse: Any, line: bytes) -> Any:
    try:
        return parse(line)
    except MalformedError:
        return None


def vars_of(heard: object) -> list[object]:
    return [getattr(heard, name) for name in getattr(heard, "__slots__", ())]
