"""The pictures of the terminal app show it as it is, in both languages; ``make pictures`` draws them anew."""

import asyncio
from xml.etree import ElementTree as ET

import pytest
from textual.theme import Theme

from docs.record_terminal import IMAGES, draw, photograph
from docs.terminal_talk import TALKS
from messenger.presentation.i18n import use_language
from messenger.terminal.themes import DARK, LIGHT

_SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> str:
    """Return all that stands in a picture, without spaces, which depend on where rows end."""
    tree = ET.fromstring(svg)  # noqa: S314 - the file is our own
    return "".join("".join("".join(text.itertext()).split()) for text in tree.iter(f"{_SVG}text"))


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: str(theme.name))
@pytest.mark.parametrize("language", TALKS)
def test_they_are_what_would_be_drawn_now(language: str, theme: Theme) -> None:

    use_language(language)
    try:
        strips = asyncio.run(photograph(TALKS[language], theme.name))
    finally:
        use_language("en")
    drawn = draw(strips, ground=str(theme.background), text=str(theme.foreground))
    kept = IMAGES / f"chat-terminal-{language}-{'dark' if theme.dark else 'light'}.svg"
    assert texts(kept.read_text(encoding="utf-8")) == texts(drawn), "Run `make pictures`."
