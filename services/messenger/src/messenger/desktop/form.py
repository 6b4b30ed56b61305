"""The form by which one comes in: where, as whom, and how."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QCompleter,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from chatbrain import Tls, parse_server
from chatproto import BadNameError, ListedRoom
from chatproto.constants import DEFAULT_LOBBY_PORT, DEFAULT_TCP_PORT
from messenger.core.entry import Entry, new_key
from messenger.core.entry import Field as Wrong
from messenger.core.invite import Invite, parse_invite
from messenger.core.schemes import is_invite, is_link
from messenger.presentation.i18n import _
from messenger.presentation.state import plain
from messenger.store.recents import Recent


class Mode(Enum):
    """How one comes in."""

    JOIN = auto()
    CREATE = auto()
    LOBBY = auto()


_PORTS: Final = {True: DEFAULT_LOBBY_PORT, False: DEFAULT_TCP_PORT}


class Form(QFrame):
    """Takes what a person wants; doesn't act itself."""

    wanted = Signal()
    relay_changed = Signal()
    """`relay` may be another one."""

    def __init__(self, *, keeps_passwords: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._modes = QButtonGroup(self)
        self._buttons = {
            Mode.JOIN: _mode(_("&Join"), _("Join an existing room")),
            Mode.CREATE: _mode(_("Cr&eate"), _("Create a room and become its host")),
            Mode.LOBBY: _mode(_("&Lobby"), _("Chat in the lobby")),
        }
        self.server = QComboBox()
        self.server.setEditable(True)
        self.server.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.address = edit = QLineEdit()
        self.server.setLineEdit(edit)
        edit.setPlaceholderText("chat.example.org")
        edit.setAccessibleName(_("Relay"))
        edit.setAccessibleDescription(_("The address of the relay, or an invitation"))
        self.name, self.room, self.password = QLineEdit(), QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.setPlaceholderText(_("only if the room has one"))
        self.fields = {
            Wrong.NAME: Field(_("Your &name"), self.name, _("Shown to the other members")),
            Wrong.SERVER: Field(_("&Relay"), self.server, _("The address of the relay, or an invitation")),
            Wrong.ROOM: Field(_("R&oom"), self.room, _("The name of the room")),
            Wrong.PASSWORD: Field(_("&Password"), self.password, _("The password of the room, if it has one")),
        }
        self.tls = _check(
            _("Encr&ypt joining (TLS)"), _("Joins over TLS; messages are encrypted too where they go over TCP")
        )
        self.sealed = _check(
            _("Seal: only &members with the key can read"),
            _("Not even the relay can read it; the invitation has the key"),
        )
        self.keep = _check(_("&Keep the password in the key ring"), _("The system stores the password for next time"))
        self.keep.setVisible(keeps_passwords)
        self._keeps = keeps_passwords
        self._busy = False
        self._invite: Invite | None = None
        self.go = QPushButton()
        self.go.setProperty("role", "primary")
        self.go.setDefault(True)
        self.fix = QPushButton(_("Cre&ate the room"))
        self.fix.setAccessibleDescription(_("Fixes the problem above"))
        self.fix.hide()
        self._lay_out()
        self._connect()
        self._buttons[Mode.JOIN].setChecked(True)
        self._follow_mode()

    @property
    def mode(self) -> Mode:
        """How one wants to come in."""
        return next(mode for mode, button in self._buttons.items() if button.isChecked())

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._buttons[mode].setChecked(True)

    @property
    def relay(self) -> tuple[str, bool] | None:
        """Whose rooms to offer, and whether by TLS; nobody's in the lobby, nor while only a link names the relay."""
        server = self.server.currentText()
        invited = self._invite is not None and server == _server_of(self._invite)
        return None if invited or self.mode is Mode.LOBBY else (server, self.tls.isChecked())

    def begin(self) -> None:
        """Go where one most likely writes something: the room, whose name is written over, if the others are known."""
        if self.name.text() and self.mode is not Mode.LOBBY:
            self.room.setFocus()
            self.room.selectAll()
        else:
            self.name.setFocus()

    def read(self) -> Entry:
        """Read the form.

        Raises:
            FormError: something in it can't be used.

        """
        lobby = self.mode is Mode.LOBBY
        entry = Entry.read(
            self.server.currentText(),
            None if lobby else self.room.text(),
            self.name.text(),
            create=self.mode is Mode.CREATE,
            password=self.password.text(),
            tls=Tls() if self.tls.isChecked() else None,
            key=new_key() if self.mode is Mode.CREATE and self.sealed.isChecked() else None,
        )
        return self._invite.unlock(entry) if self._invite and self._invite.key else entry

    def fill(self, recent: Recent, name: str = "") -> None:
        """Write a recent chat into the form; the name stays if there is none."""
        self.mode = Mode.LOBBY if recent.room is None else Mode.JOIN
        self.server.setCurrentText(short_server(recent.server, lobby=recent.room is None))
        self.room.setText(recent.room or "")
        self.tls.setChecked(recent.tls)
        self.password.clear()
        if name or recent.name:
            self.name.setText(name or recent.name)

    def invite(self, invite: Invite) -> None:
        """Write where an invitation leads into the form; who goes there has its key, which isn't shown."""
        self._invite = invite
        self.fill(Recent(str(invite.server), invite.room, "", invite.tls))

    def choose(self, room: ListedRoom) -> None:
        """Write a room of the relay into the form, and go where something is missing."""
        self.mode = Mode.JOIN
        self.complain({})
        self.room.setText(room.name)
        self.password.clear()
        needed = [self.name] if not self.name.text() else [self.password] if room.password else [self.go]
        needed[0].setFocus()

    def offer(self, recents: Sequence[Recent]) -> None:
        """Offer servers and names of earlier times."""
        text = self.server.currentText()
        servers = dict.fromkeys(short_server(each.server, lobby=each.room is None) for each in recents)
        self.server.clear()
        self.server.addItems(list(servers))
        self.server.setCurrentText(text)
        names = QCompleter(list(dict.fromkeys(each.name for each in recents)), self)
        names.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.name.setCompleter(names)

    def complain(self, problems: dict[Wrong, str]) -> None:
        """Say in place what is wrong, and go there; nothing if there is none."""
        for wrong, field in self.fields.items():
            field.complain(problems.get(wrong, ""))
        self.fix.hide()
        if first := next((field for wrong, field in self.fields.items() if wrong in problems), None):
            first.control.setFocus()

    def set_busy(self, *, busy: bool) -> None:
        """Hold still while one comes in."""
        for widget in (*self._buttons.values(), *self.fields.values(), self.tls, self.sealed, self.keep, self.fix):
            widget.setEnabled(not busy)
        self._busy = busy
        self._follow_mode()

    def _lay_out(self) -> None:
        modes = QFrame()
        modes.setObjectName("modes")
        row = QHBoxLayout(modes)
        row.setContentsMargins(3, 3, 3, 3)
        row.setSpacing(3)
        for button in self._buttons.values():
            self._modes.addButton(button)
            row.addWidget(button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 24)
        column.setSpacing(13)
        column.addWidget(modes)
        for field in self.fields.values():
            column.addWidget(field)
        column.addWidget(self.tls)
        column.addWidget(self.sealed)
        column.addWidget(self.keep)
        column.addSpacing(4)
        column.addWidget(self.fix)
        column.addWidget(self.go)

    def _connect(self) -> None:
        self._modes.buttonToggled.connect(lambda _button, _on: self._follow_mode())
        self._modes.buttonClicked.connect(lambda _button: self._go_to_empty())
        self.go.clicked.connect(self.wanted)
        edits = (self.name, self.address, self.room, self.password)
        for edit, field in zip(edits, self.fields.values(), strict=True):
            edit.returnPressed.connect(self.go.click)
            edit.textEdited.connect(lambda _text, field=field: field.complain(""))
        self.address.textEdited.connect(self._take_invite)
        self.room.textEdited.connect(lambda text: self._take_invite(text) if is_link(text) else None)
        self.server.editTextChanged.connect(lambda _text: self.relay_changed.emit())
        self.tls.toggled.connect(lambda _on: self.relay_changed.emit())
        self._modes.buttonToggled.connect(lambda _button, _on: self.relay_changed.emit())

    def _go_to_empty(self) -> None:
        fields = (self.name, self.address, self.room)[: 2 if self.mode is Mode.LOBBY else 3]
        if empty := next((field for field in fields if not field.text()), None):
            empty.setFocus()

    def _take_invite(self, text: str) -> None:
        if is_invite(text):
            try:
                self.invite(parse_invite(text))
            except (BadNameError, ValueError):  # it isn't whole yet
                return

    def _follow_mode(self) -> None:
        lobby = self.mode is Mode.LOBBY
        for widget in (self.fields[Wrong.ROOM], self.fields[Wrong.PASSWORD], self.tls):
            widget.setVisible(not lobby)
        self.sealed.setVisible(self.mode is Mode.CREATE)
        self.keep.setVisible(self._keeps and not lobby)
        self.fix.hide()
        if self._busy:
            self.go.setText(_("&Cancel"))
            self.go.setAccessibleDescription(_("Stops joining"))
            return
        texts = {
            Mode.JOIN: _("Join the room"),
            Mode.CREATE: _("Create the room"),
            Mode.LOBBY: _("Enter the lobby"),
        }
        self.go.setText(texts[self.mode])
        self.go.setAccessibleDescription(_("Connects to the relay"))


class Field(QWidget):
    """A control with its name above and what is wrong with it below."""

    def __init__(self, name: str, control: QLineEdit | QComboBox, description: str) -> None:
        super().__init__()
        self.control = control
        self.label = QLabel(name)
        self.label.setBuddy(control)
        control.setAccessibleName(plain(name))
        control.setAccessibleDescription(description)
        self._description = description
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "problem")
        self.problem.setWordWrap(True)
        self.problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.label, control, self.problem):
            column.addWidget(widget)

    def complain(self, problem: str) -> None:
        """Say what is wrong; empty if nothing is any more."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        # Screen readers read this when they come to the field.
        self.control.setAccessibleDescription(problem or self._description)
        if self.control.property("wrong") != bool(problem):
            self.control.setProperty("wrong", bool(problem))
            self.control.style().polish(self.control)


def _server_of(invite: Invite) -> str:
    return short_server(str(invite.server), lobby=invite.room is None)


def short_server(server: str, *, lobby: bool) -> str:
    """Leave out the port that is meant anyway, so that a server's lobby and its rooms are called alike."""
    try:
        address = parse_server(server, _PORTS[lobby])
    except ValueError:  # the file of recent rooms was written by somebody else
        return server
    if address.port != _PORTS[lobby]:
        return server
    return f"[{address.host}]" if ":" in address.host else address.host


def _mode(text: str, description: str) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(True)
    button.setProperty("role", "mode")
    button.setToolTip(description)
    button.setAccessibleDescription(description)
    return button


def _check(text: str, description: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setToolTip(description)
    box.setAccessibleDescription(description)
    return box


def heading(text: str, role: str) -> QLabel:
    """Make a label of a kind that the style sheet knows."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label
