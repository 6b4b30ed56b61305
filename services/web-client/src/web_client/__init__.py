"""The chat's page: files as browsers get them, without a build step."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable


def page_files() -> dict[str, bytes]:
    """Return the page's files by their paths, which have a ``/`` between folders and none at the beginning."""
    return dict(_read(files(__name__) / "page", ""))


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _read(each, f"{prefix}{each.name}/")
        else:
            yield f"{prefix}{each.name}", each.read_bytes()
