"""Record the demo on a terminal of 100 x 30 and draw it as a moving picture: ``make picture``.

The picture is an SVG that needs no script: its frames stand below one another, and a style sheet moves them
past a window. Who wants no movement, or can't show any, sees the last frame.
"""

import os
import sys
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

import pexpect
import pyte
from pyte.screens import Char
from wcwidth import wcwidth

PICTURE: Final = Path(__file__).parents[2] / "docs" / "images" / "demo.svg"
COLUMNS, ROWS = 100, 30
FRAME_SECONDS: Final = 0.5
LAST_FRAME_SECONDS: Final = 8.0
DEADLINE_SECONDS: Final = 120

_CELL_WIDTH, _CELL_HEIGHT = 8.43, 18
_MARGIN, _TITLE_HEIGHT = 14, 34
_FOREGROUND, _BACKGROUND = "#d8dee9", "#1b1f27"
_FAINT, _BOLD = 2, 1
_COLOURS: Final = {
    "black": "#3b4252", "red": "#e06c75", "green": "#8fc379", "brown": "#d9b36c",
    "blue": "#61a5ee", "magenta": "#c678dd", "cyan": "#56b6c2", "white": "#d8dee9",
    "brightblack": "#7a8394", "brightred": "#ff8088", "brightgreen": "#a6e08c", "brightbrown": "#f3d27f",
    "brightblue": "#82bfff", "brightmagenta": "#e29bf5", "bfightmagenta": "#e29bf5", "brightcyan": "#74dbe6",
    "brightwhite": "#ffffff", "default": _FOREGROUND,
}  # fmt: skip
_ALWAYS_WIDE = {"W", "F"}

Row: TypeAlias = str
"""One line of the screen as SVG, to be put anywhere."""
Screenful: TypeAlias = tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the screen showed, from a moment on."""

    at_seconds: float
    rows: Screenful


def main() -> int:
    """Record, draw, and write the picture; returns the exit code."""
    frames = list(record([str(Path(sys.executable).parent / "bot-client"), "demo"]))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(frames, title="make demo"), encoding="utf-8")
    print(f"{PICTURE.name}: {len(frames)} frames, {frames[-1].at_seconds:.0f} s, {PICTURE.stat().st_size} bytes.")
    return 0


def record(command: list[str]) -> Iterator[Frame]:
    """Run a program on a terminal and yield what its screen shows, twice a second at most."""
    screen = _Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BOT_", "RELAY_"))}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUNBUFFERED": "1"}
    program = pexpect.spawn(command[0], command[1:], dimensions=(ROWS, COLUMNS), env=environment, encoding="utf-8")
    started_at, due = time.monotonic(), 0.0
    shown: Screenful = ()
    while True:
        elapsed = time.monotonic() - started_at
        if elapsed > DEADLINE_SECONDS:
            program.close(force=True)
            raise TimeoutError("The demo didn't end in time.")
        try:
            stream.feed(program.read_nonblocking(65_536, timeout=FRAME_SECONDS))
        except pexpect.TIMEOUT:
            continue
        except pexpect.EOF:
            break
        if elapsed >= due and (rows := _rows(screen)) != shown:
            yield Frame(elapsed, rows)
            shown, due = rows, elapsed + FRAME_SECONDS
    program.close()
    if program.exitstatus:
        raise RuntimeError(f"The demo failed with exit code {program.exitstatus}.")
    yield Frame(time.monotonic() - started_at, _rows(screen))


def draw(frames: list[Frame], *, title: str) -> str:
    """Draw the frames as one SVG that plays them again and again."""
    width, height = 2 * _MARGIN + COLUMNS * _CELL_WIDTH, _TITLE_HEIGHT + ROWS * _CELL_HEIGHT + _MARGIN
    total = frames[-1].at_seconds + LAST_FRAME_SECONDS
    steps = "".join(
        f"{100 * frame.at_seconds / total:.2f}%{{transform:translateY({-number * ROWS * _CELL_HEIGHT}px)}}"
        for number, frame in enumerate(frames)
    )
    numbers: dict[Row, int] = {}
    strip = []
    for number, frame in enumerate(frames):
        for line, row in enumerate(frame.rows):
            if row:
                y = (number * ROWS + line) * _CELL_HEIGHT
                strip.append(f'<use href="#r{numbers.setdefault(row, len(numbers))}" y="{y}"/>')
    rows = "".join(f'<g id="r{number}">{row}</g>\n' for row, number in numbers.items())
    last = -(len(frames) - 1) * ROWS * _CELL_HEIGHT
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">
<title>{escape(title)}</title>
<style>
text{{font:14px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,"Noto Sans Mono CJK JP",monospace;white-space:pre}}
.b{{font-weight:bold}} .i{{font-style:italic}} .d{{opacity:.6}}
@keyframes play{{0%{{transform:translateY(0px)}}{steps}}}
.strip{{animation:play {total:.2f}s steps(1,end) infinite}}
@media (prefers-reduced-motion:reduce){{.strip{{animation:none}}}}
</style>
<defs>
{rows}</defs>
<rect width="100%" height="100%" rx="9" fill="{_BACKGROUND}"/>
<circle cx="20" cy="17" r="6" fill="#ff5f57"/><circle cx="40" cy="17" r="6" fill="#febc2e"/>
<circle cx="60" cy="17" r="6" fill="#28c840"/>
<text x="84" y="22" fill="#7a8394">$ {escape(title)}</text>
<svg x="{_MARGIN}" y="{_TITLE_HEIGHT}" width="{COLUMNS * _CELL_WIDTH:.0f}" height="{ROWS * _CELL_HEIGHT}">
<g class="strip" transform="translate(0 {last})">
{"".join(strip)}
</g>
</svg>
</svg>
"""


class _Screen(pyte.Screen):
    """A screen that knows faint text, by the attribute that it has for blinking, and vowel signs."""

    def draw(self, data: str) -> None:
        """Draw text; pyte would drop what follows a character of no width that isn't a combining one."""
        for no_width, piece in groupby(data, key=lambda char: wcwidth(char) == 0):
            if no_width and self.cursor.x:
                line, place = self.buffer[self.cursor.y], self.cursor.x - 1
                line[place] = line[place]._replace(data=line[place].data + "".join(piece))
            else:
                super().draw("".join(piece))

    def select_graphic_rendition(self, *attrs: int) -> None:
        for place in (0, 1):
            if attrs[place : place + 1] == (_FAINT,) and all(before == _BOLD for before in attrs[:place]):
                attrs = (*attrs[:place], 5, *attrs[place + 1 :])
        super().select_graphic_rendition(*attrs)


def _rows(screen: _Screen) -> Screenful:
    return tuple(_draw_row([screen.buffer[line][column] for column in range(COLUMNS)]) for line in range(ROWS))


def _draw_row(cells: list[Char]) -> Row:
    """Draw the runs of cells that look alike; wide characters stand alone, as fonts differ about them."""
    drawn = []
    for (style, _), run in groupby(enumerate(cells), key=lambda cell: (_style(cell[1]), _alone(cell))):
        places = list(run)
        text = "".join(cell.data for _, cell in places)
        if text.strip():
            position = places[0][0] + len(text) - len(text.lstrip(" "))
            drawn.append(_draw_text(position, text.strip(), style))
    return "".join(drawn)


def _alone(cell: tuple[int, Char]) -> int:
    """Tell runs apart: 0 for plain characters, 1 for scripts that join, else the cell's own place."""
    place, char = cell
    if char.data.isascii() and char.data:
        return 0
    wide = not char.data or unicodedata.east_asian_width(char.data[0]) in _ALWAYS_WIDE
    return -place - 1 if wide else 1


def _draw_text(column: int, text: str, style: str) -> str:
    x = f"{column * _CELL_WIDTH:.2f}".rstrip("0").rstrip(".")
    fit = f' textLength="{len(text) * _CELL_WIDTH:.1f}"' if text.isascii() and len(text) > 1 else ""
    return f'<text x="{x}" y="14"{fit}{style}>{escape(text)}</text>'


def _style(char: Char) -> str:
    colour = _COLOURS.get(char.fg) or f"#{char.fg}"
    classes = " ".join(name for name, on in (("b", char.bold), ("i", char.italics), ("d", char.blink)) if on)
    return f' fill="{colour}"' + (f' class="{classes}"' if classes else "")


if __name__ == "__main__":
    sys.exit(main())
