"""Datagrams of rooms and lobby, taken apart and put together again (UDP-01, UDP-05, LOB-01)."""

from typing import Final

from chatproto import encode_datagram, encode_lobby, parse_datagram, parse_lobby, split_attribution
from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_NAME_BYTES

SEEDS: Final = (
    encode_datagram(b"lab", b"Zq3vK8xW1sNd0aTgYb5LrQ", b"hello"),
    encode_datagram(b"r" * 255, b"t" * 255),
    encode_lobby(b"ann", b"hello"),
    b"\x05\x05room",
    b"ann: hello",
    b"ann   :: hello",
    b"",
)
WORDS: Final = (b": ", b" :", b"\xff\xff", b"\x01\x01")


def check(data: bytes) -> None:
    check_room(data)
    check_lobby(data)
    delivery = data.decode(errors="replace")
    name, message = split_attribution(delivery)
    if name is None:
        assert message == delivery
    else:
        assert ":" not in name
        assert 0 < len(name.encode()) <= MAX_NAME_BYTES
        assert delivery.startswith(name)
        assert delivery.endswith(message)
        assert split_attribution(f"{name}: {message}") == (name, message)


def check_room(data: bytes) -> None:
    parts = parse_datagram(data)
    if parts is None:
        assert len(data) < 4 or 0 in data[:2] or len(data) < 2 + data[0] + data[1]
        return
    room, token, message = parts
    assert (len(room), len(token)) == (data[0], data[1])
    assert data[2:] == room + token + message
    if len(data) <= MAX_DATAGRAM_BYTES:
        assert encode_datagram(room, token, message) == data


def check_lobby(data: bytes) -> None:
    parts = parse_lobby(data)
    if parts is None:
        assert not data or not data[0] or len(data) < 1 + data[0]
        return
    name, message = parts
    assert len(name) == data[0]
    assert data[1:] == name + message
    if len(data) <= MAX_DATAGRAM_BYTES:
        assert encode_lobby(name, message) == data
