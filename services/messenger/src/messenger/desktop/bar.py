"""The bar above what is said: where one is, how one is in, and what the room is about."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from messenger.core.conversation import Conversation
from messenger.desktop.icons import icon, picture
from messenger.desktop.theme import Theme
from messenger.presentation.i18n import _
from messenger.presentation.state import Tone, is_encrypted, members_of, seal_of, state_of, title_of, tone_of


class Dot(QWidget):
    """A dot in the colour of how well one is in; the words beside it say the same."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._tone: Tone | None = None
        self.setFixedSize(10, 10)

    def show_tone(self, tone: Tone | None) -> None:
        """Take the colour."""
        if tone is not self._tone:
            self._tone = tone
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint it."""
        colours = self._theme.colours
        tones = {None: colours.good, Tone.CALM: colours.muted, Tone.WARNING: colours.warning}
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tones.get(self._tone, colours.danger)))
        painter.drawEllipse(self.rect().adjusted(1, 1, -1, -1))


class Lock(QLabel):
    """A closed lock beside words that say the same."""

    def __init__(self, theme: Theme, size: int) -> None:
        super().__init__()
        self._theme, self._size = theme, size
        self.hide()
        theme.changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        self.setPixmap(picture("lock", self._size, self._theme.colours.good, self.devicePixelRatioF()))


class Bar(QWidget):
    """Shows the room's name, state and topic, and the buttons for its menus."""

    back_wanted = Signal()
    members_wanted = Signal()
    menu_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self.back = self._button(_("Back to the rooms"), _("Shows the list of rooms"))
        self.title = ElidedLabel(role="title")
        self.title.setAccessibleName(_("Room"))
        self.dot = Dot(theme)
        self.encrypted, self.sealed = Lock(theme, 13), Lock(theme, 15)
        self.state = ElidedLabel(role="muted")
        self.state.setAccessibleName(_("Connection and topic"))
        self.members = self._button(_("Members (Ctrl+B)"), _("Shows or hides the list of members"))
        self.members.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.menu = self._button(_("Room menu (Ctrl+F10)"), _("Opens the menu of this room"))
        below = QHBoxLayout()
        below.setSpacing(6)
        below.addWidget(self.dot)
        below.addWidget(self.encrypted)
        below.addWidget(self.state, 1)
        above = QHBoxLayout()
        above.setSpacing(6)
        above.addWidget(self.sealed)
        above.addWidget(self.title, 1)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addLayout(above)
        words.addLayout(below)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 9, 10, 9)
        row.setSpacing(6)
        row.addWidget(self.back)
        row.addLayout(words, 1)
        row.addWidget(self.members)
        row.addWidget(self.menu)
        self.back.clicked.connect(self.back_wanted)
        self.members.clicked.connect(self.members_wanted)
        self.menu.clicked.connect(self.menu_wanted)
        theme.changed.connect(self._draw)
        self._draw()

    def render_bar(self, conversation: Conversation, retry_seconds: float) -> None:
        """Show how it is now."""
        self.title.setText(title_of(conversation))
        self.dot.show_tone(tone_of(conversation))
        state = state_of(conversation, retry_seconds)
        self.encrypted.setVisible(is_encrypted(conversation))
        self.sealed.setVisible(conversation.entry.key is not None)
        encrypted = [_("joined over TLS")] if conversation.entry.tls and not conversation.contact.encrypted else []
        seal = [seal_of(conversation)] if conversation.entry.key else []
        topic = [conversation.topic] if conversation.topic else []
        self.state.setText("  ·  ".join([state, *encrypted, *seal, *topic]))
        self.state.setAccessibleDescription(self.state.text())
        count = len(conversation.roster)
        self.members.setText(str(count) if count else "")
        self.members.setAccessibleName(members_of(conversation))

    def _button(self, name: str, description: str) -> QToolButton:
        button = QToolButton()
        button.setIconSize(QSize(20, 20))
        button.setToolTip(name)
        button.setAccessibleName(name.partition(" (")[0])
        button.setAccessibleDescription(description)
        return button

    def _draw(self) -> None:
        for button, name in ((self.back, "back"), (self.members, "people"), (self.menu, "more")):
            button.setIcon(icon(name, self._theme.colours.text, self._theme.colours.muted))
        self.dot.update()


class ElidedLabel(QLabel):
    """Shows as much of a line that somebody else wrote as fits: plain text, with an ellipsis."""

    def __init__(self, parent: QWidget | None = None, *, role: str = "") -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if role:
            self.setProperty("role", role)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for no width at all."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint what fits."""
        painter = QPainter(self)
        fitting = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment() | Qt.TextFlag.TextSingleLine), fitting)
