"""Dark and light, and which of them the terminal wants."""

from collections.abc import Mapping
from typing import Final

from textual.color import Color
from textual.theme import Theme

from messenger.presentation.palette import colour_of

DARK: Final = Theme(
    name="chat-dark",
    primary="#5b9bd5",
    secondary="#7f8ea3",
    accent="#e0a458",
    warning="#e0a458",
    error="#e5646a",
    success="#6fbf73",
    foreground="#d8dee9",
    background="#14171c",
    surface="#14171c",
    panel="#1d2128",
    dark=True,
    variables={"screen-selection-background": "#5b9bd5", "screen-selection-foreground": "#14171c"},
)
LIGHT: Final = Theme(
    name="chat-light",
    primary="#1f6fb2",
    secondary="#5d6b7e",
    accent="#a85d00",
    warning="#a85d00",
    error="#c0262d",
    success="#1f7a33",
    foreground="#22272e",
    background="#fbfbfa",
    surface="#fbfbfa",
    panel="#eceef1",
    dark=False,
    variables={"screen-selection-background": "#1f6fb2", "screen-selection-foreground": "#fbfbfa"},
)
_LIGHT_GROUNDS: Final = {"7", "15"}


_BRIGHTER: Final = 0.25


def name_colour(name: str, *, dark: bool) -> str:
    """Choose a person's colour, brighter on a dark ground: of 16 colours the others are too dark there."""
    colour = colour_of(name)
    return Color.parse(colour).lighten(_BRIGHTER).hex if dark else colour


def choose_theme(environ: Mapping[str, str]) -> str:
    """Return the name of the theme that a person set for Textual, else of one by the terminal's ground, else dark.

    Few terminals say which ground they have, in COLORFGBG.
    """
    if theme := environ.get("TEXTUAL_THEME"):
        return theme
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if ground in _LIGHT_GROUNDS else DARK.name
