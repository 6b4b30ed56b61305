"""Tell the program that started us, if it asked, that we serve or stop (systemd's ``Type=notify``)."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum


class State(StrEnum):
    """What a supervisor wants to know, in its words."""

    READY = "READY=1"
    STOPPING = "STOPPING=1"


def tell_supervisor(state: State, environ: Mapping[str, str]) -> None:
    """Send the state to the socket that ``NOTIFY_SOCKET`` names; does nothing where there is none."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    if path.startswith("@"):
        path = f"\0{path[1:]}"  # Linux's abstract names
    # A supervisor that doesn't listen any more is no reason to stop serving.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), path)
