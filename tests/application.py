"""Qt's application, of which a process has one: made as the program makes it, and kept to the end."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Qt may be missing
    from PySide6.QtWidgets import QApplication


@cache
def the_application() -> "QApplication":
    from messenger.desktop.app import make_application  # noqa: PLC0415 - it needs Qt

    return make_application(["chat-desktop"])
