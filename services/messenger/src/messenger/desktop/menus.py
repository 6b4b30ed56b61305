"""The menus: of the room, of somebody in it, and of the program."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from chatproto import Command, sanitize
from messenger.core.conversation import Conversation, Presence
from messenger.core.roster import Person
from messenger.desktop.actions import Do
from messenger.presentation.i18n import _

_FOR_ALL = (Do.INVITE, Do.QUIET, Do.MEMBERS)
_FOR_HOSTS = (Do.TOPIC, Do.PASSWORD, Do.OPEN_DOOR, Do.BANNED, Do.UNBAN)


def room_menu(conversation: Conversation, actions: dict[Do, QAction], parent: QWidget) -> QMenu:
    """List what can be done with a room."""
    menu = QMenu(conversation.title or _("Lobby"), parent)
    menu.addActions([actions[each] for each in _FOR_ALL])
    if conversation.obeys:
        menu.addAction(actions[Do.WHO])
    if conversation.host and conversation.obeys:
        menu.addSeparator()
        menu.addActions([actions[each] for each in _FOR_HOSTS])
    menu.addSeparator()
    if conversation.presence is not Presence.OVER:
        menu.addAction(actions[Do.LEAVE])
    menu.addAction(actions[Do.CLOSE])
    return menu


def program_menu(actions: dict[Do, QAction], parent: QWidget) -> QMenu:
    """List what can be done at any time."""
    menu = QMenu(_("Menu"), parent)
    menu.addActions([actions[Do.NEW], actions[Do.HELP]])
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
        self.commands: dict[Command, QAction] = {}
        if conversation.host and conversation.obeys and person.name != conversation.entry.name:
            self.addSeparator()
            mute = Command.UNMUTE if person.muted else Command.MUTE
            for command in (mute, Command.KICK, Command.BAN, Command.HOST):
                self.commands[command] = self.addAction(_label(command))


def _label(command: Command) -> str:
    match command:
        case Command.MUTE:
            return _("M&ute")
        case Command.UNMUTE:
            return _("&Unmute")
        case Command.KICK:
            return _("&Kick...")
        case Command.BAN:
            return _("&Ban...")
        case _:
            return _("Make &host...")


def question_before(command: Command, name: str) -> str:
    """Ask what one should be asked before a command is given; empty if nothing."""
    match command:
        case Command.KICK:
            return _("Take {name} out of the room?").format(name=name)
        case Command.BAN:
            return _("Take {name} out of the room, and keep out the name and its address?").format(name=name)
        case Command.HOST:
            return _("Hand the room over to {name}? You are its host no more then.").format(name=name)
        case _:
            return ""
