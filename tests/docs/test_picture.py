"""The picture of the demo shows the demo as it is; ``make picture`` records it anew."""

import unicodedata
from xml.etree import ElementTree as ET

import pytest

from bot_client.scenario import load_scenario
from bot_client.settings import Settings
from bot_client.steps import Say
from docs.record_demo import PICTURE, ROWS

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def frames() -> list[str]:
    """Return the text of each frame, without spaces, which depend on where lines break."""
    tree = ET.parse(PICTURE)  # noqa: S314 - the file is our own
    rows = {group.get("id"): "".join(group.itertext()) for group in tree.iter(f"{_SVG}g") if group.get("id")}
    texts: dict[int, str] = {}
    for use in tree.iter(f"{_SVG}use"):
        number = int(use.get("y", "0")) // (18 * ROWS)
        texts[number] = texts.get(number, "") + rows[use.get("href", "").removeprefix("#")]
    return [squeezed(text) for text in texts.values()]


def squeezed(text: str) -> str:
    return unicodedata.normalize("NFC", "".join(text.split()))


def test_it_shows_every_line_that_is_said(frames: list[str]) -> None:
    scenario = load_scenario("demo", Settings.load({}))
    said = [step.text for bot in scenario.bots for step in bot.steps if isinstance(step, Say)]
    assert len(said) > 20
    assert [text for text in said if not any(squeezed(text) in frame for frame in frames)] == []


def test_it_ends_with_the_summary(frames: list[str]) -> None:
    assert "Whatyousaw" in frames[-1]
    assert "0lost,0duplicated" in frames[-1]
