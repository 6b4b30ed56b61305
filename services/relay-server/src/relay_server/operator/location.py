"""Where operators' commands reach the relay: a socket in a directory that the relay's user has for itself."""

import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import Final

from relay_server.net.sockets import ListenError
from relay_server.operator.client import AdminError
from relay_server.operator.unix_socket import UnixSocket, listen_unix

AUTO: Final = "auto"
SERVICE_DIRECTORY: Final = Path("/run/chat-relay")
"""What systemd's unit and the compose file make for the relay alone."""
SUPPORTED: Final = hasattr(socket, "AF_UNIX")


def listen_for_operators(setting: str, tcp_port: int, inherited: UnixSocket | None = None) -> UnixSocket | None:
    """Open the socket, or take the inherited one if it is at its place; None if there is to be none.

    Raises:
        ListenError: it can't be had.

    """
    place = _place(setting, tcp_port)
    if place is None:
        return None
    if inherited and inherited.path == place:
        return inherited
    return listen_unix(place)


def _place(setting: str, tcp_port: int) -> Path | None:
    if not setting:
        return None
    if not SUPPORTED:
        raise ListenError("This system has no Unix sockets: leave RELAY_ADMIN_SOCKET empty.")
    if setting != AUTO:
        return Path(setting)
    directory = SERVICE_DIRECTORY if _may_write(SERVICE_DIRECTORY) else _own_directory()
    return directory / _name(tcp_port)


def find_relay(setting: str, tcp_port: int) -> Path:
    """Return the path of a running relay's socket, or where one would be.

    Raises:
        AdminError: it is where only the relay's user and root may look.

    """
    if setting != AUTO:
        return Path(setting)
    paths = (SERVICE_DIRECTORY / _name(tcp_port), _own_path() / _name(tcp_port))
    for path in paths:
        if os.path.exists(path):  # noqa: PTH110 - pathlib's raises where one may not look
            return path
    if os.path.lexists(SERVICE_DIRECTORY) and not os.access(SERVICE_DIRECTORY, os.X_OK):
        raise AdminError(f"{SERVICE_DIRECTORY} is for the relay's user and root alone: say sudo.")
    return paths[-1]


def _name(tcp_port: int) -> str:
    """Tell the relays of one user apart as their ports do."""
    return f"{tcp_port}.sock"


def _may_write(directory: Path) -> bool:
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)


def _own_path() -> Path:
    try:
        parent = tempfile.gettempdir()
    except FileNotFoundError:  # nothing can be written, as in a container that is read-only
        parent = os.sep
    return Path(parent, f"chat-relay-{os.getuid()}")


def _own_directory() -> Path:
    """Make the user's own directory, or see that it is nobody else's: everybody may write to its parent."""
    path = _own_path()
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise ListenError(f"{path} can't be made ({error.strerror}): name a place in RELAY_ADMIN_SOCKET.") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ListenError(f"{path} isn't a directory for this user alone: remove it.")
    return path
