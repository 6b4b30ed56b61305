"""Qt without a screen: these tests are skipped, or fail, as one where Qt can't load; see CHAT_REQUIRE."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from application import the_application
from messenger.desktop.loading import find_fault

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


def pytest_configure(config: pytest.Config) -> None:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["PYTEST_QT_API"] = "pyside6"
    if not find_fault():
        # Modules that need Qt to be imported.
        config.pluginmanager.import_plugin("pytestqt.plugin")
        config.pluginmanager.import_plugin("services.messenger.desktop.people")
        config.pluginmanager.import_plugin("services.messenger.desktop.sight")


class Unloadable(pytest.Module):
    """A module of tests that can't even be imported; one test stands for all of them."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        test = pytest.Function.from_parent(self, name="everything", callobj=lambda: None)
        test.add_marker(pytest.mark.needs("desktop"))
        return [test]


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    return Unloadable.from_parent(parent, path=module_path) if find_fault() else None


@pytest.fixture(autouse=True)
def nobody_named_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a file of authorities: where the machine names one, each connection would read all of it."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


@pytest.fixture(scope="session")
def qapp() -> "QApplication":
    """Make the application as the program does; pytest-qt's own would leave the system's language switched on."""
    return the_application()
