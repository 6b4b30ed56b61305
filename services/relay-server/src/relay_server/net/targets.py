"""Rows of addresses, laid out as Linux's ``sendmmsg`` takes them: the data path never converts one."""

import struct
from collections.abc import Iterable
from typing import Final

from relay_server.net.address import ADDRESS_BYTES, UdpAddress

TARGET_BYTES: Final = 96
"""An address among several in a row: 8 more bytes, zero, that end the control message (any interface), and a
second control message (24) that says how the kernel is to cut what it sends there."""
SEGMENT_OFFSET: Final = 88
"""Where in a target the size of such a piece stands (16 bits); 0: it isn't cut."""

_CONTROL = struct.Struct("=QII")
_SOL_UDP, _UDP_SEGMENT, _SEGMENT_CMSG_BYTES = 17, 103, 18
_TAIL = bytes(8) + _CONTROL.pack(_SEGMENT_CMSG_BYTES, _SOL_UDP, _UDP_SEGMENT) + bytes(8)


def pack_targets(addresses: Iterable[UdpAddress]) -> bytes:
    """Put addresses in a row, 96 bytes each."""
    return b"".join(targets_of(addresses))


def targets_of(addresses: Iterable[UdpAddress]) -> list[bytes]:
    """Return a row of one for each address."""
    return [address + _TAIL for address in addresses]


def unpack_targets(targets: bytes) -> list[UdpAddress]:
    """Take a row of addresses apart."""
    return [targets[i : i + ADDRESS_BYTES] for i in range(0, len(targets), TARGET_BYTES)]


def targets_but(row: bytes, end: int) -> bytes:
    """Return a row without the target that ends at this offset; all of it for 0."""
    return row[: end - TARGET_BYTES] + row[end:] if end else row
