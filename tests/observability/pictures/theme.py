"""How the pictures look: Grafana's dark colours, and numbers with their units."""

from collections.abc import Mapping
from typing import Any, Final

from matplotlib.font_manager import get_font_names
from matplotlib.typing import RcKeyType

PAGE: Final = "#111217"
PANEL: Final = "#181b1f"
BORDER: Final = "#2a2d33"
GRID: Final = "#2b2e34"
TEXT: Final = "#d5d6e0"
FAINT: Final = "#8e8e99"

STYLE: Final[dict[RcKeyType, Any]] = {
    "font.family": [name for name in ("Inter", "DejaVu Sans") if name in get_font_names()],  # Inter is Grafana's
    "font.size": 8.5,
    "text.color": TEXT,
    "axes.edgecolor": GRID,
    "axes.facecolor": PANEL,
    "figure.facecolor": PAGE,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "path.simplify_threshold": 0.2,
}

_PALETTE: Final = ("#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1", "#BA43A9", "#705DA0")
_SIZES: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))
_SPEEDS: Final = ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s"))
_COUNTS: Final = ((1e9, "Bil"), (1e6, "Mil"), (1e3, "K"), (1, ""))
_TIMES: Final = ((60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SCALES: Final = {"bytes": _SIZES, "Bps": _SPEEDS, "s": _TIMES}
_AFTER: Final = {"pps": "p/s", "cps": "c/s"}


def with_unit(value: float, unit: str, decimals: int | None = None) -> str:
    """Write a value for people, by the name that Grafana has for its unit."""
    if unit == "percentunit":
        return f"{_digits(value * 100, decimals)}%"
    scale = _SCALES.get(unit, _COUNTS)
    size, name = next((step for step in scale if abs(value) >= step[0]), scale[-1] if value else (1, scale[-1][1]))
    if not value and unit == "s":
        name = "s"
    return " ".join(filter(None, (_digits(value / size, decimals), name, _AFTER.get(unit, ""))))


def color_of(panel: Mapping[str, Any], name: str, index: int) -> str:
    """Find the colour of a line: its own, or the next one of the palette."""
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            return str(override["properties"][0]["value"]["fixedColor"])
    return _PALETTE[index % len(_PALETTE)]


def step_color(panel: Mapping[str, Any], value: float) -> str:
    """Find the colour of the threshold that a value has reached."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return str([step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1])


def _digits(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:.{decimals}f}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
