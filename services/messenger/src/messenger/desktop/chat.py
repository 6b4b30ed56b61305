"""The page of one conversation."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from chatproto import Command, sanitize
from chatproto.commands import REMOVE
from messenger.core.completion import complete
from messenger.core.conversation import Conversation, Submitted
from messenger.core.entry import FormError
from messenger.core.invite import Invite
from messenger.core.messenger import Messenger
from messenger.core.remedy import Remedy
from messenger.core.roster import Person
from messenger.desktop.actions import COMMANDS, Do
from messenger.desktop.banner import Banner
from messenger.desktop.bar import Bar
from messenger.desktop.composer import Composer
from messenger.desktop.dialogs import ask_line, confirm
from messenger.desktop.menus import PersonMenu, room_menu
from messenger.desktop.theme import Theme
from messenger.desktop.transcript_area import TranscriptArea
from messenger.presentation import wording
from messenger.presentation.commands import question_before
from messenger.presentation.i18n import _
from messenger.presentation.state import Act, do, notice_of


class Chat(QWidget):
    """Shows a conversation and does what is asked for in it."""

    help_wanted = Signal()
    removal_wanted = Signal(object)
    """A `Conversation`."""

    def __init__(self, messenger: Messenger, theme: Theme, actions: dict[Do, QAction]) -> None:
        super().__init__()
        self.setObjectName("chat")
        self.conversation: Conversation | None = None
        self._messenger = messenger
        self._actions = actions
        self.bar = Bar(theme)
        self.banner = Banner()
        self.area = TranscriptArea(theme)
        self.composer = Composer(theme, self._complete)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.banner)
        column.addWidget(self.area, 1)
        column.addWidget(self.composer)
        self.banner.pressed.connect(self._act)
        self.area.invite_wanted.connect(self.copy_invite)
        self.composer.submitted.connect(self._submit)
        self.composer.wheeled.connect(self._wheel)
        self.bar.menu_wanted.connect(self.open_menu)
        for done, act in (
            (Do.INVITE, self.copy_invite),
            (Do.QUIET, self._set_quiet),
            (Do.TOPIC, self._ask_topic),
            (Do.PASSWORD, self._ask_new_password),
            *((done, partial(self._give, *COMMANDS[done])) for done in (Do.WHO, Do.REMOVE_PASSWORD, Do.BANNED)),
            (Do.UNBAN, self._ask_unban),
            (Do.LEAVE, self._leave_asked),
            (Do.NEWEST, self.area.transcript.jump),
            (Do.ROOM_MENU, self.open_menu),
        ):
            actions[done].triggered.connect(lambda _checked=False, act=act: act())

    def present(self, conversation: Conversation) -> None:
        """Show another conversation; what stands typed stays with its own."""
        if conversation is not self.conversation:
            if self.conversation:
                self.conversation.draft = self.composer.text
            self.conversation = conversation
            self.composer.put(conversation.draft)
            self.area.transcript.present(conversation)

    def forget(self, conversation: Conversation) -> None:
        """Let go of a conversation that is closed."""
        self.area.transcript.forget(conversation)
        if conversation is self.conversation:
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
        for command, action in menu.commands.items():
            action.triggered.connect(lambda _checked=False, command=command: self._moderate(command, person))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(position)
        return menu

    def mention(self, person: Person) -> None:
        """Begin to say something to somebody."""
        self.composer.mention(sanitize(person.name))

    def copy_invite(self) -> None:
        """Copy a link that leads here."""
        if self.conversation:
            link = str(Invite.to(self.conversation.entry))
            QApplication.clipboard().setText(link)
            self.conversation.note(_("Invitation copied: {link}").format(link=link))
            self._messenger.on_change()

    def _submit(self, text: str) -> None:
        conversation = self.conversation
        if conversation is None:
            return
        submitted = self._messenger.submit(conversation, text)
        if submitted is Submitted.KEPT:
            self.area.transcript.jump()
            return
        self.composer.sent()
        self.area.transcript.jump()
        if submitted is Submitted.HELP:
            self.help_wanted.emit()
        elif submitted is Submitted.LEAVE:
            self._leave()
        elif submitted is Submitted.CHOOSE_PASSWORD:
            self._ask_new_password()

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

            label = _("New password for the room (sent over UDP, not encrypted):")
            ask_line(self, take, title=_("Password"), label=label, secret=True)

    def _ask_unban(self) -> None:
        def take(name: str) -> str:
            if name.strip():
                self._give(Command.UNBAN, name.strip())
            return ""

        ask_line(self, take, title=_("Unban"), label=_("Name to unban:"))

    def _moderate(self, command: Command, person: Person) -> None:
        give = partial(self._give, command, person.name)
        if question := question_before(command, person):
            confirm(self, question, give)
        else:
            give()

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
        if conversation.host and len(conversation.roster) > 1:
            confirm(self, _("You are the host: if you leave, the room closes for everybody. Leave?"), leave)
        else:
            leave()

    def _leave_asked(self) -> None:
        if conversation := self.conversation:
            self.before_leaving(conversation, lambda: self._messenger.leave(conversation))

    def _leave(self) -> None:
        if self.conversation:
            self._messenger.leave(self.conversation)

    def _wheel(self, event: QKeyEvent) -> None:
        self.area.transcript.keyPressEvent(event)


def _first_problem(error: FormError) -> str:
    return wording.flaw(next(iter(error.problems.values())))
