"""Who is in a room: as the relay lists them, and as they come and go after that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from chatproto import MemberList
from chatproto.constants import MAX_NAME_BYTES

MAX_PEOPLE: Final = 2000
"""So many are kept by name, twice what a relay lets into a room by default; the others are counted: a hostile relay may
make up any number of them."""
MAX_COUNTED: Final = 10**9
"""A relay may claim that any number of people is there; this many can be shown, and counted by a machine."""
MAX_HEARD: Final = 1000
"""Where the relay lists nobody, who speaks is noted, up to so many names: they may be made up."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a room."""

    name: str
    host: bool = False
    muted: bool = False
    away: bool = False
    """Whether the seat waits for a connection that broke."""
    ignored: bool = False
    """By the person before the screen alone; no list of the relay's says that."""


class _Names:
    """People by name, in the order in which they came, and how many others there are."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.others = 0

    def keep(self, person: Person, limit: int = MAX_PEOPLE) -> bool:
        """Keep somebody by name, unless there are too many or the name is longer than any may be."""
        known = person.name in self.people
        if not known and (len(self.people) >= limit or len(person.name) > MAX_NAME_BYTES):
            return False
        self.people[person.name] = person
        return True

    def add(self, person: Person) -> None:
        """Keep somebody, or count one more."""
        self.others += not self.keep(person)

    def remove(self, name: str) -> None:
        """Forget somebody, or count one less."""
        if self.people.pop(name, None) is None and self.others:
            self.others -= 1


class Roster:
    """The people of one chat, in the order in which they came."""

    def __init__(self) -> None:
        self._names = _Names()
        self._listed = _Names()
        self.known = False
        """Whether the relay listed them; if not, they are those who were heard of."""

    @property
    def people(self) -> Sequence[Person]:
        """Everybody who is known by name, the host first; there may be more, see `others`."""
        return sorted(self._names.people.values(), key=lambda person: not person.host)

    @property
    def others(self) -> int:
        """How many more there are, whose names aren't kept."""
        return self._names.others

    def __contains__(self, name: str) -> bool:
        return name in self._names.people

    def __len__(self) -> int:
        return len(self._names.people) + self._names.others

    def clear(self) -> None:
        """Forget everybody."""
        self._names, self._listed, self.known = _Names(), _Names(), False

    def add(self, name: str, *, host: bool = False) -> None:
        """Take note that somebody came."""
        self._names.add(Person(name, host))

    def remove(self, name: str) -> None:
        """Take note that somebody went."""
        self._names.remove(name)

    def hear(self, name: str) -> None:
        """Take note that somebody spoke."""
        known = self._names.people.get(name)
        if known is None and not self.known:
            self._names.keep(Person(name), MAX_HEARD)
        elif known is not None and known.away:
            self._names.keep(replace(known, away=False))

    def hand_over(self, name: str) -> None:
        """Take note that somebody is the host now, and nobody else."""
        people = self._names.people
        for person in [person for person in people.values() if person.host]:
            people[person.name] = replace(person, host=False)
        self._names.keep(replace(people.get(name, Person(name)), host=True))

    def take_list(self, listed: MemberList) -> None:
        """Take the relay's list, or a further part of it (MOD-02); it counts once its last part has come.

        Who stands in no part, or in one that got lost, is counted.
        """
        if listed.part == 1:
            self._listed = _Names()
        for member in listed.members:
            self._listed.keep(Person(member.name, member.host, member.muted, member.away))
        if not listed.more:
            self._listed.others = max(0, min(listed.total, MAX_COUNTED) - len(self._listed.people))
            self._names, self._listed, self.known = self._listed, _Names(), True
