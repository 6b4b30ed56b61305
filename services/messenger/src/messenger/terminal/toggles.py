"""Buttons that are on or off, so that one sees it without colours too."""

from textual.widgets import Checkbox, RadioButton


class Way(RadioButton):
    """One of several ways."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - Textual's word
        """A dot in a circle, or a circle."""
        return "◉" if self.value else "○"


class Tick(Checkbox):
    """Yes or no."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - Textual's word
        """A box with a tick, or without."""
        return "☑" if self.value else "☐"
