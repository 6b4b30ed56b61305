import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QIcon
from PySide6.QtWidgets import QApplication

from messenger.desktop.icons import icon
from messenger.desktop.theme import DARK, LIGHT, Colours, Theme
from messenger.presentation.palette import COLOURS


def luminance(colour: QColor) -> float:
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """As WCAG has it, from 1 to 21."""
    bright, dark = sorted((luminance(QColor(one)), luminance(QColor(other))), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        *((ink, paper) for ink in ("text", "muted") for paper in ("ground", "side", "raised", "hover", "chosen")),
        ("text", "own"),
        ("text", "other"),
        ("link", "own"),
        ("link", "other"),
        ("link", "warning_ground"),
        ("text", "warning_ground"),
        ("muted", "own"),
        ("muted", "other"),
        ("muted", "warning_ground"),
        ("on_accent", "accent"),
        ("on_accent", "warning"),
        ("danger", "danger_ground"),
        ("danger", "ground"),
        ("danger", "raised"),
        ("danger", "side"),
        ("warning", "warning_ground"),
        ("warning", "side"),
    ],
)
def test_everything_can_be_read(colours: Colours, ink: str, paper: str) -> None:
    assert contrast(getattr(colours, ink), getattr(colours, paper)) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_names_can_be_read(theme: Theme, monkeypatch: pytest.MonkeyPatch, colours: Colours) -> None:
    monkeypatch.setattr(theme, "colours", colours)
    monkeypatch.setattr("messenger.desktop.theme.colour_of", lambda name: name)
    assert min(contrast(theme.name_colour(colour).name(), colours.ground) for colour in COLOURS) >= 4


def test_the_colours_follow_the_system(qapp: QApplication, theme: Theme) -> None:
    changes: list[str] = []
    theme.changed.connect(lambda: changes.append(theme.colours.ground))
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)  # a platform without a desktop has only one
    assert theme.colours is DARK
    assert qapp.palette().window().color() == QColor(DARK.side)
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.colours is LIGHT
    assert changes == [DARK.ground, LIGHT.ground]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.usefixtures("qapp")
def test_a_picture_that_cannot_be_pressed_is_seen(colours: Colours) -> None:
    drawn = icon("send", colours.on_accent, colours.muted).pixmap(QSize(24, 24), QIcon.Mode.Disabled).toImage()
    points = [drawn.pixelColor(x, y) for x in range(drawn.width()) for y in range(drawn.height())]
    solid = [point.name() for point in points if point.alpha() == 255]
    assert solid
    assert min(contrast(each, colours.line) for each in solid) > 3  # its button's ground


@pytest.mark.usefixtures("theme")
def test_fonts_for_japanese_come_after_the_systems_own() -> None:
    font = QApplication.font()
    assert len(font.families()) > 1
    assert QFontInfo(font).family() == QFontInfo(QFont(QFont().defaultFamily())).family()
