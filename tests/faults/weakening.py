"""Run a relay without one of its guards: ``python weakening.py MODULE FUNCTION``, where the function takes it away."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from unittest import mock

from relay_server import __main__

Weakness: TypeAlias = Callable[[], None]
"""Takes a guard away."""


def replace(owner: object, name: str, value: object) -> None:
    """Replace an attribute for good."""
    mock.patch.object(owner, name, value).start()


def program_with(weakness: Weakness) -> tuple[str, ...]:
    """Return what Python is to run for a relay without a guard."""
    return __file__, weakness.__module__, weakness.__name__


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))  # where the module is, which isn't installed
    _, module, function = sys.argv
    getattr(importlib.import_module(module), function)()
    sys.argv[1:] = ["run"]
    __main__.main()
