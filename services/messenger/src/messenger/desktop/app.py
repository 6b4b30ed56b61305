"""The application: one window."""

import locale
import sys
from collections.abc import Sequence

from PySide6.QtCore import qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QMainWindow


def make_application(arguments: Sequence[str]) -> QApplication:
    """Make what every window needs, once; Qt's own words about it go to the standard error from now on."""
    application = QApplication(list(arguments))
    application.setApplicationName("chat-desktop")
    if hasattr(locale, "LC_MESSAGES"):
        # Qt has switched on the system's language, also for what the system says of errors: that is worded elsewhere.
        locale.setlocale(locale.LC_MESSAGES, "C")
    qInstallMessageHandler(None)
    return application


def run() -> int:
    """Show the window until it is closed; returns the exit code."""
    application = make_application(sys.argv[:1])
    window = QMainWindow()
    window.setWindowTitle("Chat")
    window.show()
    return application.exec()
