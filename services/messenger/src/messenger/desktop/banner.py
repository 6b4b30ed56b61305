"""A strip that says what a person should know now, with the buttons that help."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from messenger.presentation.i18n import _
from messenger.presentation.state import Act, Notice, label_of

_NARROW: Final = 460
_PRIMARY: Final = "primary"


class Banner(QFrame):
    """Shows a notice, or hides."""

    pressed = Signal(object)
    """A `Remedy` or an `Act`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setAccessibleName(_("Connection"))
        self.notice: Notice | None = None
        self.buttons: list[QPushButton] = []
        self._what = _label("heading")
        self._todo = _label("")
        self._code = _label("code")
        self._code.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._code.setAccessibleName(_("Fingerprint"))
        words = QVBoxLayout()
        words.setSpacing(3)
        for label in (self._what, self._todo, self._code):
            words.addWidget(label)
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(16, 10, 16, 10)
        self._box.setSpacing(10)
        self._box.addLayout(words, 1)
        self._box.addLayout(self._row)
        self.hide()

    def show_notice(self, notice: Notice | None) -> None:
        """Show a notice; None to hide."""
        before, self.notice = self.notice, notice
        if notice == before:
            return
        if notice is None:
            self.hide()
            return
        for label, text in ((self._what, notice.what), (self._todo, notice.todo), (self._code, _folded(notice.code))):
            label.setText(text)
            label.setVisible(bool(text))
        self.setAccessibleDescription(f"{notice.what} {notice.todo}".strip())
        if before is None or before.buttons != notice.buttons:
            self._set_buttons(notice)
        if before is None or before.tone is not notice.tone:
            self.setProperty("tone", notice.tone.value)
            for widget in (self, self._what, self._todo, self._code):
                widget.style().polish(widget)
        self.show()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put the buttons below the words where there is little space."""
        super().resizeEvent(event)
        self._turn()

    def _turn(self) -> None:
        below = self.width() < _NARROW or len(self.buttons) > 3 or bool(self.notice and self.notice.code)
        ways = QBoxLayout.Direction
        self._box.setDirection(ways.TopToBottom if below else ways.LeftToRight)

    def _set_buttons(self, notice: Notice) -> None:
        had_focus = any(button.hasFocus() for button in self.buttons)
        while taken := self._row.takeAt(0):
            if widget := taken.widget():
                widget.hide()
                widget.deleteLater()
        self.buttons = []
        for number, meant in enumerate(notice.buttons):
            button = QPushButton(label_of(meant), self)
            button.setAccessibleDescription(notice.what)
            if number == 0 and not isinstance(meant, Act):
                button.setProperty("role", _PRIMARY)
            button.clicked.connect(lambda _checked=False, meant=meant: self.pressed.emit(meant))
            self._row.addWidget(button)
            self.buttons.append(button)
        self._row.addStretch(1)
        if had_focus and self.buttons:
            self.buttons[0].setFocus()
        self._turn()


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setProperty("role", role)
    return label


def _folded(code: str) -> str:
    """Break a fingerprint into lines of sixteen pairs, as it may be wider than the window."""
    pairs = code.split(":")
    return "\n".join(":".join(pairs[start : start + 16]) for start in range(0, len(pairs), 16))
