"""Whom a person doesn't want to read: by name, on one server, and nobody else hears of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from messenger.core.matching import name_key


class IgnoredError(Exception):
    """The names can't be read or kept; ``str()`` is the sentence that says why."""


class IgnoreStore(Protocol):
    """What keeps the names."""

    def names(self, host: str) -> Sequence[str]:
        """Return the names that are ignored on a server.

        Raises:
            IgnoredError: they can't be read.

        """
        ...

    def keep(self, host: str, names: Sequence[str]) -> None:
        """Ignore these names on a server from now on, and nobody else.

        Raises:
            IgnoredError: they can't be kept.

        """
        ...


class Outcome(Enum):
    """What became of a wish about somebody."""

    IGNORED = auto()
    SEEN = auto()
    """What they say is shown again."""
    ONESELF = auto()
    """Nobody ignores oneself."""
    NEVER = auto()
    """They weren't ignored."""


@dataclass(frozen=True, slots=True)
class Ignoring:
    """Whom it was about, and what became of it."""

    name: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class IgnoredNames:
    """Everybody who is ignored on a server."""

    names: tuple[str, ...]


def without(names: Sequence[str], name: str) -> list[str]:
    """Return the names but for one, however it is spelt."""
    return [each for each in names if name_key(each) != name_key(name)]
