"""Datagrams of a room's chat (stage 2): UDP-01 and UDP-05."""

from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_NAME_BYTES, MAX_TOKEN_BYTES


def encode_datagram(room: bytes, token: bytes, message: bytes = b"") -> bytes:
    """Lay out a datagram from client to relay; without a message it is a keep-alive (UDP-01, UDP-07).

    Raises:
        ValueError: the room name, the token or the whole is too long.

    """
    if not 0 < len(room) <= MAX_NAME_BYTES or not 0 < len(token) <= MAX_TOKEN_BYTES:
        raise ValueError("The room name and the token need 1 to 255 bytes each.")
    datagram = bytes((len(room), len(token))) + room + token + message
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise ValueError(f"The message is too long by {len(datagram) - MAX_DATAGRAM_BYTES} bytes.")
    return datagram


def parse_datagram(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Split a datagram of any length into room name, token and message; None if it is malformed (UDP-01)."""
    if len(data) < 4 or not data[0] or not data[1]:
        return None
    token_start = 2 + data[0]
    message_start = token_start + data[1]
    if message_start > len(data):
        return None
    return data[2:token_start], data[token_start:message_start], data[message_start:]


def split_attribution(delivery: str) -> tuple[str | None, str]:
    """Split a relayed ``name: message`` into both; the name is None where there is none (UDP-05)."""
    before, separator, message = delivery.partition(":")
    name = before.rstrip(" ")
    if not separator or not name or len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        return None, delivery
    return name, message.removeprefix(" ")
