"""What was said in one conversation: a window onto its history that keeps up with hundreds of lines a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from PySide6.QtCore import QDate, QEvent, QLocale, QMimeData, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDesktopServices,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextBlock,
    QTextCursor,
    QWheelEvent,
)
from PySide6.QtWidgets import QTextBrowser, QTextEdit, QToolTip, QWidget

from chatbrain import DeliveryState
from messenger.core.conversation import Conversation
from messenger.core.history import History
from messenger.core.markup import LINE_SEPARATOR
from messenger.desktop.bubbles import paint_beneath
from messenger.desktop.measures import Measures
from messenger.desktop.rows import Row, Rows
from messenger.desktop.theme import Theme
from messenger.desktop.typesetter import Typesetter, blocks, number_of
from messenger.presentation.i18n import _, language
from messenger.presentation.state import delivery_of

FEW_LINES: Final = 60
"""So many of the newest lines are set when a conversation is shown."""
FEW_CHARACTERS: Final = 20_000
"""And not many more characters, which fill any screen: sixty of the longest messages take half a second to set."""
MANY_LINES: Final = 240
"""With more than this the oldest are taken out again, while the newest ones are followed."""
MOST_LINES: Final = 600
"""With more than this what is far from what is looked at is taken out."""
STEP_LINES: Final = 60
"""So many lines are set at once."""
_BELOW_THE_EDGE: Final = 30
"""Where the first unread line stands when one begins to read there."""
_SCHEMES: Final = {"http", "https"}
_PARAGRAPH: Final = "\u2029"


class Transcript(QTextBrowser):
    """Shows the lines of a conversation; only a part of them is set at a time."""

    moved = Signal()
    """Whether the newest lines are before the eyes has perhaps changed."""
    menu_wanted = Signal(int, QPoint)
    """Of the message with this number, and where in the view."""
    zoomed = Signal(int)
    """By so many steps, with the wheel."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName(_("Messages"))
        self.setAccessibleDescription(_("The messages of this room, the newest at the end"))
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.anchorClicked.connect(open_link)
        self.following = True
        """Whether the newest lines are before the eyes, and stay there when more come."""
        self.conversation: Conversation | None = None
        self._theme = theme
        self._rows = Rows(day=_write_day, new=_("New messages"))
        self._first = self._end = 0
        self._mark: int | None = None
        self._changes = 0
        self._editing = False
        self._positions: dict[int, tuple[int, int]] = {}
        self._typesetter = Typesetter(self.document(), theme)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._ranged)
        theme.changed.connect(self._restyle)

    def present(self, conversation: Conversation | None) -> None:
        """Show another conversation, from its first unread message on or where one was before."""
        if self.conversation and not self.following:
            self._positions[id(self.conversation)] = self._position()
        self.conversation = conversation
        self._first = self._end = -1  # what is set is of another one
        position = self._positions.pop(id(conversation), None)
        if conversation is None:
            self._start_anew(0, 0)
            return
        if position is None and conversation.unread and conversation.mark is not None:
            position = (conversation.mark, _BELOW_THE_EDGE)
        if position and position[0] >= conversation.history.start:
            self._return_to(position, conversation.history)
        else:
            self.jump()

    def forget(self, conversation: Conversation) -> None:
        """Forget where one was in a conversation that is closed."""
        self._positions.pop(id(conversation), None)

    def render_lines(self) -> None:
        """Set what came since the last time, or a part of it; returns soon in any case."""
        if self.conversation is None:
            return
        history = self.conversation.history
        if self._mark != self.conversation.mark:
            with self._in_position():
                self._typesetter.cut_mark()
            self._mark = self.conversation.mark
        if history.changes != self._changes:
            self._changes = history.changes
            self.viewport().update()
        waiting = history.end - self._end
        if self.following and waiting > FEW_LINES:
            self.jump()
        elif self.behind:
            self._load_later(history)

    @property
    def behind(self) -> bool:
        """Whether there are lines that should be set and aren't: what is far below can wait until one goes there."""
        if self.conversation is None or self._end == self.conversation.history.end:
            return False
        bar = self.verticalScrollBar()
        return self.following or bar.maximum() - bar.value() < 2 * self.viewport().height()

    def jump(self) -> None:
        """Show the newest lines, and follow them from now on."""
        if self.conversation is None:
            return
        end = self.conversation.history.end
        first = _few_before(end, self.conversation.history)
        if not (self._first <= first and self._end == end):
            self._start_anew(first, end)
        self.following = True
        self._editing = True
        self._go_to_end()
        self._editing = False
        self.moved.emit()

    def show_found(self, number: int | None, words: str) -> None:
        """Show a line in which words were found, and mark them there; None marks nothing any more."""
        selections = []
        if number is not None and self.conversation:
            top = self.viewport().height() // 3
            if self._first <= number < self._end:
                self._show_line(number, top)
            else:
                self._return_to((number, top), self.conversation.history)
            selections = [self._selection(*span) for span in self._typesetter.places_of(number, words)]
        self.setExtraSelections(selections)

    def _selection(self, start: int, end: int) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        selection.cursor = cursor
        selection.format = self._typesetter.found
        return selection

    # What follows are Qt's own methods.

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the bubbles, and the text upon them."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font())
        scrolled = self.verticalScrollBar().value()
        block = self.cursorForPosition(QPoint(0, 0)).block()
        lowest = scrolled + self.viewport().height() + 40
        while block.isValid() and block.layout().position().y() < lowest:
            state = self._state_of(block)
            paint_beneath(painter, self._theme, self._typesetter.measures, block, scrolled, state)
            block = block.next()
        painter.end()
        super().paintEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Say how one's own message fares that the pointer is over."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            state = self._state_of(self.cursorForPosition(event.pos()).block())
            QToolTip.showText(event.globalPos(), delivery_of(state), self)
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Set the text to the new width, around what was looked at."""
        with self._in_position():
            if event.size().width() != event.oldSize().width():
                self._shorten()  # the less there is, the sooner it is laid out
            super().resizeEvent(event)
            width = self.viewport().width()
            if width != self._typesetter.measures.width:
                self._typesetter.measures = Measures(width)
                self._typesetter.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll, or with Ctrl have all letters made larger or smaller: Qt would do so here alone."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoomed.emit((event.angleDelta().y() > 0) - (event.angleDelta().y() < 0))
        else:
            super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Have somebody open the menu of a message."""
        at = event.pos() if event.reason() is QContextMenuEvent.Reason.Mouse else self.cursorRect().center()
        self.menu_wanted.emit(number_of(self.cursorForPosition(at).block()), at)

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802 - Qt's name
        """Copy plain text alone."""
        copied = QMimeData()
        text = self.textCursor().selectedText()
        copied.setText(text.replace(_PARAGRAPH, "\n").replace(LINE_SEPARATOR, "\n"))
        return copied

    def loadResource(self, _kind: int, _name: QUrl | str) -> Any:  # noqa: N802 - Qt's name
        """Load nothing, wherever from."""
        return None

    def _state_of(self, block: QTextBlock) -> DeliveryState | None:
        number = number_of(block)
        history = self.conversation.history if self.conversation else None
        return history[number].state if history and history.start <= number < history.end else None

    def _numbered(self, first: int, end: int) -> Iterator[tuple[int, Row]]:
        if self.conversation is None:
            return
        history = self.conversation.history
        for number in range(max(first, history.start), end):
            before = history[number - 1] if number > history.start else None
            for row in self._rows.of(history[number], before, marked=number == self._mark):
                yield number, row

    def _start_anew(self, first: int, end: int) -> None:
        self._editing = True
        self._mark = self.conversation.mark if self.conversation else None
        self._typesetter.clear()
        frame = self.document().rootFrame().frameFormat()
        frame.setMargin(0)
        frame.setTopMargin(16)
        frame.setBottomMargin(14)
        self.document().rootFrame().setFrameFormat(frame)
        edit = QTextCursor(self.document())
        edit.beginEditBlock()
        self._typesetter.append(self._numbered(first, end))
        edit.endEditBlock()
        self._first, self._end = first, end
        self._editing = False

    def _load_later(self, history: History) -> None:
        begin = max(self._end, history.start)
        end = min(history.end, begin + STEP_LINES)
        with self._in_position():
            self._typesetter.append(self._numbered(begin, end))
            self._end = end
            if self._end - self._first > (MANY_LINES if self.following else MOST_LINES):
                self._first = self._end - (MANY_LINES - STEP_LINES if self.following else MOST_LINES - STEP_LINES)
                self._typesetter.cut_before(self._first)

    def _load_earlier(self, history: History) -> None:
        first = max(history.start, self._first - STEP_LINES)
        with self._in_position():
            self._typesetter.prepend(self._numbered(first, self._first))
            self._first = first
            if self._end - self._first > MOST_LINES:
                self._end = self._first + MOST_LINES - STEP_LINES
                self._typesetter.cut_from(self._end)

    def _shorten(self) -> None:
        """Take out what isn't near to what is looked at; it comes back when one goes there."""
        middle = self._end if self.following else number_of(self.cursorForPosition(QPoint(0, 0)).block())
        reach = FEW_LINES if self.following else FEW_LINES // 2
        first, end = max(self._first, middle - reach), min(self._end, middle + reach)
        if end < self._end:
            self._typesetter.cut_from(end)
        if first > self._first:
            self._typesetter.cut_before(first)
        self._first, self._end = first, end

    @contextmanager
    def _in_position(self) -> Iterator[None]:
        """Change the document in one go while what is looked at stays where it is."""
        was_editing, self._editing = self._editing, True
        looked_at = self.cursorForPosition(QPoint(0, 0))
        looked_at.setKeepPositionOnInsert(True)
        top = self.cursorRect(looked_at).top()
        edit = QTextCursor(self.document())
        edit.beginEditBlock()
        try:
            yield
        finally:
            edit.endEditBlock()
            if self.following:
                self._go_to_end()
            else:
                bar = self.verticalScrollBar()
                self.document().size()
                bar.setValue(bar.value() + self.cursorRect(looked_at).top() - top)
            self._editing = was_editing

    def _go_to_end(self) -> None:
        self.document().size()  # lays out everything, so that the bar knows its end
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _scrolled(self, value: int) -> None:
        if self._editing or self.conversation is None:
            return
        bar, history = self.verticalScrollBar(), self.conversation.history
        if value < self.viewport().height() and self._first > history.start:
            self._load_earlier(history)
        elif bar.maximum() - value < self.viewport().height() and self._end < history.end and not self.following:
            self._load_later(history)
        self.following = bar.maximum() - bar.value() < 8 and self._end == history.end
        self.moved.emit()

    def _ranged(self, _low: int, high: int) -> None:
        if self.following and not self._editing:
            self.verticalScrollBar().setValue(high)

    def _position(self) -> tuple[int, int]:
        looked_at = self.cursorForPosition(QPoint(0, 0))
        block = looked_at.block()
        return number_of(block), self.cursorRect(QTextCursor(block)).top()

    def _return_to(self, position: tuple[int, int], history: History) -> None:
        number, top = position
        first = max(history.start, number - FEW_LINES // 2)
        self._start_anew(first, min(history.end, number + FEW_LINES // 2))
        self._show_line(number, top)

    def _show_line(self, number: int, top: int) -> None:
        self.document().size()
        for block in blocks(self.document().begin()):
            if number_of(block) == number:
                bar = self.verticalScrollBar()
                self._editing = True
                bar.setValue(bar.value() + self.cursorRect(QTextCursor(block)).top() - top)
                self._editing = False
                self.following = False
                self._scrolled(bar.value())
                return

    def _restyle(self) -> None:
        self._typesetter.restyle()
        position, following = self._position(), self.following
        self._start_anew(self._first, self._end)
        if following:
            self.jump()
        elif self.conversation:
            self._show_line(*position)


def _few_before(end: int, history: History) -> int:
    """Return the first of the few lines that are set when the end is shown."""
    first, characters = end, 0
    while first > max(history.start, end - FEW_LINES) and characters < FEW_CHARACTERS:
        first -= 1
        characters += history[first].characters
    return first


def open_link(url: QUrl) -> None:
    """Open a web address in the browser, and nothing else."""
    if url.scheme().lower() in _SCHEMES:
        QDesktopServices.openUrl(url)


def _write_day(day: datetime) -> str:
    return QLocale(language()).toString(QDate(day.year, day.month, day.day), QLocale.FormatType.LongFormat)
