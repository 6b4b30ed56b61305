"""What was typed before, an arrow away; passwords are never kept."""

from typing import Final

from messenger.core.commands import is_secret

MAX_KEPT: Final = 500


class Recall:
    """The lines that were sent, and where in them one looks."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._at = 0
        self._draft = ""

    def keep(self, line: str) -> None:
        """Take a line that was sent, unless it is empty, a password or the same again; look at none any more."""
        if line.strip() and not is_secret(line) and self._lines[-1:] != [line]:
            self._lines.append(line)
            del self._lines[:-MAX_KEPT]
        self._at, self._draft = len(self._lines), ""

    def older(self, typed: str) -> str | None:
        """Return the line before; None if there is none. What stands there now comes back after the newest."""
        if self._at == 0:
            return None
        if self._at == len(self._lines):
            self._draft = typed
        self._at -= 1
        return self._lines[self._at]

    def newer(self) -> str | None:
        """Return the line after; None if there is none."""
        if self._at == len(self._lines):
            return None
        self._at += 1
        return self._lines[self._at] if self._at < len(self._lines) else self._draft
