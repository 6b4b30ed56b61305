"""A relay with a bug: one of its functions fails from a moment on that the test chooses."""

from pathlib import Path

from conformance.relays import OwnRelay

PLANTED = "a bug, planted"

# Python runs this at the relay's start. Nothing in the relay itself knows of it.
_SITECUSTOMIZE = """
import importlib, os

def plant(module, path, error, armed):
    *holders, name = path.split(".")
    owner = importlib.import_module(module)
    for holder in holders:
        owner = getattr(owner, holder)
    original = getattr(owner, name)

    def fail(*arguments, **named):
        if os.path.exists(armed):
            raise error()
        return original(*arguments, **named)

    setattr(owner, name, fail)

for place in {places!r}:
    plant(*place.split(":"), lambda: {error}, {armed!r})

if {drain_seconds!r}:
    importlib.import_module("relay_server.app").DRAIN_SECONDS = {drain_seconds!r}
"""


class BuggyRelay(OwnRelay):
    """A relay whose functions at ``module:Class.name`` raise ``error`` when it is `break_`-ed.

    With ``drain_seconds`` it takes so long for its farewell.
    """

    def __init__(
        self, directory: Path, places: tuple[str, ...], error: str, settings: dict[str, str], drain_seconds: float = 0
    ) -> None:
        self._armed = directory / "armed"
        planted = f"{error}({PLANTED!r})"
        text = _SITECUSTOMIZE.format(places=places, error=planted, armed=str(self._armed), drain_seconds=drain_seconds)
        (directory / "sitecustomize.py").write_text(text)
        super().__init__(directory / "log", settings | {"PYTHONPATH": str(directory)})

    def break_(self) -> None:
        """Let the functions fail from now on."""
        self._armed.touch()
