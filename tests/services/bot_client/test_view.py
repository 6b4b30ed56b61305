"""What people see, on a terminal and without one."""

import io
import re

import pytest
from rich.console import Console

from bot_client.happenings import Advised, Entered, FellSilent, Happening, Left, Lost, Refused, Spoken
from bot_client.view import Figures, View
from chatproto import EvictionReason, Status

FIGURES = Figures(2, 6, 3, 12.4, 40.2, 1, 10, 30)


def show(*happenings: Happening, terminal: bool, width: int = 100) -> str:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=terminal, width=width, color_system="truecolor" if terminal else None, highlight=False
    )
    with View(console, lambda: "12:00:00", ["café", "茶室", None], ["Hana", "さくら"]) as view:
        for happening in happenings:
            view.show(happening)
        view.status(FIGURES)
    return file.getvalue()


def test_without_a_terminal_lines_are_plain() -> None:
    text = show(
        Entered("café", "Hana", host=True),
        Spoken("café", "Hana", "Hello [bold]you[/bold] :smile: " + "long " * 40),
        Spoken(None, "Amal", "مرحبا"),
        terminal=False,
        width=40,
    )
    assert text.splitlines() == [
        "12:00:00 [café] * Hana creates the room and is its host",
        "12:00:00 [café] Hana: Hello [bold]you[/bold] :smile: " + "long " * 40,
        "12:00:00 [lobby] Amal: مرحبا",
    ]
    assert "\x1b" not in text


def test_on_a_terminal_everybody_has_a_color_and_notices_are_dimmed() -> None:
    text = show(
        Spoken("café", "Hana", "Hello"),
        Spoken("茶室", "さくら", "こんにちは"),
        Left("café", "Hana", host=True),
        Spoken("café", "Hana", "again"),
        terminal=True,
    )
    lines = text.splitlines()
    color = {
        name: line.split(name)[0].rpartition("\x1b")[2].partition("m")[0]
        for line in lines
        for name in ("Hana", "さくら")
        if name in line
    }
    assert color["Hana"] != color["さくら"]
    assert sum("\x1b[2;3m" in line and "so the room closes" in line for line in lines) == 1
    assert [mark for line in lines for mark in "│·" if mark in line] == ["│", "│", "·", "│"]
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # the cursor is back


def test_a_crowd_in_many_places_shares_the_colors() -> None:
    names = [f"g{number}" for number in range(20)]
    text = show(*(Spoken(f"room{number}", name, "hi") for number, name in enumerate(names)), terminal=True)
    assert len(re.findall(r"\x1b\[1;[\d;]+m *g\d", text)) == 20


def test_the_status_line_shows_how_things_stand() -> None:
    text = show(terminal=True)
    plain = "".join(part.partition("m")[2] if index else part for index, part in enumerate(text.split("\x1b[")))
    for part in ("rooms 2", "members 6", "lobby 3", "datagrams/s 12 in, 40 out", "evictions 1", "20 s left"):
        assert part in plain


def test_a_narrow_terminal_gets_plain_lines() -> None:
    text = show(Spoken("café", "Hana", "Hello"), terminal=True, width=50)
    assert "12:00:00 [café] Hana: Hello\n" in text
    assert "datagrams/s" not in text


def test_long_lines_wrap_beside_the_columns() -> None:
    text = show(Spoken("café", "Hana", "word " * 30), terminal=True, width=60)
    lines = [line for line in text.splitlines() if "word" in line]
    assert len(lines) > 1
    indent = lines[1].index("word")
    assert lines[1][:indent].replace("\x1b[2m", "").replace("\x1b[0m", "").strip() == ""


@pytest.mark.parametrize(
    ("happening", "text"),
    [
        (Entered(None, "Ivo", host=False), "Ivo enters the lobby"),
        (Entered("r", "Ivo", host=False), "Ivo joins"),
        (Refused("r", "Leo", Status.NO_SUCH_ROOM), "Leo is refused: There is no room of this name"),
        (Left("r", "Ivo", host=False), "Ivo leaves"),
        (FellSilent("r", "Rui"), "Rui falls silent"),
        (
            Lost("r", "Rui", EvictionReason.SILENCE, "Nothing was heard."),
            "Rui is evicted (silence): Nothing was heard.",
        ),
        (Lost("r", "Rui", EvictionReason.HOST_LEFT, ""), "the host left, so the room closed"),
        (Lost("r", "Rui", None, "No relay answers."), "Rui lost its membership: No relay answers."),
        (Advised("r", "Rui", "too fast"), "the relay tells Rui: too fast"),
        (Spoken("r", "Rui", "hi"), "hi"),
    ],
)
def test_every_happening_has_its_words(happening: Happening, text: str) -> None:
    assert text in str(happening)
