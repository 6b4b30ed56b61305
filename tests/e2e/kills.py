"""Relays that are killed at the worst moment: each function is a program's weakness (see `faults.weakening`)."""

import os
import signal
from collections.abc import Sequence

from faults.weakening import replace
from relay_server.net.fanout import GsoBatch
from relay_server.net.tcp import Connection
from relay_server.net.udp import UdpPort


def killed_when_a_kick_is_told() -> None:
    """Let the relay be killed in the moment after a notice that somebody was kicked."""
    send = UdpPort._send_notices

    def tell(port: UdpPort, batches: Sequence[GsoBatch]) -> None:
        send(port, batches)
        if any(b"kicked" in payload for payload, *_ in batches):
            os.kill(os.getpid(), signal.SIGKILL)

    replace(UdpPort, "_send_notices", tell)


def killed_when_a_join_is_told() -> None:
    """Let the relay be killed in the moment after the first completion."""
    complete = Connection._complete

    def tell(connection: Connection, before: bytes = b"") -> None:
        complete(connection, before)
        os.kill(os.getpid(), signal.SIGKILL)

    replace(Connection, "_complete", tell)
