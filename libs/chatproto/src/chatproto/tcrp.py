"""TCRP frames on TCP: encode them, and decode them from any split of the bytes (TCP-01 to TCP-03)."""

import re
from dataclasses import dataclass

from chatproto.constants import HEADER_BYTES, MAX_NAME_BYTES, MAX_PAYLOAD_BYTES, PAYLOAD_SIZE_BYTES
from chatproto.errors import PayloadTooLargeError

_ASCII_NUMBER = re.compile(rb"[\0 ]*([0-9]+)[\0 ]*")


@dataclass(frozen=True, slots=True)
class Frame:
    """One TCRP frame; ``operation`` and ``state`` are raw bytes' values, legal or not."""

    operation: int
    state: int
    room: bytes
    payload: bytes


def encode_frame(frame: Frame) -> bytes:
    """Lay out a frame: 32 bytes of header, the room name, the payload (TCP-01).

    Raises:
        ValueError: the room name is over 255 bytes or the payload over 2^29.

    """
    if len(frame.room) > MAX_NAME_BYTES or len(frame.payload) > MAX_PAYLOAD_BYTES:
        raise ValueError("The room name or the payload is too long for a TCRP frame.")
    size = len(frame.payload).to_bytes(PAYLOAD_SIZE_BYTES, "big")
    return bytes((len(frame.room), frame.operation, frame.state)) + size + frame.room + frame.payload


def decode_payload_size(field: bytes | bytearray) -> int:
    """Read OperationPayloadSize, 29 bytes: big-endian, else as LEN-01 forgives; may exceed 2^29."""
    size = int.from_bytes(field, "big")
    if size <= MAX_PAYLOAD_BYTES:
        return size
    if digits := _ASCII_NUMBER.fullmatch(field):
        return int(digits[1])
    little_endian = int.from_bytes(field, "little")
    return little_endian if little_endian <= MAX_PAYLOAD_BYTES else size


class FrameDecoder:
    """Turn pieces of a byte stream into frames; any split of the bytes gives the same frames (TCP-03)."""

    def __init__(self, max_payload_bytes: int) -> None:
        self._max_payload_bytes = max_payload_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._buffer += data

    @property
    def operation(self) -> int:
        """The operation of the frame that is under way; 0 until that byte has come."""
        return self._buffer[1] if len(self._buffer) > 1 else 0

    def next_frame(self) -> Frame | None:
        """Return the next whole frame, or None until more bytes come.

        Raises:
            PayloadTooLargeError: a header announces more than the limit; known from the header alone.

        """
        buffer = self._buffer
        if len(buffer) < HEADER_BYTES:
            return None
        payload_size = decode_payload_size(buffer[3:HEADER_BYTES])
        if payload_size > self._max_payload_bytes:
            raise PayloadTooLargeError(f"The payload's size is over the limit of {self._max_payload_bytes} bytes.")
        payload_start = HEADER_BYTES + buffer[0]
        end = payload_start + payload_size
        if len(buffer) < end:
            return None
        frame = Frame(buffer[1], buffer[2], bytes(buffer[HEADER_BYTES:payload_start]), bytes(buffer[payload_start:end]))
        del buffer[:end]
        return frame

    def take_rest(self) -> bytes:
        """Return and forget the bytes that are no part of a frame returned so far."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest
