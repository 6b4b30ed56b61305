"""The one way to start a relay here, so that none ends without a look at its books (CON-01, CON-02).

A relay that is expected to live is asked for its metrics at the end of the test, over HTTP. One that crashes is asked
just before, and its last words, written when all was over, are checked as well. `tests/docs/test_limits.py` sees to it
that no test starts a relay in another way.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from conformance.relays import NORMAL, OwnRelay
from e2e.namespaces import Namespace
from e2e.relay_metrics import scrape
from faults import newcomers
from faults.planting import BuggyRelay, check_crashed
from faults.spoof import open_network, within_network
from faults.weakening import Weakness, program_with
from relay_server.settings import Settings
from replaceable import ReplaceableRelay

Check = Callable[[OwnRelay], None]
INTERPRETED: Final = {"PYTHONPATH": ""}
"""Where tests run on a compiled relay, weakened ones are interpreted all the same: compiled code can't be changed."""
DEFAULT_PORTS = [Settings.model_fields[f"{name}_port"].default for name in ("tcp", "udp", "lobby", "ops")]


def check_sound(relay: OwnRelay) -> None:
    """Check that a relay lives, that its books balance, and that it ends in peace; ends it in any case."""
    check_alive(relay)
    assert "Traceback" not in relay.said(), relay.said()


def check_alive(relay: OwnRelay) -> None:
    """Check the same of a relay that may have something to complain about."""
    try:
        assert relay.process.poll() is None, relay.said()
        scrape(relay).check_books()
    finally:
        code = relay.stop()
    assert code == 0, relay.said()


def check_gone(relay: OwnRelay) -> None:
    """Check only that a relay isn't there any more, as a control of an attack that ends it expects."""
    gone = relay.process.poll() is not None
    relay.stop()
    assert gone, relay.said()


class StartRelay:
    """Starts the relays of a test in its directory; leaving ``ends`` checks each of them, and ends it."""

    def __init__(self, directory: Path, loop: str, ends: ExitStack) -> None:
        self._directory, self._loop, self._ends = directory, loop, ends
        self._count = 0

    def __call__(self, within: Sequence[str] = (), /, **settings: str) -> OwnRelay:
        """Start a relay that is expected to live through the test; for ``within`` see `OwnRelay`."""
        return self._start(within, NORMAL, settings, check_sound)

    def weakened(self, weakness: Weakness, check: Check = check_sound, /, **settings: str) -> OwnRelay:
        """Start one that lacks a guard, see `faults.weakening`."""
        return self._start((), program_with(weakness), settings | INTERPRETED, check)

    def inside(self, place: Namespace, weakness: Weakness | None = None, /, **settings: str) -> OwnRelay:
        """Start one in a network of its own, where it has the default ports; it may lack a guard."""
        program = program_with(weakness) if weakness else NORMAL
        settings |= INTERPRETED if weakness else {}
        relay = RelayInside(place, self._next_log(), self._with_loop(settings), program)
        self._ends.callback(check_sound, relay)
        return relay

    def replaceable(self, weakness: str = "", check: Check = check_sound, /, **settings: str) -> ReplaceableRelay:
        """Start one that another process is to take over; it may lack a guard, see `faults.newcomers`."""
        program = (newcomers.__file__, weakness)
        relay = ReplaceableRelay(self._next_log(), self._with_loop(settings), program=program)
        self._ends.callback(check, relay)
        return relay

    def buggy(
        self,
        *places: str,
        error: str = "OSError",
        drain_seconds: float = 0,
        check: Callable[[BuggyRelay], None] = check_crashed,
        **settings: str,
    ) -> BuggyRelay:
        """Start one with a bug, see `BuggyRelay`; it is expected to crash of it."""
        relay = BuggyRelay(self._directory, places, error, self._with_loop(settings), drain_seconds)
        self._ends.callback(check, relay)
        return relay

    def _start(self, within: Sequence[str], program: Sequence[str], settings: dict[str, str], check: Check) -> OwnRelay:
        relay = OwnRelay(self._next_log(), self._with_loop(settings), within, program)
        self._ends.callback(check, relay)
        return relay

    def _next_log(self) -> Path:
        self._count += 1
        return self._directory / f"log-{self._count}"

    def _with_loop(self, settings: dict[str, str]) -> dict[str, str]:
        return {"RELAY_EVENT_LOOP": self._loop, **settings}


class RelayInside(OwnRelay):
    """A relay in a network of its own, on the default ports; it can be asked for as long as it lives."""

    def __init__(self, place: Namespace, log: Path, settings: dict[str, str], program: Sequence[str]) -> None:
        self._network = open_network(place)  # stays open: at the test's end the network has lost its name
        super().__init__(log, settings | {"RELAY_HOST": "::"}, place.inside, program)
        self.relay = replace(self.relay, host=place.address)

    def ops(self, path: str) -> str:
        with within_network(self._network):
            return super().ops(path)

    def stop(self) -> int:
        try:
            return super().stop()
        finally:
            os.close(self._network)

    def _choose_ports(self) -> Sequence[int]:
        return DEFAULT_PORTS
