"""Answers of a relay as people read them; names come from strangers, so nothing in them drives a terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from wcwidth import wcswidth

Row: TypeAlias = Mapping[str, Any]
Column: TypeAlias = tuple[str, Callable[[Row], str]]

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def show_rooms(rows: Sequence[Row]) -> str:
    """Lay rooms out in columns."""
    return _table(rows, _ROOMS) if rows else "There are no rooms.\n"


def show_members(rows: Sequence[Row]) -> str:
    """Lay members out in columns."""
    return _table(rows, _MEMBERS) if rows else "Nobody is in the room.\n"


def show_bans(rows: Sequence[Row]) -> str:
    """Lay bans out in columns."""
    return _table(rows, _BANS) if rows else "Nobody is banned.\n"


def show_text(text: str) -> str:
    """Write what can't be shown, and what reorders or hides the text around it, as escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def show_duration(seconds: float) -> str:
    """Write a duration in its two largest units."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02}h"


def _text(key: str) -> Callable[[Row], str]:
    return lambda row: "-" if row[key] is None else show_text(str(row[key]))


def _duration(key: str) -> Callable[[Row], str]:
    return lambda row: show_duration(row[key])


def _flag(key: str) -> Callable[[Row], str]:
    return lambda row: "yes" if row[key] else "-"


_ROOMS: Final[Sequence[Column]] = (
    ("ROOM", _text("room")),
    ("HOST", _text("host")),
    ("MEMBERS", _text("members")),
    ("AGE", _duration("age_seconds")),
    ("PASSWORD", _flag("password")),
    ("TOPIC", _text("topic")),
)
_MEMBERS: Final[Sequence[Column]] = (
    ("NAME", _text("name")),
    ("IP", _text("ip")),
    ("PORT", _text("port")),
    ("AGE", _duration("age_seconds")),
    ("SILENT", _duration("silence_seconds")),
    ("HOST", _flag("host")),
    ("MUTED", _flag("muted")),
)

_BANS: Final[Sequence[Column]] = (("NAME", _text("name")), ("ADDRESS", _text("address")))


def _table(rows: Iterable[Row], columns: Sequence[Column]) -> str:
    lines = [[title for title, _ in columns], *([write(row) for _, write in columns] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(map(_pad, line, widths)) for line in lines)
    return "".join(f"{line.rstrip()}\n" for line in padded)


def _pad(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Return how many columns of a terminal the text takes: kanji take two each."""
    return max(wcswidth(text), 0)
