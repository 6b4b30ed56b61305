"""The page of one conversation."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QVBoxLayout, QWidget

from chatclient.names import own_addresses
from chatproto import Command, sanitize
from chatproto.commands import REMOVE
from messenger.core.commands import Bookmark, Export, Submitted, interpret
from messenger.core.commands import Command as Typed
from messenger.core.completion import complete
from messenger.core.conversation import Conversation
from messenger.core.entry import FormError
from messenger.core.invite import Invite, PageInvite
from messenger.core.messenger import Messenger
from messenger.core.quoting import Reply, can_quote
from messenger.core.remedy import Remedy
from messenger.core.roster import Person
from messenger.desktop.actions import COMMANDS, Do
from messenger.desktop.banner import Banner
from messenger.desktop.bar import Bar
from messenger.desktop.composer import Composer
from messenger.desktop.dialogs import ask_file, ask_line, confirm
from messenger.desktop.menus import PersonMenu, room_menu
from messenger.desktop.search_bar import SearchBar
from messenger.desktop.theme import Theme
from messenger.desktop.transcript_area import TranscriptArea
from messenger.presentation import wording
from messenger.presentation.commands import (
    ignore_label,
    question_before,
    question_before_leaving,
    question_for_password,
)
from messenger.presentation.i18n import _
from messenger.presentation.state import Act, do, notice_of, title_of
from messenger.store.export import ExportError, export, suggested_name
from messenger.store.recents import Recents, RecentsError


class Chat(QWidget):
    """Shows a conversation and does what is asked for in it."""

    help_wanted = Signal()
    removal_wanted = Signal(object)
    """A `Conversation`."""

    def __init__(self, messenger: Messenger, theme: Theme, actions: dict[Do, QAction], recents: Recents) -> None:
        super().__init__()
        self.setObjectName("chat")
        self.conversation: Conversation | None = None
        self._messenger = messenger
        self._actions = actions
        self._reply = Reply()
        self._recents = recents
        self.bar = Bar(theme)
        self.banner = Banner()
        self.search = SearchBar(theme)
        self.area = TranscriptArea(theme)
        self.composer = Composer(theme, self._complete)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.banner)
        column.addWidget(self.search)
        column.addWidget(self.area, 1)
        column.addWidget(self.composer)
        self.banner.pressed.connect(self._act)
        self.search.found.connect(self.area.transcript.show_found)
        self.search.closed.connect(self.composer.words.setFocus)
        self.area.invite_wanted.connect(self.copy_invite)
        self.composer.submitted.connect(self._submit)
        self.composer.wheeled.connect(self._wheel)
        self.bar.menu_wanted.connect(self.open_menu)
        self.area.transcript.menu_wanted.connect(self.open_message_menu)
        for done, act in (
            (Do.INVITE, self.copy_invite),
            (Do.INVITE_TO_PAGE, self.copy_page_invite),
            (Do.QUIET, self._set_quiet),
            (Do.TOPIC, self._ask_topic),
            (Do.PASSWORD, self._ask_new_password),
            *((done, partial(self._give, *COMMANDS[done])) for done in (Do.WHO, Do.REMOVE_PASSWORD, Do.BANNED)),
            (Do.UNBAN, self._ask_unban),
            (Do.LEAVE, self._leave_asked),
            (Do.NEWEST, self.area.transcript.jump),
            (Do.ROOM_MENU, self.open_menu),
            (Do.REPLY, self.reply),
            (Do.SEARCH, self.search_in),
            (Do.EXPORT, self.export),
            (Do.BOOKMARK, self._ask_bookmark),
        ):
            actions[done].triggered.connect(lambda _checked=False, act=act: act())

    def present(self, conversation: Conversation) -> None:
        """Show another conversation; what stands typed stays with its own."""
        if conversation is not self.conversation:
            self.search.end()
            if self.conversation:
                self.conversation.draft = self.composer.text
            self.conversation = conversation
            self.composer.put(conversation.draft)
            self.area.transcript.present(conversation)

    def forget(self, conversation: Conversation) -> None:
        """Let go of a conversation that is closed."""
        self.area.transcript.forget(conversation)
        if conversation is self.conversation:
            self.search.end()
            self.conversation = None
            self.area.transcript.present(None)
            self.composer.put("")

    def render_chat(self) -> None:
        """Show what has changed."""
        conversation = self.conversation
        if conversation is None:
            return
        retry_seconds = self._messenger.retry_seconds(conversation)
        self.bar.render_bar(conversation, retry_seconds)
        self.banner.show_notice(notice_of(conversation, retry_seconds))
        self.area.render_area(conversation)
        self._actions[Do.QUIET].setChecked(conversation.muted)
        if self.composer.limit_bytes != conversation.max_message_bytes:
            self.composer.limit_bytes = conversation.max_message_bytes
            self.composer.count()

    def open_menu(self) -> None:
        """Open the menu of the room."""
        if self.conversation:
            menu = room_menu(self.conversation, self._actions, self)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.bar.menu.mapToGlobal(self.bar.menu.rect().bottomLeft()))

    def open_person_menu(self, person: Person, position: QPoint) -> PersonMenu | None:
        """Open the menu of somebody."""
        if self.conversation is None:
            return None
        menu = PersonMenu(self.conversation, person, self)
        menu.mention.triggered.connect(lambda: self.mention(person))
        menu.copy_name.triggered.connect(lambda: QApplication.clipboard().setText(sanitize(person.name)))
        if menu.ignore:
            menu.ignore.triggered.connect(lambda: self._ignore(person.name, ignored=not person.ignored))
        for command, action in menu.commands.items():
            action.triggered.connect(lambda _checked=False, command=command: self._moderate(command, person))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(position)
        return menu

    def open_message_menu(self, number: int, position: QPoint) -> QMenu | None:
        """Open the menu of a message, at a position in the view."""
        if self.conversation is None:
            return None
        transcript = self.area.transcript
        menu = transcript.createStandardContextMenu(position)
        if can_quote(self.conversation.history, number):
            reply = QAction(self._actions[Do.REPLY].text(), menu)
            reply.triggered.connect(lambda: self.reply(number))
            others = menu.actions()[0]
            menu.insertAction(others, reply)
            sender = self.conversation.history[number].sender
            if sender and (label := ignore_label(Person(sender), self.conversation.entry.name)):
                ignore = QAction(label, menu)
                ignore.triggered.connect(lambda: self._ignore(sender, ignored=True))
                menu.insertAction(others, ignore)
            menu.insertSeparator(others)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(transcript.viewport().mapToGlobal(position))
        return menu

    def search_in(self) -> None:
        """Search in what was said."""
        if self.conversation:
            self.search.begin(self.conversation)

    def export(self, wish: str = "") -> QFileDialog | None:
        """Ask where to save what was said; the dialog asks before it overwrites anything."""
        conversation = self.conversation
        if conversation is None:
            return None

        def save(file: str) -> None:
            try:
                conversation.note(export(conversation, file, overwrite=True))
            except ExportError as error:
                conversation.note(str(error), problem=True)
            self._messenger.on_change()

        return ask_file(self, save, title=_("Save the messages"), wanted=wish or suggested_name(conversation))

    def reply(self, number: int | None = None) -> None:
        """Quote a message above what is typed: the newest one, and an older one each time, unless it is said which."""
        if self.conversation is None:
            return
        history, draft = self.conversation.history, self.composer.text
        if number is None:
            self.composer.put(self._reply.older(history, draft, "\n"))
        elif can_quote(history, number):
            self.composer.put(self._reply.to(history, number, draft, "\n"))
        self.composer.words.setFocus()

    def mention(self, person: Person) -> None:
        """Begin to say something to somebody."""
        self.composer.mention(sanitize(person.name))

    def copy_invite(self) -> None:
        """Copy a link that leads here."""
        if self.conversation:
            invite = Invite.to(self.conversation.entry)
            QApplication.clipboard().setText(invite.link)
            self.conversation.note(wording.invitation(invite, own_addresses()))
            self._messenger.on_change()

    def copy_page_invite(self) -> None:
        """Copy a link that leads here in a browser."""
        if self.conversation is None:
            return
        page = PageInvite.to(self.conversation.entry, self.conversation.contact.web)
        if page:
            QApplication.clipboard().setText(page.link)
        self.conversation.note(wording.page_invitation(page) if page else _("This relay names no page for browsers."))
        self._messenger.on_change()

    def _submit(self, text: str) -> None:
        conversation = self.conversation
        if conversation is None:
            return
        submitted = self._messenger.submit(conversation, text)
        if submitted is Submitted.MISTYPED:
            self.composer.words.selectAll()
        if submitted in {Submitted.KEPT, Submitted.MISTYPED}:
            self.area.transcript.jump()
            return
        self.composer.sent()
        self.area.transcript.jump()
        if submitted is Submitted.HELP:
            self.help_wanted.emit()
        elif submitted is Submitted.LEAVE:
            self._leave_asked()
        elif submitted is Submitted.CHOOSE_PASSWORD:
            self._ask_new_password()
        elif submitted in {Submitted.EXPORT, Submitted.BOOKMARK}:
            self._do(interpret(text))

    def _complete(self, before: str) -> list[str]:
        if self.conversation is None:
            return []
        names = [
            person.name for person in self.conversation.roster.people if person.name != self.conversation.entry.name
        ]
        return complete(before, names, self.conversation.may)

    def _act(self, button: Remedy | Act) -> None:
        conversation = self.conversation
        if conversation is None:
            return
        match button:
            case Remedy():
                self._help(conversation, button)
            case Act.REMOVE:
                self.removal_wanted.emit(conversation)
            case Act.DISTRUST:
                self._messenger.leave(conversation)
            case Act():
                do(button, self._messenger, conversation)

    def _help(self, conversation: Conversation, remedy: Remedy) -> None:
        match remedy:
            case Remedy.AGAIN:
                self._messenger.again(conversation)
            case Remedy.CREATE | Remedy.JOIN:
                entry = conversation.entry.creating(create=remedy is Remedy.CREATE)
                self._messenger.again(conversation, entry)
            case Remedy.PASSWORD:
                self._ask_password(conversation)
            case Remedy.NAME:
                self._ask_name(conversation)

    def _ask_password(self, conversation: Conversation) -> None:
        def take(password: str) -> str:
            try:
                entry = conversation.entry.knowing(password)
            except FormError as error:
                return _first_problem(error)
            self._messenger.again(conversation, entry)
            return ""

        label = _("Password for {room}:").format(room=conversation.title)
        ask_line(self, take, title=_("Password"), label=label, secret=True)

    def _ask_name(self, conversation: Conversation) -> None:
        def take(name: str) -> str:
            try:
                entry = conversation.entry.called(name)
            except FormError as error:
                return _first_problem(error)
            self._messenger.again(conversation, entry)
            return ""

        ask_line(self, take, title=_("Name"), label=_("Your name in the room:"), text=conversation.entry.name)

    def _ask_topic(self) -> None:
        if conversation := self.conversation:

            def take(topic: str) -> str:
                self._messenger.command(conversation, f"/{Command.TOPIC} {topic.strip() or REMOVE}")
                return ""

            label = _("Topic of the room (leave empty to remove it):")
            ask_line(self, take, title=_("Topic"), label=label, text=conversation.topic)

    def _ask_new_password(self) -> None:
        if conversation := self.conversation:

            def take(password: str) -> str:
                self._messenger.choose_password(conversation, password)
                return ""

            label = question_for_password(conversation)
            ask_line(self, take, title=_("Password"), label=label, secret=True)

    def _do(self, wish: Typed) -> None:
        match wish:
            case Export(file):
                self.export(file)
            case Bookmark(name) if self.conversation:
                self._bookmark(self.conversation, name)

    def _ask_bookmark(self) -> None:
        if conversation := self.conversation:

            def take(name: str) -> str:
                self._bookmark(conversation, name.strip() or REMOVE)
                return ""

            known = self._recents.bookmark_of(conversation.entry) or title_of(conversation)
            label = _("Name of the bookmark (leave empty to remove it):")
            ask_line(self, take, title=_("Bookmark"), label=label, text=known)

    def _bookmark(self, conversation: Conversation, name: str) -> None:
        try:
            conversation.note(self._recents.bookmark(conversation.entry, name))
        except RecentsError as error:
            conversation.note(str(error), problem=True)
        self._messenger.on_change()

    def _ask_unban(self) -> None:
        def take(name: str) -> str:
            if name.strip():
                self._give(Command.UNBAN, name.strip())
            return ""

        if self.conversation:
            ask_line(self, take, title=_("Unban"), label=_("Name to unban:"))

    def _moderate(self, command: Command, person: Person) -> None:
        give = partial(self._give, command, person.name)
        if question := question_before(command, person):
            confirm(self, question, give)
        else:
            give()

    def _ignore(self, name: str, *, ignored: bool) -> None:
        if self.conversation:
            self._messenger.ignore(self.conversation, name, ignored=ignored)
            self.area.transcript.jump()

    def _give(self, command: Command, argument: str) -> None:
        if self.conversation:
            self._messenger.command(self.conversation, f"/{command} {argument}".rstrip())
            self.area.transcript.jump()

    def _set_quiet(self) -> None:
        if self.conversation:
            self.conversation.muted = not self.conversation.muted
            self._messenger.on_change()

    def before_leaving(self, conversation: Conversation, leave: Callable[[], object]) -> None:
        """Leave, but let a host who isn't alone say first that it is meant: the room closes for everybody."""
        if conversation.closes_for_others:
            confirm(self, question_before_leaving([conversation.title]), leave)
        else:
            leave()

    def _leave_asked(self) -> None:
        if conversation := self.conversation:
            self.before_leaving(conversation, lambda: self._messenger.leave(conversation))

    def _wheel(self, event: QKeyEvent) -> None:
        self.area.transcript.keyPressEvent(event)


def _first_problem(error: FormError) -> str:
    return wording.flaw(next(iter(error.problems.values())))
