"""The application: one window."""

import sys

from PySide6.QtCore import qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QMainWindow


def run() -> int:
    """Show the window until it is closed; returns the exit code."""
    application = QApplication(sys.argv[:1])
    application.setApplicationName("chat-desktop")
    qInstallMessageHandler(None)
    window = QMainWindow()
    window.setWindowTitle("Chat")
    window.show()
    return application.exec()
