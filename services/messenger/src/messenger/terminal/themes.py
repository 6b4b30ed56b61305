"""Dark and light, and which of them the terminal wants."""

from collections.abc import Mapping
from typing import Final

from textual.theme import Theme

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
)
_LIGHT_GROUNDS: Final = {"7", "15"}


def choose_theme(environ: Mapping[str, str]) -> str:
    """Return the name of the theme that a person set for Textual, else of one by the terminal's ground, else dark.

    Few terminals say which ground they have, in COLORFGBG.
    """
    if theme := environ.get("TEXTUAL_THEME"):
        return theme
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if ground in _LIGHT_GROUNDS else DARK.name
