"""The directory of a relay's state: it is there, not everybody may write to it, and no other relay uses it."""

import os
import stat
import sys
from pathlib import Path
from typing import Final

from relay_server.settings import SettingsError

if sys.platform != "win32":
    import fcntl

LOCK: Final = "lock"
MODE: Final = 0o600

_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class StateDirectoryError(SettingsError):
    """The directory can't be used; ``str()`` is one sentence that says why and what to do."""


def lock_directory(directory: Path) -> int:
    """Take the directory for this relay; returns the lock's descriptor, which has to stay open.

    The lock belongs to the open file: a process that is handed the descriptor holds it, too.

    Raises:
        StateDirectoryError: it can't be used, or another relay uses it.

    """
    if sys.platform == "win32":
        raise StateDirectoryError(
            "This system has no file locks of the kind needed: leave RELAY_STATE_DIRECTORY empty."
        )
    _check(directory)
    try:
        descriptor = os.open(directory / LOCK, _FLAGS, MODE)
    except OSError as error:
        why = f"its file {LOCK!r} can't be opened ({error.strerror})"
        raise _refuse(directory, why, "let the relay's user write there, and remove what is no file") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise _refuse(directory, "another relay uses it", "end that one or choose another directory") from None
        why = f"it can't be locked ({error.strerror})"
        raise _refuse(directory, why, "choose a directory on this machine's own disk") from None
    return descriptor


def _check(directory: Path) -> None:
    try:
        found = directory.stat()
    except OSError as error:
        why = "it isn't there" if isinstance(error, FileNotFoundError) else f"it can't be read ({error.strerror})"
        raise _refuse(directory, why, "make it for the relay's user alone") from None
    if not stat.S_ISDIR(found.st_mode):
        raise _refuse(directory, "it is no directory", "name one")
    if found.st_mode & stat.S_IWOTH:
        raise _refuse(directory, "every user may write there", "take a directory of the relay's user alone (mode 0700)")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise _refuse(directory, "the relay's user may not write there", "give it to that user")


def _refuse(directory: Path, why: str, advice: str) -> StateDirectoryError:
    return StateDirectoryError(f"RELAY_STATE_DIRECTORY is {str(directory)!r}: {why}; {advice}.")
