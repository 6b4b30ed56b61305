"""The main window: rooms, messages, members, and what keeps them up to date."""

from contextlib import suppress
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QWidget

from messenger.core.conversation import Conversation
from messenger.core.entry import FormError
from messenger.core.facts import Presence
from messenger.core.invite import Invite
from messenger.core.messenger import Messenger
from messenger.desktop.actions import Do, make_actions
from messenger.desktop.attention import Attention
from messenger.desktop.chat import Chat
from messenger.desktop.dialogs import HelpDialog, confirm
from messenger.desktop.icons import app_icon
from messenger.desktop.key_ring import KeyRing
from messenger.desktop.members import Members
from messenger.desktop.menus import program_menu
from messenger.desktop.panes import NARROW, WIDE, Pane, visible_panes
from messenger.desktop.rooms import Rooms
from messenger.desktop.start import Start
from messenger.desktop.theme import Theme
from messenger.presentation.commands import question_before_leaving
from messenger.presentation.i18n import _
from messenger.presentation.state import title_of
from messenger.store.recents import Recents

FRAME_MILLISECONDS: Final = 33
"""What changes is shown at most so often."""
_SECOND_MILLISECONDS: Final = 500
"""How often the time until the next attempt is counted down."""


class Window(QMainWindow):
    """Shows a messenger."""

    def __init__(self, messenger: Messenger, theme: Theme, recents: Recents, keys: KeyRing | None = None) -> None:
        super().__init__()
        self.setWindowIcon(app_icon())
        self.setMinimumSize(320, 400)
        self.resize(1040, 700)
        self.messenger = messenger
        self.theme = theme
        self.current: Conversation | None = None
        self.peek = Pane.CENTRE
        self.members_wanted = True
        self._sure = False
        """Whether a host wants to close rooms that others are in."""
        self._recents, self._keys = recents, keys
        self._keeps_open = False
        """Whether the rooms of the end are those of the next start."""
        self._since_frame = QElapsedTimer()
        self._since_frame.start()
        self._frame = QTimer(self, singleShot=True)
        self._frame.timeout.connect(self.render_all)
        self.actions_by_name = make_actions(self)
        self.rooms = Rooms(messenger, theme)
        self.chat = Chat(messenger, theme, self.actions_by_name, recents)
        self.start = Start(messenger, theme, recents, keys)
        self.members = Members(theme)
        self.attention = Attention(self, self.windowIcon())
        self.centre = QStackedWidget()
        self.centre.addWidget(self.start)
        self.centre.addWidget(self.chat)
        self._lay_out()
        self._connect()
        self.show_start()

    def reopen(self) -> None:
        """Come in again where one was when the window was closed, and do so the next time, too."""
        self._keeps_open = True
        opened = []
        for recent in self._recents.take_open():
            password = self._keys.find(recent.server, recent.room) if self._keys and recent.room else ""
            with suppress(FormError):  # somebody else wrote that
                opened.append(self.messenger.enter(recent.entry(password)))
        if opened:
            self.show_conversation(opened[0])

    def open_invite(self, invite: Invite) -> None:
        """Prepare to go where an invitation leads, or show the room if one is there already."""
        for conversation in self.messenger.conversations:
            here = Invite.to(conversation.entry)
            if str(here) == str(invite) and invite.key in {None, here.key}:
                self.show_conversation(conversation)
                return
        self.show_start()
        self.start.invite(invite)

    def welcome(self, invite: Invite) -> None:
        """Come up with an invitation that was opened elsewhere."""
        self.open_invite(invite)
        self._come_up(None)

    def show_conversation(self, conversation: Conversation) -> None:
        """Show a conversation."""
        self.rooms.hidden = self.start.pending
        if conversation not in self.rooms.conversations:
            return
        self.current = conversation
        self.peek = Pane.CENTRE
        self.centre.setCurrentWidget(self.chat)
        self.chat.present(conversation)
        self.render_all()
        if not self.rooms.list.hasFocus():
            self.chat.composer.words.setFocus()

    def show_start(self) -> None:
        """Show the page to come in by."""
        self.peek = Pane.CENTRE
        self.start.reload()
        self.centre.setCurrentWidget(self.start)
        self.start.form.begin()
        self.render_all()

    def close_surely(self) -> None:
        """Close without asking."""
        self._sure = True
        self.close()

    def mark_dirty(self) -> None:
        """Show soon what has changed; this may be called as often as one likes."""
        if not self._frame.isActive():
            self._frame.start(max(0, FRAME_MILLISECONDS - self._since_frame.elapsed()))

    def render_all(self) -> None:
        """Show what has changed."""
        self._frame.stop()
        self.rooms.hidden = self.start.pending
        self.start.follow()
        self.rooms.hidden = self.start.pending
        self.rooms.render_rooms(self.current if self._chatting else None)
        self._fold()
        if self._chatting:
            self.chat.render_chat()
            self.members.render_members(self.current)
        self._attend()
        unread = self.messenger.unread
        self.attention.count(unread)
        self._set_title(unread)
        self._since_frame.restart()
        if self._chatting and self.chat.area.transcript.behind:
            self._frame.start(FRAME_MILLISECONDS)
        elif any(each.presence is Presence.WAITING for each in self.messenger.conversations):
            self._frame.start(_SECOND_MILLISECONDS)

    # What follows are Qt's own methods.

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Leave every room; a host is asked first."""
        if not self._sure and (closing := self.messenger.closing):
            event.ignore()
            confirm(self, question_before_leaving(closing), self.close_surely)
            return
        if self._keeps_open:
            self._keeps_open = False
            self._recents.keep_open(self.messenger.wanted)
        self.messenger.leave_all()
        self._frame.stop()
        self.attention.end()
        event.accept()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take note whether the window is looked at."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.ActivationChange, QEvent.Type.WindowStateChange}:
            self._attend()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Show what there is space for."""
        super().resizeEvent(event)
        self._fold()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Lead back to where one types."""
        if event.key() == Qt.Key.Key_Escape:
            self._go_back()
        else:
            super().keyPressEvent(event)

    @property
    def _chatting(self) -> bool:
        return self.centre.currentWidget() is self.chat

    def _lay_out(self) -> None:
        splitter = QSplitter()
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(1)
        for pane in (self.rooms, self.centre, self.members):
            splitter.addWidget(pane)
        for number, stretch in enumerate((0, 1, 0)):
            splitter.setStretchFactor(number, stretch)
        splitter.setSizes([260, 600, 210])
        self.rooms.setMinimumWidth(190)
        self.members.setMinimumWidth(150)
        self.setCentralWidget(splitter)
        order: list[QWidget] = [self.rooms.list, self.rooms.new, self.rooms.menu]
        order += [self.chat.bar.members, self.chat.bar.menu, self.chat.area.transcript]
        order += [self.chat.composer.words, self.chat.composer.send, self.members.list]
        for before, after in pairwise(order):
            self.setTabOrder(before, after)

    def _connect(self) -> None:
        self.messenger.on_change = self.mark_dirty
        self.messenger.on_alert = self.attention.alert
        self.rooms.chosen.connect(self.show_conversation)
        self.rooms.menu_wanted.connect(self._open_room_menu)
        self.rooms.new.clicked.connect(self.show_start)
        self.rooms.menu.clicked.connect(self._open_menu)
        self.start.arrived.connect(self.show_conversation)
        self.start.started.connect(self.mark_dirty)
        self.start.closed.connect(self._close_start)
        self.chat.bar.back_wanted.connect(lambda: self._peek_at(Pane.ROOMS))
        self.chat.bar.members_wanted.connect(self._toggle_members)
        self.chat.help_wanted.connect(self.show_help)
        self.chat.removal_wanted.connect(self.remove_conversation)
        self.chat.area.transcript.moved.connect(self._attend)
        self.chat.area.transcript.moved.connect(self.mark_dirty)
        self.chat.area.transcript.zoomed.connect(self._zoom)
        self.members.closed.connect(lambda: self._peek_at(Pane.CENTRE))
        self.members.menu_wanted.connect(self.chat.open_person_menu)
        self.members.mentioned.connect(self._mention)
        self.attention.wanted.connect(self._come_up)
        for done, act in (
            (Do.NEW, self.show_start),
            (Do.MEMBERS, self._toggle_members),
            (Do.REMOVE, self._remove_current),
            (Do.NEXT, lambda: self._step(1)),
            (Do.PREVIOUS, lambda: self._step(-1)),
            (Do.LARGER, lambda: self._zoom(1)),
            (Do.SMALLER, lambda: self._zoom(-1)),
            (Do.USUAL, lambda: self.theme.zoom_to(0)),
            (Do.MENU, self._open_menu),
            (Do.HELP, self.show_help),
            (Do.QUIT, self.close),
        ):
            self.actions_by_name[done].triggered.connect(lambda _checked=False, act=act: act())
        self.hear_notifications(sound=True)
        self.actions_by_name[Do.SOUND].toggled.connect(lambda on: self.hear_notifications(sound=on))

    def hear_notifications(self, *, sound: bool) -> None:
        """Have notifications heard, or not."""
        self.attention.sound = sound
        self.actions_by_name[Do.SOUND].setChecked(sound)

    def show_help(self) -> HelpDialog:
        """Show the keys and the commands."""
        dialog = HelpDialog(self)
        dialog.open()
        return dialog

    def remove_conversation(self, conversation: Conversation) -> None:
        """Leave a room and forget it; what is next to it is shown."""
        listed = self.rooms.conversations
        if conversation not in listed:
            return
        index = listed.index(conversation)
        self.messenger.remove(conversation)
        self.chat.forget(conversation)
        listed.remove(conversation)
        if conversation is not self.current:
            self.render_all()
            return
        self.current = None
        if listed:
            self.show_conversation(listed[min(index, len(listed) - 1)])
        else:
            self.show_start()

    def _remove_current(self) -> None:
        if self._chatting and (current := self.current):
            self.chat.before_leaving(current, lambda: self.remove_conversation(current))

    def _close_start(self) -> None:
        if listed := self.rooms.conversations:
            self.show_conversation(self.current if self.current in listed and self.current else listed[0])

    def _step(self, by: int) -> None:
        if listed := self.rooms.conversations:
            index = listed.index(self.current) if self.current in listed else 0
            self.show_conversation(listed[(index + by) % len(listed)])

    def _zoom(self, by: int) -> None:
        self.theme.zoom_to(self.theme.zoom + by)

    def _mention(self, person: object) -> None:
        self._peek_at(Pane.CENTRE)
        self.chat.mention(person)  # type: ignore[arg-type]  # signals carry objects

    def _open_room_menu(self, conversation: Conversation, _position: QPoint) -> None:
        self.show_conversation(conversation)
        self.chat.open_menu()

    def _open_menu(self) -> None:
        menu = program_menu(self.actions_by_name, self)
        menu.aboutToHide.connect(menu.deleteLater)
        button = self.rooms.menu if self.rooms.menu.isVisible() else self.centre
        menu.popup(button.mapToGlobal(button.rect().bottomLeft() if button is self.rooms.menu else QPoint(8, 8)))

    def _toggle_members(self) -> None:
        if self.width() >= WIDE:
            self.members_wanted = not self.members_wanted
        else:
            self.peek = Pane.CENTRE if self.peek is Pane.MEMBERS else Pane.MEMBERS
        self.render_all()
        if self.members.isVisible():
            self.members.list.setFocus()

    def _peek_at(self, pane: Pane) -> None:
        self.peek = pane
        self.render_all()
        if pane is Pane.ROOMS:
            self.rooms.list.setFocus()

    def _go_back(self) -> None:
        if self.peek is not Pane.CENTRE and self.current:
            self._peek_at(Pane.CENTRE)
        if not self._chatting:
            self._close_start()
        self.chat.composer.words.setFocus()

    def _come_up(self, conversation: Conversation | None) -> None:
        if conversation:
            self.show_conversation(conversation)
        self.showNormal() if self.isMinimized() else self.show()
        self.raise_()
        self.activateWindow()

    def _fold(self) -> None:
        listed = bool(self.rooms.conversations)
        members = self.members_wanted and self._chatting
        peek = self.peek if listed and (self._chatting or self.peek is not Pane.MEMBERS) else Pane.CENTRE
        shown = visible_panes(self.width(), members=members, peek=peek)
        self.rooms.setVisible(Pane.ROOMS in shown and listed)
        self.centre.setVisible(Pane.CENTRE in shown)
        self.members.setVisible(Pane.MEMBERS in shown)
        self.members.back.setVisible(self.width() < WIDE)
        self.chat.bar.back.setVisible(self.width() < NARROW)
        self.start.back.setVisible(listed)

    def _attend(self) -> None:
        transcript = self.chat.area.transcript
        looked_at = self._chatting and self.isActiveWindow() and not self.isMinimized() and self.chat.isVisible()
        seen = looked_at and transcript.following and not transcript.behind
        self.messenger.attend(self.current if seen else None)

    def _set_title(self, unread: int) -> None:
        where = title_of(self.current) if self._chatting and self.current else ""
        title = _("{room} - Chat").format(room=where) if where else _("Chat")
        self.setWindowTitle(f"({unread}) {title}" if unread else title)
