"""Whether the relay's hot path runs as machine code or is interpreted (docs/operations.md)."""

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from typing import Final


def kind_of(module: str) -> str:
    """Return ``compiled`` or ``interpreted``, whichever a module of this name would be if it were imported."""
    spec = find_spec(module)
    origin = (spec and spec.origin) or ""
    return "compiled" if origin.endswith(tuple(EXTENSION_SUFFIXES)) else "interpreted"


BUILD: Final = kind_of("relay_server.core.relay")
"""What this relay is."""
