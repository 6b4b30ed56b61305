"""A relay that ends and starts again: on the same ports, with the state that it left."""

import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from conformance.relays import START_SECONDS, STOP_SECONDS, Relay
from e2e.relay_metrics import Metrics, scrape
from faults.planting import BuggyRelay
from ports import free_ports


class OneLife(BuggyRelay):
    """One process of a relay; it writes its counters when it ends, unless it is killed."""

    def __init__(
        self, directory: Path, ports: Sequence[int], places: tuple[str, ...], within: Sequence[str],
        settings: dict[str, str],
    ) -> None:  # fmt: skip
        self._ports = ports
        super().__init__(directory, places, "RuntimeError", settings, within=within)

    def _choose_ports(self) -> Sequence[int]:
        return self._ports


class StayingRelay:
    """A relay with a directory for its state; each life has a directory of its own for its log."""

    def __init__(
        self, directory: Path, places: tuple[str, ...] = (), within: Sequence[str] = (), **settings: str
    ) -> None:
        """``places`` are where it fails once it is told to; for these and ``within`` see `BuggyRelay` and `OwnRelay`.

        The last word of a command ``within`` is followed by the state's directory.
        """
        self.state = directory / "state"
        self.state.mkdir(mode=0o700)
        self._directory, self._places, self._ports = directory, places, free_ports(4)
        self._within = (*within, str(self.state)) if within else ()
        self._settings = {"RELAY_STATE_DIRECTORY": str(self.state), **settings}
        self._lives = 0
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.now.stop()

    @property
    def journal(self) -> Path:
        return self.state / "journal"

    @property
    def relay(self) -> Relay:
        return self.now.relay

    def start(self) -> None:
        """Start it, again."""
        self._lives += 1
        directory = self._directory / f"life-{self._lives}"
        directory.mkdir()
        self.now = OneLife(directory, self._ports, self._places, self._within, self._settings)

    def end(self, number: signal.Signals) -> None:
        """End it by a signal, and check its books of this life: in the end, or before if it is killed (CON-01)."""
        killed = number is signal.SIGKILL
        if killed:
            self.metrics().check_books()
        self.now.process.send_signal(number)
        code = self.now.process.wait(STOP_SECONDS)
        assert code == (-number if killed else 0), self.now.said()
        assert "Traceback" not in self.now.said()
        if not killed:
            self.now.last_words().check_books()

    def restart(self, number: signal.Signals) -> None:
        self.end(number)
        self.start()

    def metrics(self) -> Metrics:
        return scrape(self.now)

    def restored(self) -> tuple[float, float]:
        """Return how many rooms and members it had from before its start."""
        metrics = self.metrics()
        return metrics.value("relay_state_restored_rooms"), metrics.value("relay_state_restored_members")

    def joins(self) -> float:
        """Return how many joined anew in this life: neither resumed, nor were there before."""
        metrics = self.metrics()
        granted = sum(
            metrics.value("relay_transactions_total", operation=operation, status="ok")
            for operation in ("create", "join")
        )
        return granted - sum(
            metrics.value("relay_resumptions_total", outcome=outcome) for outcome in ("resumed", "moved", "repeated")
        )

    def await_log(self, event: str) -> None:
        """Wait until this life wrote a record of an event: a thread writes them."""
        deadline = time.monotonic() + START_SECONDS
        while not re.search(rf'"event": "{event}"', self.now.said()):
            assert time.monotonic() < deadline, self.now.said()
            time.sleep(0.02)
