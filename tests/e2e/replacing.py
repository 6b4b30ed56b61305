"""Relays that are replaced, checked at their end, and what they said of it."""

import json
from pathlib import Path
from typing import Any

from e2e.relay_metrics import scrape
from faults import newcomers
from replaceable import ReplaceableRelay
from waiting import wait_until


class running:  # noqa: N801 - a context manager
    """Runs a relay whose newcomers may be made to fail, and checks it at its end."""

    def __init__(self, log: Path, settings: dict[str, str]) -> None:
        self._relay = ReplaceableRelay(log, settings, program=(newcomers.__file__,))

    def __enter__(self) -> ReplaceableRelay:
        return self._relay

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._relay.process.poll() is None:
                scrape(self._relay).check_books()
        finally:
            code = self._relay.stop()
        assert code == 0, self._relay.said()
        assert "Traceback" not in self._relay.said(), self._relay.said()


def said_by(relay: ReplaceableRelay, event: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in relay.said().splitlines() if line.startswith("{")]
    return [record for record in records if record["event"] == event]


def await_said(relay: ReplaceableRelay, event: str) -> None:
    wait_until(lambda: said_by(relay, event), said=relay.said)
