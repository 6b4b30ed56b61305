"""A file of lines with checksums: appended to at each change, and written anew when it has grown (decision 28).

A file that lacks a change is removed: who was banned or kicked meanwhile would be back. The lines' content is opaque
here. Each is written as the CRC-32 of its content in eight hexadecimal digits, a space, and the content.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from zlib import crc32

from relay_server.state.directory import MODE, lock_directory

FILE: Final = "journal"
NEXT: Final = "journal.next"
BAD: Final = "journal.bad"
GROWTH: Final = 4
"""The file is written anew when it is so many times as large as it was when it was new..."""
SPARE_BYTES: Final = 1 << 20
"""...and so much besides."""

_CLOSED = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _CLOSED
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _CLOSED
_SUM_BYTES = 8


class DamagedError(Exception):
    """The file isn't what this relay's user wrote; ``str()`` says why."""


class Journal:
    """The file, and a next one while it is written anew; ``lock`` is a lock that was handed over."""

    def __init__(self, directory: Path, lock: int | None = None) -> None:
        """Take the directory.

        Raises:
            StateDirectoryError: it can't be used, or another relay uses it.

        """
        self.lock = lock_directory(directory) if lock is None else lock
        self._directory = directory
        self._path = directory / FILE
        self._file: _LineFile | None = None
        self._next: _LineFile | None = None
        self._new_bytes = 0

    @property
    def is_current(self) -> bool:
        """Whether everything that was appended is in the file."""
        return self._file is not None

    @property
    def is_renewing(self) -> bool:
        """Whether the file is being written anew."""
        return self._next is not None

    @property
    def size_bytes(self) -> int:
        """How large the file is; 0 if it isn't current."""
        return self._file.size_bytes if self._file else 0

    @property
    def has_grown(self) -> bool:
        """Whether the file is worth writing anew."""
        return self.size_bytes > GROWTH * self._new_bytes + SPARE_BYTES

    def written_at(self) -> float | None:
        """Return when the file was written or touched last, in seconds since 1970; None if there is none."""
        try:
            return self._path.lstat().st_mtime
        except OSError:
            return None

    def lines(self) -> Iterator[bytes]:
        """Yield the content of every line; a last one without its end is the rest of a write that was cut short.

        Raises:
            DamagedError: the file isn't what a relay of this user wrote.

        """
        try:
            with os.fdopen(os.open(self._path, _READ), "rb") as file:
                _check_owner(file.fileno())
                for line in file:
                    if line.endswith(b"\n"):
                        yield _content(line)
        except OSError as error:
            raise DamagedError(f"it can't be read ({error.strerror})") from None

    def set_aside(self) -> None:
        """Keep the file under another name, in place of the one that was set aside before; or remove it."""
        try:
            self._path.replace(self._path.with_name(BAD))
        except OSError:
            self.clear()  # else the next start would find it again

    def renew(self) -> None:
        """Begin a new file, to which `add` writes; what is appended from now on goes into both.

        Raises:
            OSError: it can't be made; an old one that isn't current is gone.

        """
        self.abandon()
        path = self._path.with_name(NEXT)
        try:
            path.unlink(missing_ok=True)
            self._next = _LineFile(path)
        except OSError:
            self._give_up()
            raise

    def add(self, lines: Iterable[bytes]) -> int:
        """Write lines to the new file alone, unless it was given up; returns how many bytes it took.

        Raises:
            OSError: they can't be written; the new file is gone, and so is an old one that isn't current.

        """
        try:
            return self._next.append(_with_sums(lines)) if self._next else 0
        except OSError:
            self._give_up()
            raise

    def put_in_place(self) -> None:
        """Let the new file take the old one's place, unless it was given up.

        Raises:
            OSError: it can't; the new file is gone, and so is an old one that isn't current.

        """
        if self._next is None:
            return
        try:
            self._path.with_name(NEXT).replace(self._path)
        except OSError:
            self._give_up()
            raise
        self._drop_file()
        self._file, self._next = self._next, None
        self._new_bytes = self._file.size_bytes

    def abandon(self) -> None:
        """Give the new file up, if there is one."""
        if self._next is not None:
            self._next.close()
            self._next = None
            with suppress(OSError):
                self._path.with_name(NEXT).unlink()

    def append(self, lines: Iterable[bytes]) -> int:
        """Write lines by one call, to each file there is; returns how many bytes that took.

        Raises:
            OSError: they can't be written to every file; all are gone.

        """
        data, files = _with_sums(lines), [file for file in (self._file, self._next) if file]
        try:
            return sum(file.append(data) for file in files)
        except OSError:
            self.clear()
            raise

    def touch(self) -> None:
        """Note that the relay lives, so that the file doesn't get old.

        Raises:
            OSError: it can't be noted, or somebody took the file away; it isn't current any more.

        """
        try:
            if self._file is not None:
                self._file.touch(self._path)
        except OSError:
            self.clear()
            raise

    def clear(self) -> None:
        """Forget everything: the next start finds nothing."""
        self.abandon()
        self._drop_file()
        with suppress(OSError):
            self._path.unlink()

    def close(self) -> None:
        """Write no more, and let another relay have the directory."""
        self.abandon()
        self._drop_file()
        os.close(self.lock)

    def _give_up(self) -> None:
        self.abandon() if self.is_current else self.clear()

    def _drop_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _LineFile:
    """A file that is only appended to."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, _WRITE, MODE)
        self.size_bytes = 0

    def append(self, data: bytes) -> int:
        if os.write(self._descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as the next write would
        self.size_bytes += len(data)
        return len(data)

    def touch(self, path: Path) -> None:
        if not os.path.samestat(path.lstat(), os.fstat(self._descriptor)):
            raise FileNotFoundError(errno.ENOENT, "another file is in its place")
        os.utime(self._descriptor)

    def close(self) -> None:
        with suppress(OSError):  # some file systems tell of a full disk only here
            os.close(self._descriptor)


def _with_sums(lines: Iterable[bytes]) -> bytes:
    """Write lines, which end with a line feed, with their checksums."""
    return b"".join(b"%08x %s" % (crc32(line[:-1]), line) for line in lines)


def _content(line: bytes) -> bytes:
    content = line[_SUM_BYTES + 1 :]
    if line[: _SUM_BYTES + 1] != b"%08x " % crc32(content[:-1]):
        raise DamagedError("a checksum is wrong")
    return content


def _check_owner(descriptor: int) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise DamagedError("it is no file")
    if found.st_uid != os.geteuid():
        raise DamagedError("it belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise DamagedError("other users may write to it")
