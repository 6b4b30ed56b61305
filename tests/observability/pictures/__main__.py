"""Draw the dashboards for docs/images: ``make dashboard-pictures``.

Where no Grafana can run, this asks a real Prometheus, which watches a real relay under real bots, the very queries of
the committed dashboards, and plots the answers in the dashboards' layout.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from observability.chat import watched_chat
from observability.pictures.page import draw_page
from observability.prometheus import ROOT, Prometheus, Series
from observability.queries import Query, dashboards

BOARDS: Final = ("relay", "service")
IMAGES: Final = ROOT / "docs" / "images"
MINUTES: Final = 5
STEP_SECONDS: Final = 2
SILENCE_SECONDS: Final = "20"
RATE_INTERVAL: Final = "20s"


def main() -> None:
    """Let people chat for some minutes, then draw."""
    with (
        tempfile.TemporaryDirectory() as folder,
        watched_chat(Path(folder), RELAY_SILENCE_TIMEOUT_SECONDS=SILENCE_SECONDS) as chat,
    ):
        for minute in range(MINUTES + 1, 0, -1):  # the first is for what only a start brings
            sys.stderr.write(f"==> {minute} min more of chat\n")
            time.sleep(60)
        chat.check()
        draw(chat.prometheus, IMAGES, MINUTES)


def draw(prometheus: Prometheus, folder: Path, minutes: int) -> None:
    """Draw the last minutes on all dashboards into a folder."""
    end = time.time()
    start = end - minutes * 60

    def look_up(expr: str) -> list[Series]:
        asked = Query("picture", expr).at(RATE_INTERVAL)
        return prometheus.query_range(asked, start, end, STEP_SECONDS)

    for name in BOARDS:
        draw_page(dashboards()[name], look_up, (start, end), folder / f"dashboard-{name}.png")


if __name__ == "__main__":
    main()
