"""A Unix socket that only its owner and root may use, and who speaks over it."""

import errno
import os
import socket
import stat
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from relay_server.net.sockets import ListenError

MAX_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103
BACKLOG: Final = 16

_CREDENTIALS = struct.Struct("=iII")
_ANSWER_SECONDS: Final = 1.0


class Credentials(NamedTuple):
    """The process at the other end, as the kernel knows it; -1 where it doesn't tell."""

    uid: int
    pid: int


class UnixSocket:
    """A listening socket, and the file that stands for it."""

    def __init__(self, path: Path, sock: socket.socket) -> None:
        self.path = path
        self.sock = sock
        self._file = _identity(path)

    def remove(self) -> None:
        """Remove the file, unless it is somebody else's by now."""
        with suppress(OSError):
            if _identity(self.path) == self._file:
                self.path.unlink()


def listen_unix(path: Path) -> UnixSocket:
    """Listen on a path, with mode 0600; what a relay that died left there is taken away.

    Raises:
        ListenError: it can't be had.

    """
    size_bytes = len(os.fsencode(path))
    if size_bytes > MAX_PATH_BYTES:
        raise ListenError(f"{path} has {size_bytes} bytes, a socket's path at most {MAX_PATH_BYTES}: shorten it.")
    try:
        try:
            return _bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        _remove_stale(path)
        return _bind(path)
    except FileNotFoundError:
        raise ListenError(f"{path} can't be listened on: the directory isn't there, make it.") from None
    except PermissionError:
        raise ListenError(f"{path} can't be listened on: the relay's user may not write to the directory.") from None
    except OSError as error:
        raise ListenError(f"{path} can't be listened on ({error.strerror}): choose another path.") from None


def credentials_of(sock: socket.socket) -> Credentials:
    """Ask the kernel who is at the other end of a connection."""
    if sys.platform != "linux":
        return Credentials(-1, -1)
    pid, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Credentials(uid, pid)


def _bind(path: Path) -> UnixSocket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # there is no moment in which others may connect
    try:
        sock.bind(os.fspath(path))
    except BaseException:
        sock.close()
        raise
    finally:
        os.umask(before)
    sock.setblocking(False)
    sock.listen(BACKLOG)
    return UnixSocket(path, sock)


def _remove_stale(path: Path) -> None:
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise ListenError(f"{path} is there, and is no socket: choose another path.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_ANSWER_SECONDS)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()  # nobody listens any more
            return
        except TimeoutError:
            pass  # somebody does, and is busy
    raise ListenError(f"{path} is in use by another relay: end that one or choose another path.", in_use=True)


def _identity(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino, found.st_mtime_ns  # a new file may get an old one's number
