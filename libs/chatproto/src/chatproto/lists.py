"""Lists of people, each in notices that travel in one packet (MOD-02, FEAT-03)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ListedMember:
    """A member in a list."""

    name: str
    host: bool = False
    muted: bool = False
    away: bool = False
    """Whether its stream is broken, and its seat waits for it (STR-06); prose doesn't tell."""

    def __str__(self) -> str:
        return f"{self.name} (host)" if self.host else f"{self.name} (muted)" if self.muted else self.name


@dataclass(frozen=True, slots=True)
class MemberList:
    """Who is in the room, or a part of that."""

    KIND: ClassVar = "members"

    members: tuple[ListedMember, ...]
    total: int
    """How many members the room has."""
    part: int
    """Which notice of the list this is, from 1."""
    more: bool
    """Whether another part follows."""
    unlisted: int = 0
    """How many members come in no part: lists have an end. In the last part."""

    def __str__(self) -> str:
        return _line(f"{self.total} here:", self.members, self)


@dataclass(frozen=True, slots=True)
class BanList:
    """Whom the room doesn't let in, or a part of that."""

    KIND: ClassVar = "bans"

    names: tuple[str, ...]
    """Of people, or addresses that operators banned."""
    part: int
    more: bool
    unlisted: int = 0

    def __str__(self) -> str:
        return _line("Banned:", self.names, self)


CONTINUED = "..."
"""What later parts of a list begin with in prose."""


def _line(title: str, names: Sequence[object], part: MemberList | BanList) -> str:
    """Write a part so that no name in it can make another notice of it: it ends in a comma or a full stop."""
    if not names:
        return f"{title} nobody."
    shown = f"{title if part.part == 1 else CONTINUED} {', '.join(map(str, names))}"
    if part.unlisted:
        return f"{shown}, and {part.unlisted} more."
    return f"{shown}{',' if part.more else '.'}"
