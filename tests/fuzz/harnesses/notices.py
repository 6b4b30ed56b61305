"""What a client takes for the relay's own words (UDP-09)."""

from typing import Final

from chatproto import encode_notice, parse_notice
from chatproto.notices import SERVER_PREFIX

SEEDS: Final = (
    b"server: ann joined",
    b"server: ann left",
    b"server: ann was disconnected: silence",
    b"server: disconnected: host_left",
    b"server: slow down",
    b"server: a joined was disconnected: abuse",
    b"ann: server: hello",
)
WORDS: Final = (b"server: ", b" joined", b" left", b" was disconnected: ", b"disconnected: ", b"kicked", b"silence")


def check(data: bytes) -> None:
    text = data.decode(errors="replace")
    notice = parse_notice(text)
    assert (notice is not None) == text.startswith(SERVER_PREFIX), "a member's words were taken for the relay's"
    if notice is not None:
        assert encode_notice(notice).decode() == text
        assert parse_notice(encode_notice(notice).decode()) == notice
