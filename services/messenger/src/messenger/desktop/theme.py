"""How everything looks: two sets of colours, light and dark, as the system has it."""

from dataclasses import asdict, dataclass
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

from messenger.desktop.stylesheet import stylesheet
from messenger.presentation.palette import colour_of

JAPANESE_FONTS: Final = ("Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI", "Meiryo", "IPAexGothic")
"""Tried after the system's own font, so that Chinese characters have the shapes that Japanese readers expect."""

MIN_POINTS: Final = 10.0
"""Of the program's letters before anybody wants others."""
LEAST_ZOOM, MOST_ZOOM = -3, 14
"""By so many points letters get smaller and larger: from what can just be read to what fills a small window."""

_TITLE: Final = 1.5
"""How much larger titles are."""


@dataclass(frozen=True, slots=True)
class Colours:
    """What is painted in which colour, as ``#rrggbb``."""

    dark: bool
    ground: str
    """Behind what is said."""
    side: str
    """Behind the lists of rooms and members."""
    raised: str
    """Of fields to type in, and cards."""
    line: str
    """Of edges."""
    hover: str
    chosen: str
    text: str
    muted: str
    """Of what matters less."""
    accent: str
    on_accent: str
    own: str
    """Behind one's own messages."""
    other: str
    """Behind other people's messages."""
    code: str
    """Behind code."""
    link: str
    danger: str
    danger_ground: str
    warning: str
    warning_ground: str
    good: str


LIGHT: Final = Colours(
    dark=False,
    ground="#ffffff",
    side="#f5f6f8",
    raised="#ffffff",
    line="#dfe2e8",
    hover="#eaecf1",
    chosen="#dfe3fb",
    text="#1c2029",
    muted="#596273",
    accent="#4650c8",
    on_accent="#ffffff",
    own="#e3e6fd",
    other="#f0f2f5",
    code="#1a283048",
    link="#3540b8",
    danger="#b3261e",
    danger_ground="#fdecea",
    warning="#7a4f00",
    warning_ground="#fff4dc",
    good="#1b7f45",
)
DARK: Final = Colours(
    dark=True,
    ground="#1b1d23",
    side="#15171c",
    raised="#24272f",
    line="#343842",
    hover="#24272f",
    chosen="#30355a",
    text="#e8eaef",
    muted="#9ba3b4",
    accent="#8f99ff",
    on_accent="#12141c",
    own="#2f355e",
    other="#292c35",
    code="#66101216",
    link="#aab2ff",
    danger="#ff9d94",
    danger_ground="#432523",
    warning="#f3c978",
    warning_ground="#3d311a",
    good="#6fd19a",
)


class Theme(QObject):
    """The colours of now; they follow the system while the program runs."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self.colours = LIGHT
        app.setStyle("Fusion")
        self.zoom = 0
        """By how many points letters are larger than they are by themselves."""
        app.setFont(_font(app.font()))
        self._points = app.font().pointSizeF()
        app.styleHints().colorSchemeChanged.connect(self._follow)
        self._follow(app.styleHints().colorScheme())

    def name_colour(self, name: str) -> QColor:
        """Choose a person's colour, brighter on a dark ground."""
        colour = QColor(colour_of(name))
        return colour.lighter(140) if self.colours.dark else colour

    def zoom_to(self, zoom: int) -> None:
        """Make all letters larger or smaller, as far as they may be."""
        self.zoom = max(LEAST_ZOOM, min(MOST_ZOOM, zoom))
        font = self._app.font()
        font.setPointSizeF(self._points + self.zoom)
        self._app.setFont(font)
        self._draw()

    def _follow(self, scheme: Qt.ColorScheme) -> None:
        self.colours = DARK if scheme is Qt.ColorScheme.Dark else LIGHT
        self._app.setPalette(_palette(self.colours))
        self._draw()

    def _draw(self) -> None:
        title = round(self._app.font().pointSizeF() * _TITLE)
        self._app.setStyleSheet(stylesheet({**asdict(self.colours), "title": f"{title}pt"}))
        self.changed.emit()


def _font(font: QFont) -> QFont:
    # The family behind a name such as "Sans Serif": Qt looks such names up only if it has none of the others.
    font.setFamilies([QFontInfo(font).family(), *JAPANESE_FONTS])
    font.setPointSizeF(max(font.pointSizeF(), MIN_POINTS))
    return font


def _palette(colours: Colours) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for roles, colour in (
        ((role.Window, role.AlternateBase), colours.side),
        ((role.Base,), colours.ground),
        ((role.Button, role.ToolTipBase), colours.raised),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), colours.text),
        ((role.PlaceholderText,), colours.muted),
        ((role.Highlight, role.Accent), colours.accent),
        ((role.HighlightedText,), colours.on_accent),
        ((role.Link, role.LinkVisited), colours.link),
        ((role.Mid, role.Dark), colours.line),
    ):
        for each in roles:
            palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(colours.muted))
    return palette
