"""The application around the windows."""

import os
from errno import ENOENT

import pytest
from PySide6.QtWidgets import QApplication


def test_the_system_speaks_of_errors_as_before(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "ja")
    assert qapp.applicationName() == "chat-desktop"
    assert os.strerror(ENOENT) == "No such file or directory"
