"""The menus: of the room, of somebody in it, and of the program."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from chatproto import sanitize
from messenger.core.conversation import Conversation
from messenger.core.facts import Presence
from messenger.core.invite import PageInvite
from messenger.core.roster import Person
from messenger.desktop.actions import COMMANDS, Do
from messenger.presentation.commands import about, ignore_label
from messenger.presentation.i18n import _
from messenger.presentation.state import title_of


def room_menu(conversation: Conversation, actions: dict[Do, QAction], parent: QWidget) -> QMenu:
    """List what can be done with a room."""
    menu = QMenu(title_of(conversation), parent)
    ways = (
        (Do.INVITE, Do.INVITE_TO_PAGE) if PageInvite.to(conversation.entry, conversation.contact.web) else (Do.INVITE,)
    )
    menu.addActions([actions[each] for each in (*ways, Do.BOOKMARK, Do.SEARCH, Do.EXPORT, Do.QUIET, Do.MEMBERS)])
    menu.addSeparator()
    menu.addActions([actions[each] for each, asked in COMMANDS.items() if conversation.may(*asked)])
    menu.addSeparator()
    if conversation.presence is not Presence.OVER:
        menu.addAction(actions[Do.LEAVE])
    menu.addAction(actions[Do.REMOVE])
    return menu


def program_menu(actions: dict[Do, QAction], parent: QWidget) -> QMenu:
    """List what can be done at any time."""
    menu = QMenu(_("Menu"), parent)
    menu.addActions([actions[Do.NEW], actions[Do.SOUND], actions[Do.HELP]])
    menu.addSeparator()
    menu.addActions([actions[Do.LARGER], actions[Do.SMALLER], actions[Do.USUAL]])
    menu.addSeparator()
    menu.addAction(actions[Do.QUIT])
    return menu


class PersonMenu(QMenu):
    """Lists what can be done with somebody: more for the host."""

    def __init__(self, conversation: Conversation, person: Person, parent: QWidget) -> None:
        super().__init__(parent)
        self.name = sanitize(person.name)
        self.mention = self.addAction(_("&Mention"))
        self.copy_name = self.addAction(_("Copy the &name"))
        self.ignore = self.addAction(label) if (label := ignore_label(person, conversation.entry.name)) else None
        self.addSeparator()
        self.commands = {command: self.addAction(label) for command, label in about(conversation, person)}
