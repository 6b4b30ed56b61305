"""Which panes there is space for; no toolkit in it."""

from enum import Enum, auto
from typing import Final

WIDE: Final = 940
NARROW: Final = 640


class Pane(Enum):
    """A part of the window, beside the others or by itself."""

    ROOMS = auto()
    CENTRE = auto()
    """The messages, or the page to come in by."""
    MEMBERS = auto()


def visible_panes(width: int, *, members: bool, peek: Pane) -> frozenset[Pane]:
    """Choose what is shown.

    Args:
        width: of the window, in pixels.
        members: whether they are wanted where there is space for everything.
        peek: what is wanted before all else where there isn't.

    """
    if width >= WIDE:
        return frozenset({Pane.ROOMS, Pane.CENTRE, *([Pane.MEMBERS] if members else [])})
    if width >= NARROW:
        return frozenset({Pane.CENTRE, Pane.MEMBERS if peek is Pane.MEMBERS else Pane.ROOMS})
    return frozenset({peek})
