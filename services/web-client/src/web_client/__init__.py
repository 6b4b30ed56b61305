"""The page that a relay serves to browsers: static files, and where they are."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

PAGE: Final[Traversable] = files(__name__) / "page"
"""The folder with the page; its ``index.html`` is what a browser asks for first."""
