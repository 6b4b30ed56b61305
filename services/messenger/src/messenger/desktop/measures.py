"""Where rows of text stand in a view of some width, in pixels."""

from dataclasses import dataclass
from typing import Final

PADDING_X: Final = 13
PADDING_Y: Final = 7
GAP: Final = 3
"""Between two messages of one person."""
ROUNDING: Final = 13
AVATAR: Final = 30

_WIDEST: Final = 640
"""A line of text longer than this is hard to read."""
_NARROW: Final = 420
"""Below this there is no space for avatars."""
_EDGE: Final = 16
_LEAST_FREE: Final = 48
"""Beside each message there stays at least this much free, so that one sees whose side it is on."""


@dataclass(frozen=True, slots=True)
class Measures:
    """The margins of the text of messages, own ones to the right."""

    width: int

    @property
    def roomy(self) -> bool:
        """Whether there is space for avatars."""
        return self.width >= _NARROW

    @property
    def edge(self) -> int:
        """Between the view's edge and what stands next to it."""
        return _EDGE if self.roomy else 8

    @property
    def left(self) -> int:
        """Left of other people's text."""
        return self.edge + PADDING_X + (AVATAR + 10 if self.roomy else 0)

    @property
    def right(self) -> int:
        """Right of one's own text."""
        return self.edge + PADDING_X

    @property
    def widest(self) -> int:
        """How wide the text of a message may get."""
        return max(80, min(_WIDEST, self.width - self.left - self.right - _LEAST_FREE))

    def right_of(self, _text_width: float) -> int:
        """Tell the margin right of other people's text."""
        return max(0, self.width - self.left - self.widest)

    def left_of(self, text_width: float) -> int:
        """Tell the margin left of one's own text, so that it ends at the right."""
        return max(0, int(self.width - self.right - min(text_width, self.widest)))
