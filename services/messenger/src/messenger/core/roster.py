"""Who is in a room: as the relay lists them, and as they come and go after that."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

MAX_HEARD: Final = 1000
"""Where the relay lists nobody, who speaks is noted, up to so many names: they may be made up."""

_FIRST = re.compile(r"(\d+) here:(?: (.*))?", re.DOTALL)
_MORE = re.compile(r"\.\.\. (.*)", re.DOTALL)
_TAIL = re.compile(r"(?: and \d+ more)?\.$|,$")
_MARKED = re.compile(r"(.+) \((host|muted)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a room."""

    name: str
    host: bool = False
    muted: bool = False


class Roster:
    """The people of one place, in the order in which they came."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}
        self._listed: dict[str, Person] | None = None
        self.known = False
        """Whether the relay listed them; if not, they are those who were heard of."""

    @property
    def people(self) -> Sequence[Person]:
        """Everybody, the host first."""
        return sorted(self._people.values(), key=lambda person: not person.host)

    def __contains__(self, name: str) -> bool:
        return name in self._people

    def __len__(self) -> int:
        return len(self._people)

    def clear(self) -> None:
        """Forget everybody."""
        self._people.clear()
        self._listed, self.known = None, False

    def add(self, name: str, *, host: bool = False) -> None:
        """Take note that somebody came."""
        self._people[name] = Person(name, host)

    def remove(self, name: str) -> None:
        """Take note that somebody went."""
        self._people.pop(name, None)

    def hear(self, name: str) -> None:
        """Take note that somebody spoke."""
        if name not in self._people and len(self._people) < MAX_HEARD:
            self.add(name)

    def hand_over(self, name: str) -> None:
        """Take note that somebody is the host now, and nobody else."""
        self.hear(name)
        for person in list(self._people.values()):
            self._people[person.name] = replace(person, host=person.name == name)

    def take_list(self, text: str) -> bool:
        """Take a notice as the relay's list, or as a further part of it (MOD-02); False if it is neither.

        Names are parted by commas, so one that has a comma itself comes out as two.
        """
        if found := _FIRST.fullmatch(text):
            self._listed = {}
        elif self._listed is None or not (found := _MORE.fullmatch(text)):
            return False
        names = found[found.re.groups] or ""
        for name in _TAIL.sub("", names, count=1).split(", "):
            marked = _MARKED.fullmatch(name)
            if marked:
                self._listed[marked[1]] = Person(marked[1], marked[2] == "host", marked[2] == "muted")
            elif name:
                self._listed[name] = Person(name)
        if not text.endswith(","):
            self._people, self._listed, self.known = self._listed, None, True
        return True
