"""The chat's page: files as browsers get them, without a build step."""

from collections.abc import Callable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

try:
    from rcssmin import cssmin
    from rjsmin import jsmin
except ModuleNotFoundError:  # not Linux: see pyproject.toml
    _SLIMMERS: dict[str, Callable[[str], str]] = {}
else:
    _SLIMMERS = {"css": cssmin, "js": jsmin}


def page_files() -> dict[str, bytes]:
    """Return the page's files by their paths, which have a ``/`` between folders and none at the beginning.

    Scripts and styles are without the comments and spaces that only who reads the sources needs.
    """
    return dict(_read(files(__name__) / "page", ""))


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _read(each, f"{prefix}{each.name}/")
        elif slim := _SLIMMERS.get(each.name.rpartition(".")[2]):
            yield f"{prefix}{each.name}", slim(each.read_text(encoding="utf-8")).encode()
        else:
            yield f"{prefix}{each.name}", each.read_bytes()
