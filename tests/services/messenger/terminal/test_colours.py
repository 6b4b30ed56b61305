"""That all words are readable, whatever number of colours a terminal has."""

import pytest
from rich.color import ColorSystem
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from textual.selection import Selection

from messenger.terminal.themes import DARK, LIGHT, name_colour
from services.messenger.core.fake_relay import Case, listing
from services.messenger.terminal.seat import Seat, sit_down

SYSTEMS = [ColorSystem.STANDARD, ColorSystem.EIGHT_BIT, ColorSystem.TRUECOLOR]
ENOUGH = 3.0


def luminance(colour: ColorTriplet) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(style: Style, system: ColorSystem) -> float:
    """As WCAG has it, from 1 to 21."""
    assert style.color
    assert style.bgcolor
    shown = (colour.downgrade(system).get_truecolor(DEFAULT_TERMINAL_THEME) for colour in (style.color, style.bgcolor))
    dark, bright = sorted(map(luminance, shown))
    return (bright + 0.05) / (dark + 0.05)


def unreadable(seat: Seat) -> set[tuple[str, str]]:
    """Return each word on the screen that has too little contrast with its ground, and in which colours."""
    return {
        (segment.text.strip(), system.name)
        for strip in seat.app.screen._compositor.render_strips(seat.app.size)
        for segment in strip
        for system in SYSTEMS
        if any(map(str.isalnum, segment.text)) and segment.style and contrast(segment.style, system) < ENOUGH
    }


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
async def test_words_are_readable_selected_or_not(case: Case, theme: str) -> None:
    async with sit_down(case, create=True, size=(120, 30)) as ann:
        ann.app.theme = theme
        case.relay.notices(listing("ann (host)", "bob", "eve (muted)"))
        case.relay.says("bob: see https://example.com/a")
        await ann.enters("my own words")
        await ann.enters("/quack")
        await ann.sees("Unknown command /quack", "my own words", "3 members")
        await ann.settles()
        assert unreadable(ann) == set()
        transcript = ann.app._rooms.transcript
        ann.app.screen.selections = {transcript: Selection(None, None)}
        await ann.pilot.pause()
        chosen = ann.style_at("my own words")
        assert chosen.bgcolor == ann.app.screen.get_component_rich_style("screen--selection").bgcolor
        assert unreadable(ann) == set()


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
async def test_what_one_types_is_readable_selected_or_not(case: Case, theme: str) -> None:
    async with sit_down(case) as ann:
        ann.app.theme = theme
        await ann.types("half a word")
        assert unreadable(ann) == set()
        ann.app._rooms.composer.mistyped()
        await ann.until(lambda: ann.style_at("half").bgcolor != ann.style_at("demo").bgcolor, "The selection")
        assert unreadable(ann) == set()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_names_are_readable_in_every_colour(theme: object) -> None:
    dark = theme is DARK
    ground = (DARK if dark else LIGHT).background
    for number in range(200):
        style = Style.parse(f"{name_colour(str(number), dark=dark)} on {ground}")
        assert min(contrast(style, system) for system in SYSTEMS) > ENOUGH
