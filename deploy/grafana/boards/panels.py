"""Panels in this project's style. Each takes a title, a description, a unit, and queries by legend."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import common, heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from boards import runbooks
from boards.board import SOURCE, Panel

GREEN: Final = "#73BF69"
YELLOW: Final = "#FADE2A"
ORANGE: Final = "#FF9830"
RED: Final = "#F2495C"
BLUE: Final = "#5794F2"
PURPLE: Final = "#B877D9"
TEAL: Final = "#5FC9C4"
PINK: Final = "#FFA6B0"
BROWN: Final = "#C69C6D"
GREY: Final = "#8E8E99"

Queries: TypeAlias = Mapping[str, str]
"""Expressions by legend."""
Steps: TypeAlias = Sequence[tuple[float | None, str]]
"""Colours by the lowest value they apply to; the first applies from None on."""

_STAT_HEIGHT: Final = 4
_HEIGHT: Final = 8
_CALM: Final[Steps] = ((None, BLUE),)


def figure(
    title: str,
    about: str,
    unit: str,
    expr: str,
    *,
    steps: Steps = _CALM,
    width: int = 3,
    decimals: int | None = None,
    names: Mapping[str, str] | None = None,
    alert: str = "",
) -> Panel:
    """Show the current value as a large number, with its history behind it."""
    panel = (
        stat.Panel()
        .title(title)
        .description(about)
        .links(_runbook(alert))
        .unit(unit)
        .datasource(SOURCE)
        .with_target(_target(expr, title, "A"))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(looks.BigValueColorMode.VALUE)
        .graph_mode(looks.BigValueGraphMode.AREA)
        .thresholds(_thresholds(steps))
        .color_scheme(FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .span(width)
        .height(_STAT_HEIGHT)
    )
    if decimals is not None or unit == "short":
        panel.decimals(decimals or 0)  # counts are whole, though increase() estimates between scrapes
    if names:
        panel.mappings([model.ValueMap({value: model.ValueMappingResult(text=text) for value, text in names.items()})])
        panel.graph_mode(looks.BigValueGraphMode.NONE)
    return panel


def lines(
    title: str,
    about: str,
    unit: str,
    queries: Queries,
    *,
    colors: Mapping[str, str] | None = None,
    steps: Steps = (),
    width: int = 8,
    bottom: float | None = None,
    top: float | None = None,
    alert: str = "",
) -> Panel:
    """Draw lines over time; steps after the first are drawn as dashed horizontal lines.

    The axis begins at 0, or at ``bottom`` or below if it is given; it ends at ``top`` or above.
    """
    panel = _over_time(title, about, unit, queries, colors or {}, width=width, alert=alert)
    panel.draw_style(looks.GraphDrawStyle.LINE).line_width(2)
    if bottom is None:
        panel.min(0).fill_opacity(8)
    else:
        panel.axis_soft_min(bottom).fill_opacity(0)
    panel.legend(_legend(looks.LegendPlacement.BOTTOM, looks.LegendDisplayMode.LIST, []))
    if steps:
        panel.thresholds(_thresholds(steps))
        dashed = common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(dashed)
    if top is not None:
        panel.axis_soft_max(top)
    return panel


def stack(
    title: str,
    about: str,
    unit: str,
    queries: Queries,
    *,
    colors: Mapping[str, str],
    bars: bool = False,
    width: int = 8,
    alert: str = "",
) -> Panel:
    """Draw parts of a sum as stacked areas or bars; the legend lists the largest first."""
    panel = _over_time(title, about, unit, queries, colors, width=width, alert=alert)
    panel.draw_style(looks.GraphDrawStyle.BARS if bars else looks.GraphDrawStyle.LINE)
    panel.min(0).line_width(1).fill_opacity(80 if bars else 35)
    if unit == "short":
        panel.decimals(0)
    panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    panel.legend(_legend(looks.LegendPlacement.RIGHT, looks.LegendDisplayMode.TABLE, ["max"]))
    return panel


def heat(title: str, about: str, unit: str, buckets: str, *, width: int = 12, alert: str = "") -> Panel:
    """Draw a histogram over time as a heatmap; expects a rate for each ``le``."""
    return (
        heatmap.Panel()
        .title(title)
        .description(about)
        .links(_runbook(alert))
        .unit(unit)
        .datasource(SOURCE)
        .with_target(_target(buckets, "{{le}}", "A").format(PromQueryFormat.HEATMAP))
        .calculate(False)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Inferno")
            .scale(HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .steps(64)
        )
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .cell_gap(1)
        .y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(looks.AxisPlacement.LEFT))
        .mode(looks.TooltipDisplayMode.SINGLE)
        .span(width)
        .height(_HEIGHT)
    )


def states(title: str, about: str, queries: Queries, names: Mapping[str, tuple[str, str]], *, width: int = 12) -> Panel:
    """Draw a band for each line, coloured by its value; names give the text and the colour of each value."""
    shown = {value: model.ValueMappingResult(text=text, color=color) for value, (text, color) in names.items()}
    panel = (
        statetimeline.Panel()
        .title(title)
        .description(about)
        .unit("none")
        .datasource(SOURCE)
        .mappings([model.ValueMap(shown)])
        .show_value(looks.VisibilityMode.NEVER)
        .row_height(0.8)
        .fill_opacity(75)
        .line_width(0)
        .color_scheme(FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .legend(_legend(looks.LegendPlacement.BOTTOM, looks.LegendDisplayMode.LIST, []))
        .no_value("No alerts")
        .span(width)
        .height(_HEIGHT)
    )
    for (legend, expr), letter in zip(queries.items(), ascii_uppercase, strict=False):
        panel.with_target(_target(expr, legend, letter))
    return panel


def _over_time(
    title: str, about: str, unit: str, queries: Queries, colors: Mapping[str, str], *, width: int, alert: str
) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .links(_runbook(alert))
        .unit(unit)
        .datasource(SOURCE)
        .show_points(looks.VisibilityMode.NEVER)
        .line_interpolation(looks.LineInterpolation.LINEAR)
        .color_scheme(FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
        .span(width)
        .height(_HEIGHT)
    )
    for (legend, expr), letter in zip(queries.items(), ascii_uppercase, strict=False):
        panel.with_target(_target(expr, legend, letter))
    for name, color in colors.items():
        panel.override_by_name(name, [model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})])
    return panel


def _target(expr: str, legend: str, letter: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(letter).range()


def _legend(
    placement: looks.LegendPlacement, mode: looks.LegendDisplayMode, calcs: list[str]
) -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True).placement(placement).display_mode(mode).calcs(calcs)
    return legend.sort_by("Max").sort_desc(True) if calcs else legend


def _thresholds(steps: Steps) -> ThresholdsConfig:
    return (
        ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=color) for value, color in steps])
    )


def _runbook(alert: str) -> list[Builder[model.DashboardLink]]:
    return [runbooks.link(alert)] if alert else []
