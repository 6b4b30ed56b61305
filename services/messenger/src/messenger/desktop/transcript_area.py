"""The transcript, with a button to the newest messages, and a hint while nobody has spoken."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from messenger.core.conversation import Conversation
from messenger.core.facts import Presence
from messenger.core.history import Kind
from messenger.desktop.icons import icon, picture
from messenger.desktop.theme import Theme
from messenger.desktop.transcript import Transcript
from messenger.presentation.i18n import _, ngettext


class Hint(QWidget):
    """What to do in a room in which nobody has said anything."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words = QLabel(_("No messages yet. Write the first one, or invite somebody."))
        self.words.setProperty("role", "muted")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.invite = QPushButton(_("Copy &invitation"))
        self.invite.setAccessibleDescription(_("Copies a link to this room"))
        self._column = column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(self._picture)
        column.addWidget(self.words)
        column.addWidget(self.invite, 0, Qt.AlignmentFlag.AlignCenter)
        theme.changed.connect(self._draw)
        self._draw()

    def height_for(self, width: int) -> int:
        """Tell how high it gets."""
        return self._column.totalHeightForWidth(width)

    def _draw(self) -> None:
        self._picture.setPixmap(picture("empty", 44, self._theme.colours.muted, self.devicePixelRatioF()))


class TranscriptArea(QWidget):
    """Shows a transcript with what floats above it."""

    invite_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.transcript = Transcript(theme, self)  # the first, so that the others are above it
        self.newest = QPushButton(_("Newest messages"), self)
        self.newest.setProperty("role", "float")
        self.newest.setAccessibleDescription(_("Scrolls to the newest messages"))
        self.newest.hide()
        self.hint = Hint(theme, self)
        self.hint.hide()
        self._spoken_in: Conversation | None = None
        self._quiet = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.transcript)
        self.newest.clicked.connect(self.transcript.jump)
        self.hint.invite.clicked.connect(self.invite_wanted)
        theme.changed.connect(self._draw)
        self._draw()

    def render_area(self, conversation: Conversation) -> None:
        """Show what has changed."""
        self.transcript.render_lines()
        self.newest.setVisible(not self.transcript.following)
        if not self.transcript.following:
            many = ngettext("{count} new message", "{count} new messages", conversation.unread)
            text = many.format(count=conversation.unread) if conversation.unread else _("Newest messages")
            if self.newest.text() != text:
                self.newest.setText(text)
                self._place()
        self._quiet = conversation.presence is Presence.HERE and not self._spoken(conversation)
        self._place_hint()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put what floats where it belongs."""
        super().resizeEvent(event)
        self._place()

    def _spoken(self, conversation: Conversation) -> bool:
        if conversation is not self._spoken_in:
            lines = conversation.history.since(0)
            if any(line.kind in {Kind.MESSAGE, Kind.OWN} for line in lines):
                self._spoken_in = conversation
        return conversation is self._spoken_in

    def _place(self) -> None:
        self.newest.adjustSize()
        size = self.newest.size()
        self.newest.move((self.width() - size.width()) // 2, self.height() - size.height() - 12)
        self._place_hint()

    def _place_hint(self) -> None:
        """Show the hint in the middle, if it covers no lines there."""
        width = min(360, self.width() - 20)
        height = self.hint.height_for(width)
        top = (self.height() - height) // 2
        self.hint.setGeometry((self.width() - width) // 2, top, width, height)
        self.hint.setVisible(self._quiet and self.transcript.document().size().height() <= top)

    def _draw(self) -> None:
        self.newest.setIcon(icon("down", self._theme.colours.on_accent, self._theme.colours.muted))
