"""A dashboard's page: the panels in their places, each with its frame and title."""

import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from observability.pictures.plots import Line, draw
from observability.pictures.theme import BORDER, FAINT, PAGE, PANEL, STYLE, TEXT
from observability.prometheus import Series

_WIDTH: Final = 1560
_ROW: Final = 36
_GAP: Final = 8
_TOP: Final = 52
_COLUMNS: Final = 24
_DPI: Final = 100
_SHADE: Final = 6
"""Steps between shades that nobody sees, and that make the file a third smaller."""

# Left, bottom, right, top, in pixels, of what a panel keeps free around its plot.
_MARGINS: Final = {
    "stat": (6, 6, 6, 26),
    "timeseries": (62, 52, 18, 40),
    "heatmap": (62, 30, 18, 40),
    "state-timeline": (166, 52, 18, 40),
}
_BESIDE: Final = (62, 30, 18, 40)

Lookup = Callable[[str], list[Series]]
"""Evaluates an expression over the time that is shown."""


def draw_page(dashboard: Mapping[str, Any], look_up: Lookup, span: tuple[float, float], path: Path) -> None:
    """Draw a dashboard into a file, between two times in seconds since 1970."""
    _, height = page_size(dashboard)
    with mpl.rc_context(STYLE):
        page = Figure(figsize=(_WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor=PAGE)
        FigureCanvasAgg(page)
        middle = 1 - _TOP / 2 / height
        page.text(0.011, middle, f"Chat  /  {dashboard['title']}", fontsize=13, weight="bold", va="center")
        page.text(
            0.989,
            middle,
            f"last {(span[1] - span[0]) / 60:.0f} minutes",
            color=FAINT,
            fontsize=9.5,
            va="center",
            ha="right",
        )
        for panel in dashboard["panels"]:
            _place(page, panel, look_up, span, height)
        drawn = BytesIO()
        page.savefig(drawn, facecolor=PAGE)
    shades = [min(255, round(shade / _SHADE) * _SHADE) for shade in range(256)]
    Image.open(drawn).convert("RGB").point(shades * 3).save(path, optimize=True)


def page_size(dashboard: Mapping[str, Any]) -> tuple[int, int]:
    """Return width and height of a dashboard's picture, in pixels."""
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    return _WIDTH, _TOP + rows * _ROW + _GAP


def _place(page: Figure, panel: Mapping[str, Any], look_up: Lookup, span: tuple[float, float], height: int) -> None:
    spot = panel["gridPos"]
    column = (_WIDTH - _GAP) / _COLUMNS
    left, top = _GAP + spot["x"] * column, _TOP + spot["y"] * _ROW
    width, tall = spot["w"] * column - _GAP, spot["h"] * _ROW - _GAP

    def share(x: float, y: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """Turn pixels from the upper left into shares from the lower left."""
        return x / _WIDTH, 1 - (y + high) / height, wide / _WIDTH, high / height

    if panel["type"] == "row":
        x, y, _, high = share(left + 4, top, width, tall)
        page.text(x, y + high / 2, f"⌄  {panel['title']}", color=TEXT, fontsize=10.5, va="center")
        return
    x, y, wide, high = share(left, top, width, tall)
    frame = FancyBboxPatch(
        (x, y), wide, high, boxstyle="square,pad=0", facecolor=PANEL, edgecolor=BORDER, linewidth=0.8, zorder=-1
    )
    page.add_artist(frame)
    page.text(x + 9 / _WIDTH, y + high - 16 / height, panel["title"], fontsize=9.5, va="center")
    beside = panel["options"].get("legend", {}).get("placement") == "right"
    before, below, after, above = _BESIDE if beside else _MARGINS[panel["type"]]
    axes = page.add_axes(share(left + before, top + above, width - before - after, tall - above - below))
    lines = _lines(panel, look_up)
    if lines:
        draw(axes, panel, lines, span)
    else:
        axes.axis("off")
        axes.text(0.5, 0.5, panel["fieldConfig"]["defaults"].get("noValue", "No data"), color=FAINT, ha="center")


def _lines(panel: Mapping[str, Any], look_up: Lookup) -> Sequence[Line]:
    return [
        (_called(target["legendFormat"], series.labels), series)
        for target in panel["targets"]
        for series in look_up(target["expr"])
    ]


def _called(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), legend)
