"""Draw the app on a terminal in the middle of a conversation, for docs/images: a part of ``make pictures``.

The relay is one in memory, so that each picture is the same every time. Wide characters stand one by one in their
cells, as fonts differ about them.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip

from chatproto import Topic
from docs.terminal_talk import TALKS, Talk
from messenger.presentation.i18n import use_language
from messenger.terminal.app import ChatApp
from messenger.terminal.start_screen import Form
from messenger.terminal.themes import DARK, LIGHT
from services.messenger.core.fake_relay import Case, entry, listing

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
COLUMNS, ROWS = 104, 26
_CELL_WIDTH, _CELL_HEIGHT = 8.43, 18
_MARGIN, _TITLE_HEIGHT = 12, 34


def main() -> int:
    """Draw all pictures; returns the exit code."""
    os.environ.pop("NO_COLOR", None)
    for language, talk in TALKS.items():
        use_language(language)
        for theme in (DARK, LIGHT):
            path = IMAGES / f"chat-terminal-{language}-{'dark' if theme.dark else 'light'}.svg"
            strips = asyncio.run(photograph(talk, theme.name))
            path.write_text(draw(strips, ground=str(theme.background), text=str(theme.foreground)), encoding="utf-8")
            print(f"{path.name}: {path.stat().st_size} bytes.")
    return 0


async def photograph(talk: Talk, theme: str, columns: int = COLUMNS, rows: int = ROWS) -> list[Strip]:
    """Let people talk, and return what the screen shows then."""
    case = Case()
    case.relay.limit = 4000
    app = ChatApp(case.messenger, form=Form(name=talk.me), first=entry(talk.room, talk.me))
    async with app.run_test(size=(columns, rows)) as pilot:
        await _settle(app, pilot)
        app.theme = theme
        app.go_to(case.messenger.conversations[0])
        _talk(case, talk)
        await _settle(app, pilot)
        app._rooms.composer.put(talk.draft)
        app.app_focus = False  # so that what comes now is new when one looks again
        await _settle(app, pilot)
        for text in talk.after:
            case.relay.says(text, link=0)
        app.app_focus = True
        await _settle(app, pilot)
        return app.screen._compositor.render_strips(app.size)


async def _settle(app: ChatApp, pilot: Pilot[None]) -> None:
    """Wait until all that has happened is drawn."""
    await pilot.pause()
    while app._dirty or app.current is None:
        await pilot.pause()
    await pilot.pause()


def _talk(case: Case, talk: Talk) -> None:
    others = [case.messenger.enter(entry(room, talk.me)) for room in talk.others]
    room = case.messenger.conversations[0]
    case.relay.notices(Topic(talk.topic), link=0)
    case.relay.notices(listing(*talk.members), link=0)
    for line in talk.lines:
        case.links.now += 40.0
        if isinstance(line, str):
            case.relay.says(line, link=0)
        elif isinstance(line, tuple):
            case.messenger.submit(room, line[0])
        else:
            case.relay.notices(line, link=0)
    for number, _ in enumerate(others, start=1):
        for _ in range(talk.unread[number - 1]):
            case.relay.says("eve: ...", link=number)
    case.messenger.attend(None)


def draw(strips: list[Strip], *, ground: str, text: str) -> str:
    """Draw a screen as an SVG, in a window."""
    columns = max(strip.cell_length for strip in strips)
    width, height = 2 * _MARGIN + columns * _CELL_WIDTH, _TITLE_HEIGHT + len(strips) * _CELL_HEIGHT + _MARGIN
    rows = "\n".join(
        f'<g transform="translate(0 {number * _CELL_HEIGHT})">{"".join(_draw_row(strip, ground, text))}</g>'
        for number, strip in enumerate(strips)
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">
<title>chat</title>
<style>
text{{font:14px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,"Noto Sans Mono CJK JP",monospace;white-space:pre}}
.b{{font-weight:bold}} .i{{font-style:italic}} .u{{text-decoration:underline}}
</style>
<rect width="100%" height="100%" rx="9" fill="{ground}" stroke="#8886"/>
<circle cx="20" cy="17" r="6" fill="#ff5f57"/><circle cx="40" cy="17" r="6" fill="#febc2e"/>
<circle cx="60" cy="17" r="6" fill="#28c840"/>
<text x="84" y="22" fill="#7a8394">$ chat</text>
<g transform="translate({_MARGIN} {_TITLE_HEIGHT})">
{rows}
</g>
</svg>
"""


def _draw_row(strip: Strip, ground: str, text: str) -> Iterator[str]:
    """Draw the grounds first, so that none lies over a letter."""
    pieces = list(_pieces(strip))
    for column, cells, segment in pieces:
        colour = _colours(segment.style, ground, text)[1]
        if colour.lower() != ground.lower():
            yield (
                f'<rect x="{column * _CELL_WIDTH:.2f}" width="{cells * _CELL_WIDTH + 0.2:.2f}" '
                f'height="{_CELL_HEIGHT + 0.2}" fill="{colour}"/>'
            )
    for column, _, segment in pieces:
        yield from _draw_text(column, segment, _colours(segment.style, ground, text)[0])


def _pieces(strip: Strip) -> Iterator[tuple[int, int, Segment]]:
    column = 0
    for segment in strip:
        cells = cell_len(segment.text)
        yield column, cells, segment
        column += cells


def _draw_text(column: int, segment: Segment, colour: str) -> Iterator[str]:
    style = segment.style or Style.null()
    classes = " ".join(name for name, on in (("b", style.bold), ("i", style.italic), ("u", style.underline)) if on)
    mark = f' fill="{colour}"' + (f' class="{classes}"' if classes else "")
    for text, place in _runs(segment.text):
        if text.strip():
            x = (column + place + len(text) - len(text.lstrip())) * _CELL_WIDTH
            fit = f' textLength="{len(text.strip()) * _CELL_WIDTH:.1f}"' if text.isascii() and len(text) > 1 else ""
            yield f'<text x="{x:.2f}" y="14" xml:space="preserve"{fit}{mark}>{escape(text.strip())}</text>'


def _runs(text: str) -> Iterator[tuple[str, int]]:
    """Cut a text into runs of ASCII, and everything else one by one, with the columns before each."""
    run, at, column = "", 0, 0
    for first, last, cells in split_graphemes(text)[0]:
        piece = text[first:last]
        if piece.isascii():
            run, at = run + piece, at if run else column
        else:
            if run:
                yield run, at
            yield piece, column
            run = ""
        column += cells
    if run:
        yield run, at


def _colours(style: Style | None, ground: str, text: str) -> tuple[str, str]:
    colours = [text, ground]
    if style:
        for number, colour in enumerate((style.color, style.bgcolor)):
            if colour and not colour.is_default:
                colours[number] = colour.get_truecolor().hex
        if style.reverse:
            colours.reverse()
    return colours[0], colours[1]


if __name__ == "__main__":
    sys.exit(main())
