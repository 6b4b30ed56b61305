"""Lines that were typed before, to go back to; no toolkit in it."""

from typing import Final

from messenger.commands import is_secret

MAX_RECALLED: Final = 200


class Recall:
    """Goes back and forth among the lines that were sent."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._at = 0

    def add(self, line: str) -> None:
        """Note a line that was sent, unless it holds a password."""
        if line.strip() and not is_secret(line) and self._lines[-1:] != [line]:
            self._lines.append(line)
            del self._lines[:-MAX_RECALLED]
        self._at = len(self._lines)

    def earlier(self) -> str | None:
        """Return the line before; None if there is none."""
        if self._at == 0:
            return None
        self._at -= 1
        return self._lines[self._at]

    def later(self) -> str | None:
        """Return the line after, in the end an empty one; None if one hasn't gone back."""
        if self._at >= len(self._lines):
            return None
        self._at += 1
        return self._lines[self._at] if self._at < len(self._lines) else ""
