"""A relay with a bug: one of its functions fails from a moment on that the test chooses, and its books till then."""

from collections.abc import Sequence
from pathlib import Path

from conformance.relays import OwnRelay
from e2e.relay_metrics import Metrics, scrape

PLANTED = "a bug, planted"

# Python runs this at the relay's start. Nothing in the relay itself knows of it.
_SITECUSTOMIZE = """
import atexit, importlib, os

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

def keep_last_words(parts, path):
    make_registry = parts.make_registry

    def make(collector):
        registry = make_registry(collector)

        def write():
            collector.read_gauges = parts.Gauges  # the ports are closed by now
            open(path, "wb").write(parts.exposition(registry)[1])

        atexit.register(write)
        return registry

    parts.make_registry = make

keep_last_words(importlib.import_module("relay_server.parts"), {last_words!r})
if {drain_seconds!r}:
    importlib.import_module("relay_server.lifecycle").DRAIN_SECONDS = {drain_seconds!r}
"""


class BuggyRelay(OwnRelay):
    """A relay whose functions at ``module:Class.name`` raise ``error`` when it is `break_`-ed.

    With ``drain_seconds`` it takes so long for its farewell. Start it by `faults.relays.StartRelay`.
    """

    def __init__(
        self,
        directory: Path,
        places: tuple[str, ...],
        error: str,
        settings: dict[str, str],
        drain_seconds: float = 0,
        within: Sequence[str] = (),
    ) -> None:
        self._armed = directory / "armed"
        planted = f"{error}({PLANTED!r})"
        self._last_words = directory / "last-words"
        text = _SITECUSTOMIZE.format(
            places=places, error=planted, armed=str(self._armed), drain_seconds=drain_seconds,
            last_words=str(self._last_words),
        )  # fmt: skip
        (directory / "sitecustomize.py").write_text(text)
        super().__init__(directory / "log", settings | {"PYTHONPATH": str(directory)}, within)

    def break_(self) -> None:
        """Check the books, for it may be the last time, and let the functions fail from now on."""
        scrape(self).check_books()
        self._armed.touch()

    def mend(self) -> None:
        """Let them work again."""
        self._armed.unlink()

    def last_words(self) -> Metrics:
        """Return what was counted in the end: the process writes it when everything else in it is over."""
        return Metrics(self._last_words.read_text())


def check_crashed(relay: BuggyRelay) -> None:
    """Check that a relay crashed in order, and that its books balanced to the end."""
    assert relay.stop() == 1, relay.said()
    relay.last_words().check_books()


def check_ended(relay: BuggyRelay) -> None:
    """Check only that a relay isn't there any more: its books were checked before it broke."""
    try:
        assert relay.process.poll() is not None
    finally:
        relay.stop()
