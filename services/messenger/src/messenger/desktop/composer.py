"""Where a person types: Enter sends, Shift+Enter begins a line, Tab completes."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QKeyCombination, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from messenger.core.commands import words_of
from messenger.core.recall import Recall
from messenger.desktop.icons import icon
from messenger.desktop.theme import Theme
from messenger.presentation.i18n import _, ngettext

MAX_ROWS: Final = 6
_NEAR: Final = 0.8
"""From this part of the limit on, the bytes are counted before the eyes."""
_MAX_HINTS: Final = 8
_NEWEST: Final = QKeyCombination(Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_End)


class Words(QPlainTextEdit):
    """The field itself."""

    entered = Signal()
    wheeled = Signal(QKeyEvent)
    """A key that is meant for what was said, such as Page Up."""
    focused = Signal(bool)
    hinted = Signal(str)
    """Among which words Tab chooses; empty if it doesn't."""

    def __init__(self, complete: Callable[[str], list[str]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("words")
        self.setAccessibleName(_("Message"))
        self.setAccessibleDescription(_("Enter sends the message, Shift+Enter starts a new line"))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._invite()
        self.document().setDocumentMargin(2)
        self.setTabChangesFocus(True)
        self.recall = Recall()
        self._recalled = ""
        self._complete = complete
        self._options: list[str] = []
        self._option = 0
        self._completing = False
        self.textChanged.connect(self._end_completing)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._grow()

    def event(self, event: QEvent) -> bool:
        """Leave Ctrl+End to the window, where it leads to the newest message."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            event.ignore()
            if event.keyCombination() == _NEWEST:
                return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the keys that mean something of their own here."""
        key, shift = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not shift:
            self.entered.emit()
        elif key in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}:
            self.wheeled.emit(event)
        elif key == Qt.Key.Key_Up and self._at_edge(QTextCursor.MoveOperation.Up):
            self._put(self.recall.older(self.toPlainText()))
        elif key == Qt.Key.Key_Down and self._at_edge(QTextCursor.MoveOperation.Down):
            self._put(self.recall.newer())
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool, /) -> bool:  # noqa: N802 - Qt's name
        """Complete what is half typed; only where there is nothing to complete, Tab leads to the next control."""
        return self._tab(back=not forward) or super().focusNextPrevChild(forward)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Tell the frame around."""
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Tell the frame around."""
        super().focusOutEvent(event)
        self.focused.emit(False)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:  # noqa: N802 - Qt's name
        """Let go of the placeholder while something is composed: Qt would draw both in one place."""
        super().inputMethodEvent(event)
        self._invite(composing=bool(event.preeditString()))

    def _invite(self, *, composing: bool = False) -> None:
        self.setPlaceholderText("" if composing else _("Write a message"))

    def _at_edge(self, move: QTextCursor.MoveOperation) -> bool:
        """Tell whether there is no row in this direction, and nothing new typed that would be lost."""
        cursor = self.textCursor()
        return not cursor.movePosition(move) and self.toPlainText() in {"", self._recalled}

    def _put(self, line: str | None) -> None:
        if line is not None:
            self._recalled = line
            self.setPlainText(line)
            self.moveCursor(QTextCursor.MoveOperation.End)

    def _tab(self, *, back: bool) -> bool:
        if not self._options:
            cursor = self.textCursor()
            before = self.toPlainText()[: cursor.position()] if not cursor.hasSelection() else ""
            self._options = self._complete(before)
            self._option = 0 if back else -1
        if not self._options:
            return False
        self._option = (self._option + (-1 if back else 1)) % len(self._options)
        self._replace_before(self._options[self._option])
        if len(self._options) == 1:
            self._end_completing()
        else:
            self.hinted.emit(_hints(self._options, self._option))
        return True

    def _replace_before(self, text: str) -> None:
        self._completing = True
        cursor = self.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.Start, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(text)
        self._completing = False

    def _end_completing(self) -> None:
        if not self._completing:
            self._options = []
            self.hinted.emit("")

    def _grow(self) -> None:
        rows = max(1, min(MAX_ROWS, round(self.document().size().height())))
        self.setFixedHeight(rows * self.fontMetrics().lineSpacing() + 6)


class Composer(QWidget):
    """The field, its button, and what is said about both."""

    submitted = Signal(str)
    wheeled = Signal(QKeyEvent)

    def __init__(self, theme: Theme, complete: Callable[[str], list[str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("foot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.limit_bytes = 0
        self._theme = theme
        self.words = Words(complete, self)
        self.send = QToolButton(self)
        self.send.setObjectName("send")
        self.send.setIconSize(QSize(20, 20))
        self.send.setToolTip(_("Send (Enter)"))
        self.send.setAccessibleName(_("Send"))
        self.send.setAccessibleDescription(_("Sends the message"))
        self.counter = QLabel(self)
        self.counter.setAccessibleName(_("Size of the message"))
        self.hint = QLabel(self)
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.hint.setProperty("role", "muted")
        self._frame = QFrame(self)
        self._frame.setObjectName("input")
        self._lay_out()
        self.words.entered.connect(self._submit)
        self.send.clicked.connect(self._submit)
        self.words.wheeled.connect(self.wheeled)
        self.words.textChanged.connect(self.count)
        self.words.focused.connect(lambda focused: self._mark("focused", focused))
        self.words.hinted.connect(self._show_hint)
        theme.changed.connect(self._draw)
        self._draw()
        self.count()

    @property
    def text(self) -> str:
        """What stands there."""
        return self.words.toPlainText()

    def put(self, text: str) -> None:
        """Put something else there."""
        self.words.setPlainText(text)
        self.words.moveCursor(QTextCursor.MoveOperation.End)

    def mention(self, name: str) -> None:
        """Begin to say something to somebody."""
        text = self.text
        self.words.insertPlainText(f"{name}: " if not text else f"{name} ")
        self.words.setFocus()

    def sent(self) -> None:
        """Empty the field after what stood there was sent."""
        self.words.recall.keep(self.text)
        self.words.clear()

    def count(self) -> None:
        """Count the bytes anew, against the limit of now."""
        text = self.text
        size = len(words_of(text).encode(errors="replace"))
        near = bool(self.limit_bytes) and size >= _NEAR * self.limit_bytes
        over = bool(self.limit_bytes) and size > self.limit_bytes
        self.counter.setVisible(near)
        if near:
            over_by = ngettext("{count} byte too long", "{count} bytes too long", size - self.limit_bytes)
            left = _("{size} of {limit} bytes").format(size=size, limit=self.limit_bytes)
            self.counter.setText(over_by.format(count=size - self.limit_bytes) if over else left)
        if self.counter.property("role") != (role := "problem" if over else "muted"):
            self.counter.setProperty("role", role)
            self.counter.style().polish(self.counter)
        self._mark("wrong", over)
        self.send.setEnabled(bool(text.strip()) and not over)
        self._below.setVisible(near or bool(self.hint.text()))

    def _lay_out(self) -> None:
        inner = QHBoxLayout(self._frame)
        inner.setContentsMargins(3, 1, 0, 1)
        inner.setSpacing(6)
        inner.addWidget(self.words, 1, Qt.AlignmentFlag.AlignVCenter)
        inner.addWidget(self.send, 0, Qt.AlignmentFlag.AlignBottom)
        self._below = QWidget(self)
        below = QHBoxLayout(self._below)
        below.setContentsMargins(6, 0, 6, 0)
        below.addWidget(self.hint, 1)
        below.addWidget(self.counter)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(14, 8, 14, 12)
        outer.setSpacing(4)
        outer.addWidget(self._frame)
        outer.addWidget(self._below)

    def _submit(self) -> None:
        if self.text.strip():
            self.submitted.emit(self.text)

    def _show_hint(self, hint: str) -> None:
        self.hint.setText(hint)
        self.count()

    def _mark(self, name: str, value: object) -> None:
        if self._frame.property(name) != value:
            self._frame.setProperty(name, value)
            self._frame.style().polish(self._frame)

    def _draw(self) -> None:
        self.send.setIcon(icon("send", self._theme.colours.on_accent, self._theme.colours.muted))


def _hints(options: list[str], chosen: int) -> str:
    """Show the options around the chosen one, by their last words."""
    first = max(0, min(chosen - _MAX_HINTS // 2, len(options) - _MAX_HINTS))
    words = []
    for number, option in list(enumerate(options))[first : first + _MAX_HINTS]:
        word = option.rstrip(" :").rpartition(" ")[2]
        words.append(f"[{word}]" if number == chosen else word)
    return "  ".join(words)
