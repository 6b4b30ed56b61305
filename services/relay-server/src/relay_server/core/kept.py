"""Parts of rooms and sessions that are also written down as they are, in records and states.

pydantic reads them by their annotations, which compiled classes don't have: this module stays interpreted.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ban:
    """Whom a room doesn't let in any more, for as long as it lives (MOD-04)."""

    name: str
    """As people see it in a list."""
    keys: frozenset[str]
    """Of the name, see `names.name_keys`."""
    network: bytes | None = None
    """The address that is banned too (see `address.network_of`); None bans the name alone."""


@dataclass(slots=True)
class Abroad:
    """What matters of a session in a cluster."""

    turn: int = 0
    """How many sessions its member had before it, at all nodes."""
    carried_by: bytes | None = None
    """The IP of the node that carries its member here (CLU-04)."""
    follows: bool = False
    """Whether its client goes where it is sent to (CLU-01)."""
