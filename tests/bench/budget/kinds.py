"""Everything that a stranger, a visitor, a member or a host may send, as far as the budget knows."""

from typing import Final

from bench.budget import hosts, members, strangers, visitors
from bench.budget.measuring import Kind

KINDS: Final[tuple[Kind, ...]] = (*strangers.KINDS, *visitors.KINDS, *members.KINDS, *hosts.KINDS)


def chosen(words: list[str]) -> list[Kind]:
    """Return the kinds with one of the words in what they are; all, if there are no words."""
    said = [word.casefold() for word in words]
    return [kind for kind in KINDS if not said or any(word in f"{kind.who} {kind.what}".casefold() for word in said)]
