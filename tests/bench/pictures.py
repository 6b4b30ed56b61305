"""Draw bars as an SVG that can be read on light and on dark pages."""

from collections.abc import Sequence
from html import escape
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

_ROW, _LEFT, _BARS, _RIGHT, _HEAD = 24, 150, 480, 110, 62
_WIDTH: Final = _LEFT + _BARS + _RIGHT
_LIGHT: Final = ("#2f7d57", "#4a7bc0", "#b08a3a", "#8a63b5", "#9aa3ae")
_DARK: Final = ("#56b585", "#7ba6e6", "#d9b25c", "#b592de", "#6d7784")


class Bar(NamedTuple):
    """One bar: its parts one after the other, the lowest and the highest of its figure if known, and it in words."""

    label: str
    parts: Sequence[float]
    text: str
    spread: tuple[float, float] | None = None


def draw(title: str, legend: Sequence[str], groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Draw groups of bars below one another, all to one scale; ``legend`` names their parts."""
    bars = [bar for _, group in groups for bar in group]
    longest = max([sum(bar.parts) for bar in bars] + [bar.spread[1] for bar in bars if bar.spread]) or 1.0
    height = _HEAD + _ROW * (len(bars) + len(groups)) + 10
    body, top = [f'<text class="title" x="10" y="22">{escape(title)}</text>', *_draw_legend(legend)], _HEAD
    for name, group in groups:
        body.append(f'<text class="group" x="10" y="{top + 16}">{escape(name)}</text>')
        for bar in group:
            top += _ROW
            body += _draw_bar(bar, top, _BARS / longest)
        top += _ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="{escape(title)}">'
    )
    return "\n".join([head, _style(), *body, "</svg>", ""])


def _draw_bar(bar: Bar, top: int, scale: float) -> list[str]:
    middle = top + _ROW // 2
    lines = [f'<text x="{_LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(bar.label)}</text>']
    for number, (start, end) in enumerate(pairwise(accumulate(bar.parts, initial=0.0))):
        place = f'x="{_LEFT + start * scale:.1f}" y="{top + 4}" width="{(end - start) * scale:.1f}"'
        lines.append(f'<rect class="part{number}" {place} height="{_ROW - 8}"/>')
    if bar.spread:
        low, high = (_LEFT + figure * scale for figure in bar.spread)
        ends = "".join(f"M{x:.1f} {middle - 4}v8" for x in (low, high))
        lines.append(f'<path class="spread" d="M{low:.1f} {middle}H{high:.1f}{ends}"/>')
    lines.append(f'<text class="small" x="{_LEFT + _BARS + 8}" y="{middle + 4}">{escape(bar.text)}</text>')
    return lines


def _draw_legend(legend: Sequence[str]) -> list[str]:
    lines, left = [], 10
    for number, name in enumerate(legend):
        lines.append(f'<rect class="part{number}" x="{left}" y="34" width="12" height="12"/>')
        lines.append(f'<text class="small" x="{left + 17}" y="45">{escape(name)}</text>')
        left += 40 + 7 * len(name)
    return lines


def _style() -> str:
    light, dark = ("".join(f".part{i} {{ fill: {colour}; }} " for i, colour in enumerate(c)) for c in (_LIGHT, _DARK))
    return f"""<style>
  text {{ fill: #1d2530; }} .title {{ font-size: 15px; }} .group {{ font-weight: 600; }}
  .small {{ font-size: 12px; fill: #55606e; }}
  .spread {{ stroke: #1d2530; fill: none; }} {light}
  @media (prefers-color-scheme: dark) {{
    text {{ fill: #e8edf4; }} .small {{ fill: #aab4c0; }} .spread {{ stroke: #e8edf4; }} {dark}
  }}
</style>"""
