"""What becomes of datagrams that are handed to a socket, whichever way it sends them."""

from typing import Final, NamedTuple

from relay_server.net.address import UdpAddress

RECEIVE_BATCH: Final = 512
"""Datagrams that are read at once at most."""


class SendError(NamedTuple):
    """A datagram that the kernel refused: to whom, why (errno), and what it was."""

    target: UdpAddress
    reason: int
    payload: bytes


class Sent(NamedTuple):
    """What became of datagrams: how many the kernel took, their bytes, and those it refused."""

    copies: int
    volume: int
    errors: list[SendError]


NOTHING_SENT: Final = Sent(0, 0, [])
