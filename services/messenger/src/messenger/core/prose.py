"""Lists of members in prose, from relays that know no facts (MOD-02): no other sentence of a relay is read here."""

import re
from typing import Final

from chatproto import ListedMember, MemberList

_FIRST: Final = re.compile(r"(?P<total>\d{1,9}) here: (?P<names>.+)")
_FURTHER: Final = re.compile(r"\.\.\. (?P<names>.+)")
_END: Final = re.compile(r"(?:,? and (?P<more>\d{1,9}) more)?\.$|,$")
_MARKED: Final = re.compile(r"(?P<name>.+) \((?P<mark>host|muted)\)")


class ProseLists:
    """Reads one list after another, each of which may come in parts."""

    def __init__(self) -> None:
        self._total = 0
        self._part = 0
        """Of the list that goes on; 0 if none does."""

    def read(self, text: str) -> MemberList | None:
        """Read a sentence as a part of a list; None if it is none.

        Names are parted by commas, so one that has a comma itself comes out as two.
        """
        if found := _FIRST.fullmatch(text):
            self._total, part = int(found["total"]), 1
        elif self._part and (found := _FURTHER.fullmatch(text)):
            part = self._part + 1
        else:
            return None
        names = found["names"]
        end = _END.search(names)
        unlisted = int(end["more"] or 0) if end else 0
        more = names.endswith(",")
        self._part = part if more else 0
        names = names[: end.start()] if end else names
        members = tuple(_member(name) for name in names.split(", ") if name)
        return MemberList(members, self._total, part, more, unlisted)


def _member(name: str) -> ListedMember:
    if found := _MARKED.fullmatch(name):
        return ListedMember(found["name"], host=found["mark"] == "host", muted=found["mark"] == "muted")
    return ListedMember(name)
