"""The page to come in by: the form, where one was lately, and what went wrong, in place."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from chatbrain import EndReason
from chatclient.joining import DEFAULT_SERVER
from chatproto import ListedRoom, Status
from messenger.core.conversation import Conversation
from messenger.core.entry import Entry, FormError
from messenger.core.entry import Field as Wrong
from messenger.core.facts import Presence
from messenger.core.history import Kind
from messenger.core.invite import Invite
from messenger.core.messenger import Messenger
from messenger.core.remedy import Remedy, remedies
from messenger.desktop.banner import Banner
from messenger.desktop.delegates import Role, RoomDelegate
from messenger.desktop.dialogs import logo
from messenger.desktop.form import Form, Mode, heading, short_server
from messenger.desktop.key_ring import KeyRing
from messenger.desktop.open_rooms_pane import OpenRoomsPane
from messenger.desktop.theme import Theme
from messenger.presentation import wording
from messenger.presentation.i18n import _
from messenger.presentation.state import Act, Notice, Tone, label_of, notice_of
from messenger.store.recents import Recent, Recents

_WIDE: Final = 860
_CARD_WIDTH: Final = 430
_MAX_SHOWN: Final = 6

_FIELDS: Final = {
    Status.ROOM_EXISTS: Wrong.ROOM,
    Status.NO_SUCH_ROOM: Wrong.ROOM,
    Status.ROOM_FULL: Wrong.ROOM,
    Status.WRONG_PASSWORD: Wrong.PASSWORD,
    Status.NAME_TAKEN: Wrong.NAME,
    Status.BAD_NAME: Wrong.NAME,
}
"""Where it is to be said why one isn't let in."""
_MODES: Final = {Remedy.CREATE: Mode.CREATE, Remedy.JOIN: Mode.JOIN}


class Start(QScrollArea):
    """Lets one in; stays until one is in, or gives up."""

    arrived = Signal(object)
    """The `Conversation` that one is in now."""
    started = Signal()
    closed = Signal()

    def __init__(self, messenger: Messenger, theme: Theme, recents: Recents, keys: KeyRing | None) -> None:
        super().__init__()
        self.setObjectName("start")
        self.setAccessibleName(_("Join"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._messenger, self._theme, self._recents, self._keys = messenger, theme, recents, keys
        self.pending: Conversation | None = None
        """Where one is about to come in."""
        self.form = Form(keeps_passwords=keys is not None)
        self.banner = Banner()
        self.back = QPushButton(_("&Back to the rooms"))
        self.back.setProperty("role", "quiet")
        self.back.setAccessibleDescription(_("Closes this page"))
        self.list = QListWidget()
        self.list.setObjectName("recents")
        self.list.setAccessibleName(_("Recent rooms"))
        self.list.setAccessibleDescription(_("Rooms you joined recently; Enter fills in the form"))
        self.list.setItemDelegate(RoomDelegate(theme))
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.forget = QPushButton(_("&Forget"))
        self.forget.setProperty("role", "quiet")
        self.forget.setAccessibleDescription(_("Removes the selected room from the list"))
        self.open = OpenRoomsPane(messenger.open_rooms, lambda: self.form.relay, theme)
        self._lay_out()
        self.form.wanted.connect(self._go)
        self.form.fix.clicked.connect(self._fix)
        self.banner.pressed.connect(self._act)
        self.back.clicked.connect(self.closed)
        self.list.itemClicked.connect(self._fill)
        self.list.itemActivated.connect(self._fill)
        self.list.currentItemChanged.connect(lambda now, _before: self.forget.setEnabled(now is not None))
        self.forget.clicked.connect(self._forget)
        self.open.chosen.connect(self._choose)
        self.open.changed.connect(self._show_lists)
        self.form.relay_changed.connect(self.open.settle)
        theme.changed.connect(self._fit_list)
        self._remedy: Remedy | None = None
        self.reload()
        if newest := next(iter(self._recents.read()), None):
            self.form.fill(newest)
        else:
            self.form.server.setCurrentText(short_server(DEFAULT_SERVER, lobby=False))
        if self._recents.flaw:
            self.banner.show_notice(Notice(Tone.WARNING, self._recents.flaw))

    def reload(self) -> None:
        """Read anew where one was lately."""
        recents = self._recents.offered()
        self.form.offer(recents)
        self.list.clear()
        bookmarks = sum(bool(recent.bookmark) for recent in recents)
        for recent in recents[: max(_MAX_SHOWN, bookmarks)]:
            server, room = short_server(recent.server, lobby=recent.room is None), recent.room or _("Lobby")
            item = QListWidgetItem(f"★ {recent.bookmark}" if recent.bookmark else room)
            item.setData(Role.SUBTITLE, " · ".join([*([room] if recent.bookmark else []), server, recent.name]))
            item.setData(Role.LOBBY, recent.room is None)
            item.setData(Role.PERSON, recent)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{item.text()}, {server}, {recent.name}")
            self.list.addItem(item)
        self.forget.setEnabled(False)
        self._show_lists()
        self._fit_list()

    def _show_lists(self) -> None:
        """Show the lists in which there is something."""
        self._lately.setVisible(self.list.count() > 0)
        self._beside.setVisible(self.list.count() > 0 or not self.open.isHidden())

    def _fit_list(self) -> None:
        self.list.setFixedHeight(self.list.count() * max(40, self.list.sizeHintForRow(0)) + 6)

    def invite(self, invite: Invite) -> None:
        """Prepare to go where an invitation leads."""
        self.form.invite(invite)
        self.form.name.setFocus()

    def follow(self) -> None:
        """Show how far in one is."""
        if self.pending is None:
            return
        match self.pending.presence:
            case Presence.OVER:
                self._give_up(self.pending)
            case Presence.LOOKING | Presence.ENTERING | Presence.ASKING:
                notice = notice_of(self.pending, self._messenger.retry_seconds(self.pending))
                self.banner.show_notice(notice if self.pending.presence is Presence.ASKING else None)
            case Presence.WAITING:
                self._find_nobody(self.pending)
            case _:
                self._arrive(self.pending)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put the recent rooms below the form where there is little space beside it."""
        super().resizeEvent(event)
        ways = QBoxLayout.Direction
        self._both.setDirection(ways.LeftToRight if self.width() >= _WIDE else ways.TopToBottom)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Offer the rooms of the relay."""
        super().showEvent(event)
        self.open.begin()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for no rooms that nobody sees."""
        super().hideEvent(event)
        self.open.end()

    def _lay_out(self) -> None:
        ground = QWidget()
        ground.setObjectName("startGround")
        title = QHBoxLayout()
        title.setSpacing(14)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(heading(_("Chat"), "title"))
        words.addWidget(heading(_("Talk with others, room by room."), "muted"))
        title.addWidget(logo(52, self.devicePixelRatioF()))
        title.addLayout(words, 1)
        left = QWidget()
        left.setMaximumWidth(_CARD_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(title)
        column.addWidget(self.banner)
        column.addWidget(self.form)
        column.addStretch(1)
        self._lay_out_lists()
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._both.setSpacing(36)
        self._both.addWidget(left, 3)
        self._both.addWidget(self._beside, 2)
        centred = QHBoxLayout()
        centred.addStretch(1)
        centred.addLayout(self._both, 100)
        centred.addStretch(1)
        outer = QVBoxLayout(ground)
        outer.setContentsMargins(20, 24, 20, 24)
        outer.addStretch(1)
        outer.addLayout(centred)
        outer.addStretch(2)
        self.setWidget(ground)

    def _lay_out_lists(self) -> None:
        self._beside, self._lately = QWidget(), QWidget()
        self._beside.setMaximumWidth(_CARD_WIDTH)
        beside = QVBoxLayout(self._beside)
        beside.setContentsMargins(0, 6, 0, 0)
        beside.setSpacing(16)
        lately = QVBoxLayout(self._lately)
        lately.setContentsMargins(0, 0, 0, 0)
        lately.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(heading(_("Recent rooms"), "heading"), 1)
        head.addWidget(self.forget)
        lately.addLayout(head)
        lately.addWidget(self.list)
        beside.addWidget(self._lately)
        beside.addWidget(self.open)
        beside.addStretch(1)

    def _go(self) -> None:
        if self.pending:
            self._messenger.leave(self.pending)
            return
        try:
            entry = self.form.read()
        except FormError as error:
            self.form.complain({field: wording.flaw(problem) for field, problem in error.problems.items()})
            return
        self.form.complain({})
        self.banner.show_notice(None)
        self._enter(entry if self._messenger.transport else self._recents.recall(entry))

    def _enter(self, entry: Entry) -> None:
        before = list(self._messenger.conversations)
        conversation = self._messenger.enter(entry)
        if conversation in before:  # its page says how it goes on
            self.arrived.emit(conversation)
            return
        self.pending = conversation
        self.form.set_busy(busy=True)
        self.started.emit()
        self.follow()

    def _arrive(self, conversation: Conversation) -> None:
        self._end_pending()
        entry = conversation.entry
        try:
            self._recents.remember(entry)
        except OSError as error:
            conversation.note(_("The recent rooms can't be saved ({reason}).").format(reason=error.strerror or error))
        if self._keys and entry.password and self.form.keep.isChecked() and not self._keys.keep(entry):
            conversation.note(_("The key ring couldn't store the password."), problem=True)
        self.form.password.clear()
        self.reload()
        self.arrived.emit(conversation)

    def _give_up(self, conversation: Conversation) -> None:
        ended = conversation.ended
        self._end_pending()
        self._messenger.remove(conversation)
        if ended is None or ended.reason is EndReason.LEFT:
            return
        words = wording.ending(ended)
        wrong = Wrong.SERVER if ended.reason is EndReason.UNREACHABLE else None
        if ended.status is not None:
            wrong = _FIELDS.get(ended.status)
        if wrong:
            self.form.complain({wrong: f"{words.what} {words.todo}".strip()})
        else:
            self.banner.show_notice(Notice(Tone.DANGER, words.what, words.todo))
        self._remedy = next((each for each in remedies(ended) if each in _MODES), None)
        if self._remedy:
            self.form.fix.setText(label_of(self._remedy))
            self.form.fix.show()

    def _find_nobody(self, conversation: Conversation) -> None:
        """Give up a lobby where nobody answers: it would be tried again and again, but one was never in."""
        said = [line.text for line in conversation.history.since(0) if line.kind is Kind.PROBLEM]
        self._end_pending()
        self._messenger.remove(conversation)
        self.form.complain({Wrong.SERVER: said[-1]} if said else {})

    def _end_pending(self) -> None:
        self.pending = None
        self.banner.show_notice(None)
        self.form.set_busy(busy=False)

    def _fix(self) -> None:
        if self._remedy:
            self.form.mode = _MODES[self._remedy]
            self._go()

    def _act(self, button: Remedy | Act) -> None:
        if self.pending and button is Act.TRUST:
            self._messenger.trust(self.pending)
        elif self.pending:
            self._messenger.leave(self.pending)

    def _fill(self, item: QListWidgetItem) -> None:
        recent: Recent = item.data(Role.PERSON)
        self.form.complain({})
        self.form.fill(recent)
        if self._keys and recent.room:
            self.form.password.setText(self._keys.find(recent.server, recent.room))
        self.form.go.setFocus()

    def _choose(self, room: ListedRoom) -> None:
        if not self.pending:
            self.form.choose(room)

    def _forget(self) -> None:
        if item := self.list.currentItem():
            try:
                self._recents.forget(item.data(Role.PERSON))
            except OSError as error:
                self.banner.show_notice(Notice(Tone.DANGER, str(error.strerror or error)))
            self.reload()
