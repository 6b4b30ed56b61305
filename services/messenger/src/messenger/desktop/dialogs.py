"""Small windows that ask something; none of them holds up the others."""

from collections.abc import Callable

from PySide6.QtCore import QSize, QStandardPaths, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from messenger.desktop.actions import table
from messenger.desktop.icons import picture
from messenger.presentation.commands import command_help
from messenger.presentation.i18n import _
from messenger.presentation.state import plain


class LineDialog(QDialog):
    """Asks for a line of text; what is wrong with it is said in place."""

    def __init__(self, parent: QWidget, *, title: str, label: str, text: str = "", secret: bool = False) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.field = QLineEdit(text)
        self.field.setAccessibleName(label)
        self.field.selectAll()
        if secret:
            self.field.setEchoMode(QLineEdit.EchoMode.Password)
        above = QLabel(label)
        above.setTextFormat(Qt.TextFormat.PlainText)
        above.setWordWrap(True)
        above.setBuddy(self.field)
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "problem")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.buttons = _ok_cancel(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        for widget in (above, self.field, self.problem, self.buttons):
            column.addWidget(widget)
        self.setMinimumWidth(320)
        self._take: Callable[[str], str] = lambda _text: ""
        self.buttons.accepted.connect(self._try)
        self.buttons.rejected.connect(self.reject)
        self.field.textEdited.connect(lambda _text: self.problem.hide())

    def give_to(self, take: Callable[[str], str]) -> None:
        """Hand over what is written; ``take`` returns what is wrong with it, or nothing."""
        self._take = take

    def _try(self) -> None:
        wrong = self._take(self.field.text())
        self.problem.setText(wrong)
        self.problem.setVisible(bool(wrong))
        if not wrong:
            self.accept()


def ask_line(
    parent: QWidget, take: Callable[[str], str], *, title: str, label: str, text: str = "", secret: bool = False
) -> LineDialog:
    """Ask for a line; ``take`` returns what is wrong with it, or nothing."""
    dialog = LineDialog(parent, title=title, label=label, text=text, secret=secret)
    dialog.give_to(take)
    dialog.open()
    return dialog


def confirm(parent: QWidget, question: str, act: Callable[[], object]) -> QMessageBox:
    """Ask before something is done that can't be taken back."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, _("Chat"), question, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setStandardButtons(QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No)
    box.button(QMessageBox.StandardButton.Yes).setText(_("&Yes"))
    box.button(QMessageBox.StandardButton.No).setText(_("&No"))
    box.setDefaultButton(QMessageBox.StandardButton.No)
    box.accepted.connect(act)
    box.open()
    return box


def ask_file(parent: QWidget, save: Callable[[str], object], *, title: str, wanted: str) -> QFileDialog:
    """Ask in which file to save something, and before one is overwritten."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    dialog = QFileDialog(parent, title, documents)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("txt")
    dialog.selectFile(wanted)
    dialog.fileSelected.connect(save)
    dialog.open()
    return dialog


class HelpDialog(QDialog):
    """Shows the keys and the commands."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("Help"))
        self.setAccessibleName(_("Help"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        inside = QWidget()
        inside.setObjectName("startGround")
        column = QVBoxLayout(inside)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(_heading(_("Keys")))
        column.addLayout(_keys())
        column.addSpacing(8)
        column.addWidget(_heading(_("Commands, typed in the message field")))
        commands = QLabel(command_help())
        commands.setTextFormat(Qt.TextFormat.PlainText)
        commands.setProperty("role", "code")
        commands.setWordWrap(True)
        commands.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(commands)
        column.addStretch(1)
        scrolled = QScrollArea()
        scrolled.setObjectName("start")
        scrolled.setFrameShape(QScrollArea.Shape.NoFrame)
        scrolled.setWidgetResizable(True)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled.setWidget(inside)
        scrolled.setAccessibleName(_("Keys and commands"))
        close = QPushButton(_("&Close"))
        close.setDefault(True)
        close.clicked.connect(self.accept)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 14)
        outer.addWidget(scrolled, 1)
        outer.addWidget(close, 0, Qt.AlignmentFlag.AlignCenter)
        self.resize(_fitting(parent, QSize(620, 640)))


def logo(size: int, ratio: float) -> QLabel:
    """Show the program's own icon."""
    label = QLabel()
    label.setPixmap(picture("chat-desktop", size, ratio=ratio))
    label.setAccessibleName(_("Chat"))
    return label


def _keys() -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(18)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(1, 1)
    typed = [
        (("Enter",), _("Send the message")),
        (("Shift+Enter",), _("Start a new line")),
        (("Tab",), _("Complete a name or a command, or go to the next control")),
        (("Up",), _("Recall earlier input")),
        (("PgUp", "PgDown"), _("Scroll the messages")),
        (("Esc",), _("Back to the message field")),
        ((">",), _("With a space, at the start of a line: a quote")),
        (("`",), _("Around text: code; three of them around lines: a block of code")),
    ]
    listed = [(entry.keys, plain(entry.text)) for entry in table().values() if entry.keys]
    for row, (keys, text) in enumerate([*typed, *listed]):
        names = " / ".join(QKeySequence(each).toString(QKeySequence.SequenceFormat.NativeText) for each in keys)
        key = QLabel(names)
        key.setProperty("role", "key")
        key.setAlignment(Qt.AlignmentFlag.AlignCenter)
        said = QLabel(text)
        said.setWordWrap(True)
        grid.addWidget(key, row, 0)
        grid.addWidget(said, row, 1)
    return grid


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


def _ok_cancel(parent: QWidget) -> QDialogButtonBox:
    buttons = QDialogButtonBox(parent)
    ok = buttons.addButton(_("OK"), QDialogButtonBox.ButtonRole.AcceptRole)
    ok.setDefault(True)
    ok.setProperty("role", "primary")
    ok.style().polish(ok)
    buttons.addButton(_("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
    return buttons


def _fitting(parent: QWidget, wanted: QSize) -> QSize:
    return wanted.boundedTo(parent.window().size() - QSize(20, 20)).expandedTo(QSize(300, 300))
