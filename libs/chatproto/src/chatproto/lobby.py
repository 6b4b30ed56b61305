"""Datagrams of the lobby (stage 1): LOB-01."""

from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_NAME_BYTES


def encode_lobby(name: bytes, message: bytes = b"") -> bytes:
    """Lay out a lobby datagram; the form is the same in both directions (LOB-01, LOB-03).

    Raises:
        ValueError: the name is empty or over 255 bytes, or the whole is over 4096.

    """
    if not 0 < len(name) <= MAX_NAME_BYTES:
        raise ValueError("The user name needs 1 to 255 bytes.")
    datagram = bytes((len(name),)) + name + message
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise ValueError(f"The message is too long by {len(datagram) - MAX_DATAGRAM_BYTES} bytes.")
    return datagram


def parse_lobby(data: bytes) -> tuple[bytes, bytes] | None:
    """Split a lobby datagram of any length into user name and message; None if it is malformed (LOB-05)."""
    if not data or not data[0]:
        return None
    message_start = 1 + data[0]
    if message_start > len(data):
        return None
    return data[1:message_start], data[message_start:]
