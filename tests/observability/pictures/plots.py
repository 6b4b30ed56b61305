"""One plot for each kind of panel."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from observability.pictures.theme import FAINT, GRID, PANEL, TEXT, color_of, step_color, with_unit
from observability.prometheus import Series

Panel = Mapping[str, Any]
Line = tuple[str, Series]
"""What it is called, and its points."""

_LEGEND_SHARE: Final = 0.34
_LEGEND_ROWS: Final = 9
_CELL_STEPS: Final = 3
_BAR_SECONDS: Final = 5.0
_TICK_SECONDS: Final = 60


def draw(axes: Axes, panel: Panel, lines: Sequence[Line], span: tuple[float, float]) -> None:
    """Draw a panel's lines into the place for them, between two times in seconds since 1970."""
    _PLOTS[panel["type"]](axes, panel, lines)
    if panel["type"] != "stat":
        _time_axis(axes, *span)


def _figure(axes: Axes, panel: Panel, lines: Sequence[Line]) -> None:
    axes.axis("off")
    values = np.array([value for _, value in lines[0][1].points])
    (value,) = values[-1:]
    color = step_color(panel, value)
    axes.text(0.5, 0.62, _shown(panel, value), color=color, fontsize=21, weight="bold", ha="center", va="center")
    if panel["options"]["graphMode"] != "none":
        low, high = float(values.min()), float(values.max())
        way = (values - low) / ((high - low) or 1) * 0.3
        place = np.linspace(0, 1, len(values))
        axes.fill_between(place, way, color=color, alpha=0.16, linewidth=0)
        axes.plot(place, way, color=color, linewidth=1.2)
    axes.set(xlim=(0, 1), ylim=(0, 1))


def _shown(panel: Panel, value: float) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults.get("mappings", ()):
        if found := mapping["options"].get(f"{value:g}"):
            return str(found["text"])
    return with_unit(value, defaults["unit"], _decimals(panel))


def _decimals(panel: Panel) -> int | None:
    decimals = panel["fieldConfig"]["defaults"].get("decimals")
    return None if decimals is None else int(decimals)


def _over_time(axes: Axes, panel: Panel, lines: Sequence[Line]) -> None:
    custom = panel["fieldConfig"]["defaults"]["custom"]
    colors = [color_of(panel, name, index) for index, (name, _) in enumerate(lines)]
    if custom.get("stacking", {}).get("mode") == "normal":
        _stacked(axes, lines, colors, custom)
    else:
        for (_, series), color in zip(lines, colors, strict=True):
            times, values = np.array(series.points).T
            axes.plot(times, values, color=color, linewidth=1.4)
            if custom["fillOpacity"]:
                axes.fill_between(times, values, color=color, alpha=custom["fillOpacity"] / 100, linewidth=0)
    _scale(axes, panel)
    _steps(axes, panel, custom)
    legend = panel["options"]["legend"]
    (_legend_beside if legend["placement"] == "right" else _legend_below)(axes, panel, lines, colors)


def _stacked(axes: Axes, lines: Sequence[Line], colors: Sequence[str], custom: Mapping[str, Any]) -> None:
    bars = custom["drawStyle"] == "bars"
    times = sorted({time for _, series in lines for time, _ in series.points})
    if bars and len(times) > 1:  # at first there is one
        times = times[:: max(1, round(_BAR_SECONDS / (times[1] - times[0])))]
    floor = np.zeros(len(times))
    for (_, series), color in zip(lines, colors, strict=True):
        found = dict(series.points)
        values = np.nan_to_num(np.array([found.get(time, 0.0) for time in times]))
        if bars:
            axes.bar(times, values, _BAR_SECONDS * 0.8, floor, color=color, alpha=0.85, linewidth=0)
        elif values.any() or (series is lines[0][1]):
            axes.fill_between(times, floor, floor + values, color=color, alpha=0.4, linewidth=0)
            axes.plot(times, floor + values, color=color, linewidth=1)
        floor += values


def _scale(axes: Axes, panel: Panel) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    bottom = min(axes.dataLim.y0, defaults["custom"].get("axisSoftMin", 0.0))
    top = max(axes.dataLim.y1, defaults["custom"].get("axisSoftMax", 0.0))
    axes.set_ylim(bottom, top + (top - bottom) * 0.08 or 1)
    binary = 2.0 ** math.ceil(math.log2((top - bottom) / 3 or 1))
    axes.yaxis.set_major_locator(MultipleLocator(binary) if defaults["unit"] == "bytes" else MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_unit(value, defaults["unit"])))
    axes.grid(visible=True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def _time_axis(axes: Axes, start: float, end: float) -> None:
    axes.set_xlim(start, end)
    first = int(start // _TICK_SECONDS + 1) * _TICK_SECONDS
    ticks = range(first, int(end) + 1, _TICK_SECONDS)
    axes.set_xticks(list(ticks), [f"{datetime.fromtimestamp(tick, UTC):%H:%M}" for tick in ticks])
    axes.tick_params(length=0, labelsize=8, pad=4)
    axes.tick_params(axis="x", pad=7)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _steps(axes: Axes, panel: Panel, custom: Mapping[str, Any]) -> None:
    if custom.get("thresholdsStyle", {}).get("mode") != "dashed":
        return
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]:
        axes.axhline(step["value"], color=step["color"], linewidth=1, linestyle=(0, (6, 4)), alpha=0.8)


def _legend_below(axes: Axes, _: Panel, lines: Sequence[Line], colors: Sequence[str]) -> None:
    for (name, _series), color in zip(lines, colors, strict=True):
        axes.plot([], [], color=color, linewidth=2.5, label=name)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.1),
        ncols=len(lines),
        frameon=False,
        fontsize=8,
        labelcolor=TEXT,
        handlelength=1.1,
        handletextpad=0.5,
        columnspacing=1.2,
        borderaxespad=0.4,
    )


def _legend_beside(axes: Axes, panel: Panel, lines: Sequence[Line], colors: Sequence[str]) -> None:
    place = axes.get_position()
    axes.set_position((place.x0, place.y0 - 0.0, place.width * (1 - _LEGEND_SHARE), place.height))
    unit = panel["fieldConfig"]["defaults"]["unit"]
    most = [max((value for _, value in series.points if value == value), default=0.0) for _, series in lines]  # noqa: PLR0124 - NaN isn't itself
    ranked = sorted(zip(most, lines, colors, strict=True), key=lambda entry: -entry[0])
    left, right = 1.06, 1.06 + _LEGEND_SHARE / (1 - _LEGEND_SHARE) - 0.07
    axes.text(right, 1.0, "Max", transform=axes.transAxes, color=FAINT, fontsize=7.5, ha="right", va="center")
    for row, (value, (name, _), color) in enumerate(ranked[:_LEGEND_ROWS], 1):
        height = 1.0 - row * 0.105
        axes.plot(
            [left, left + 0.03], [height] * 2, color=color, linewidth=2.5, transform=axes.transAxes, clip_on=False
        )
        style: dict[str, Any] = {"transform": axes.transAxes, "fontsize": 8, "va": "center"}
        axes.text(left + 0.045, height, name, color=TEXT, **style)
        axes.text(right, height, with_unit(value, unit, _decimals(panel)), color=TEXT, ha="right", **style)


def _heat(axes: Axes, panel: Panel, lines: Sequence[Line]) -> None:
    bounded = sorted(((float(name), series) for name, series in lines), key=lambda one: one[0])
    times = [time for time, _ in bounded[0][1].points][::_CELL_STEPS]
    sums = np.nan_to_num(np.array([[dict(series.points).get(time, 0.0) for time in times] for _, series in bounded]))
    share = np.clip(np.diff(sums, axis=0, prepend=0), 0, None)
    shown = np.ma.masked_less_equal(share, 1e-9)
    axes.pcolormesh(
        times, range(len(bounded)), np.sqrt(shown), cmap="inferno", vmin=0, shading="nearest", edgecolors=PANEL, lw=0.6
    )
    unit = panel["options"]["yAxis"]["unit"]
    every = max(1, len(bounded) // 9)
    names = ["+Inf" if bound == float("inf") else with_unit(bound, unit) for bound, _ in bounded]
    axes.set_yticks(list(range(0, len(bounded), every)), names[::every])
    axes.set_ylim(-0.5, len(bounded) - 0.5)


def _states(axes: Axes, panel: Panel, lines: Sequence[Line]) -> None:
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    for row, (_, series) in enumerate(lines):
        for (start, value), (end, _) in pairwise([*series.points, (series.points[-1][0] + 2, 0.0)]):
            color = mapping["options"][f"{value:g}"]["color"]
            axes.add_patch(Rectangle((start, row - 0.38), min(end - start, 3), 0.76, color=color, alpha=0.8, lw=0))
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks(range(len(lines)), [name for name, _ in lines])
    shown = [(one["text"], one["color"]) for one in mapping["options"].values()]
    _legend_below(axes, panel, [(text, Series({}, [])) for text, _ in shown], [color for _, color in shown])


_PLOTS: Final[Mapping[str, Callable[[Axes, Panel, Sequence[Line]], None]]] = {
    "stat": _figure,
    "timeseries": _over_time,
    "heatmap": _heat,
    "state-timeline": _states,
}
