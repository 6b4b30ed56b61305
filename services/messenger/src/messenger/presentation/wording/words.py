"""What happened, and what one can do about it."""

from typing import NamedTuple

from messenger.presentation.i18n import _


class Words(NamedTuple):
    """Two sentences, for two places in a window or one line."""

    what: str
    """What happened."""
    todo: str = ""
    """What the person can do next; empty if nothing needs doing."""

    def chosen(self) -> "Words":
        """Return both in the chosen language, of texts that were marked by ``N_``."""
        return Words(_(self.what), _(self.todo) if self.todo else "")

    @property
    def line(self) -> str:
        """Both in one line."""
        return _("{what} {todo}").format(what=self.what, todo=self.todo) if self.todo else self.what
