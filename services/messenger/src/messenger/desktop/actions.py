"""Everything that can be done by keys or from a menu, in one table that the help shows too."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from chatproto import Command
from chatproto.commands import REMOVE
from messenger.presentation.i18n import _


class Do(Enum):
    """Something that can be done."""

    NEW = auto()
    INVITE = auto()
    INVITE_TO_PAGE = auto()
    QUIET = auto()
    MEMBERS = auto()
    WHO = auto()
    TOPIC = auto()
    PASSWORD = auto()
    REMOVE_PASSWORD = auto()
    BANNED = auto()
    UNBAN = auto()
    LEAVE = auto()
    REMOVE = auto()
    """Remove the room from the list."""
    NEXT = auto()
    PREVIOUS = auto()
    NEWEST = auto()
    REPLY = auto()
    SEARCH = auto()
    EXPORT = auto()
    BOOKMARK = auto()
    LARGER = auto()
    SMALLER = auto()
    USUAL = auto()
    """The letters' usual size."""
    MENU = auto()
    ROOM_MENU = auto()
    SOUND = auto()
    HELP = auto()
    QUIT = auto()


COMMANDS: Final = {
    Do.WHO: (Command.WHO, ""),
    Do.TOPIC: (Command.TOPIC, "..."),
    Do.PASSWORD: (Command.PASSWORD, "..."),
    Do.REMOVE_PASSWORD: (Command.PASSWORD, REMOVE),
    Do.BANNED: (Command.UNBAN, ""),
    Do.UNBAN: (Command.UNBAN, "..."),
}
"""What the relay is asked for, and with which argument; dots stand for what a person is asked first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How something is called, and its keys."""

    text: str
    keys: tuple[str, ...] = ()
    checkable: bool = False


def table() -> dict[Do, Entry]:
    """Name everything, in the chosen language."""
    return {
        Do.NEW: Entry(_("&New room..."), ("Ctrl+N",)),
        Do.INVITE: Entry(_("Copy &invitation"), ("Ctrl+I",)),
        Do.INVITE_TO_PAGE: Entry(_("Cop&y link for browsers"), ("Ctrl+Shift+I",)),
        Do.QUIET: Entry(_("Notifications &off"), ("Ctrl+M",), checkable=True),
        Do.MEMBERS: Entry(_("&Members"), ("Ctrl+B",)),
        Do.WHO: Entry(_("&Who is here")),
        Do.TOPIC: Entry(_("&Topic...")),
        Do.PASSWORD: Entry(_("&Password...")),
        Do.REMOVE_PASSWORD: Entry(_("&Remove the password")),
        Do.BANNED: Entry(_("Show &bans")),
        Do.UNBAN: Entry(_("&Unban...")),
        Do.LEAVE: Entry(_("&Leave")),
        Do.REMOVE: Entry(_("Remove from &list"), ("Ctrl+W",)),
        Do.NEXT: Entry(_("Next room"), ("Ctrl+PgDown", "Alt+Down")),
        Do.PREVIOUS: Entry(_("Previous room"), ("Ctrl+PgUp", "Alt+Up")),
        Do.NEWEST: Entry(_("Newest messages"), ("Ctrl+End",)),
        Do.REPLY: Entry(_("&Reply"), ("Ctrl+R",)),
        Do.SEARCH: Entry(_("&Search..."), ("Ctrl+F",)),
        Do.EXPORT: Entry(_("S&ave the messages..."), ("Ctrl+S",)),
        Do.BOOKMARK: Entry(_("Boo&kmark..."), ("Ctrl+Shift+B",)),
        Do.LARGER: Entry(_("&Larger letters"), ("Ctrl++", "Ctrl+=")),
        Do.SMALLER: Entry(_("&Smaller letters"), ("Ctrl+-",)),
        Do.USUAL: Entry(_("&Usual size of letters"), ("Ctrl+0",)),
        Do.MENU: Entry(_("Menu"), ("F10",)),
        Do.ROOM_MENU: Entry(_("Room menu"), ("Ctrl+F10",)),
        Do.SOUND: Entry(_("Notification &sound"), checkable=True),
        Do.HELP: Entry(_("&Help"), ("F1",)),
        Do.QUIT: Entry(_("&Quit"), ("Ctrl+Q",)),
    }


def make_actions(parent: QWidget) -> dict[Do, QAction]:
    """Make all actions; their keys work anywhere in the window."""
    made = {}
    for done, entry in table().items():
        action = QAction(entry.text, parent)
        action.setShortcuts([QKeySequence(keys) for keys in entry.keys])
        action.setCheckable(entry.checkable)
        parent.addAction(action)
        made[done] = action
    return made
