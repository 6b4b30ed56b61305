"""What the app asks: names, passwords, and what to do about somebody."""

from collections.abc import Sequence
from typing import Final

from chatproto import BadPasswordError, check_password, sanitize
from messenger.core.conversation import Conversation
from messenger.core.entry import Entry, Field, FormError
from messenger.core.facts import new_password_flaw
from messenger.core.history import Kind, Line
from messenger.core.roster import Person
from messenger.presentation.commands import about, ignore_label, question_before_leaving, question_for_password
from messenger.presentation.i18n import _
from messenger.presentation.state import Act, label_of, plain
from messenger.presentation.wording import flaw, word
from messenger.store.export import suggested_name
from messenger.terminal.dialogs import Menu, Question

STAY: Final = "stay"
LEAVE: Final = "leave"
MENTION: Final = "mention"
"""The answer to mention somebody; every other one is a command."""
IGNORE: Final = "ignore"
"""The answer to ignore somebody, or not any more."""
OVERWRITE: Final = "overwrite"
FOR_APPS, FOR_BROWSERS = "apps", "browsers"
"""The answers to which invitation is to be copied."""
REPLY, COPY = "reply", "copy"
"""The answers to what is to be done about a message."""

_TITLE: Final = 100
"""So much of a message says which one it is."""


def about_person(room: Conversation, person: Person) -> Menu:
    """Ask what to do about somebody."""
    entries = [
        (MENTION, plain(_("&Mention"))),
        (IGNORE, plain(ignore_label(person, room.entry.name))),
        *((command.value, plain(label)) for command, label in about(room, person)),
    ]
    return Menu(person.name, entries)


def which_invitation() -> Menu:
    """Ask which of two invitations is to be copied."""
    entries = [(FOR_APPS, _("For chat and chat-desktop")), (FOR_BROWSERS, _("For browsers"))]
    return Menu(_("Which invitation?"), entries)


def leaving(rooms: Sequence[str]) -> Menu:
    """Ask a host whether rooms are to be closed."""
    return Menu(question_before_leaving(rooms), [(STAY, _("Stay")), (LEAVE, plain(label_of(Act.LEAVE)))])


def about_message(line: Line, *, own_name: str) -> Menu:
    """Ask what to do about a message."""
    entries = [(REPLY, plain(_("&Reply"))), (COPY, plain(_("&Copy the message")))]
    if line.sender and line.kind is Kind.MESSAGE:
        entries.append((MENTION, plain(_("&Mention"))))
        label = ignore_label(Person(line.sender), own_name)
        entries.extend([(IGNORE, plain(label))] if label else [])
    return Menu(line.said if len(line.said) <= _TITLE else line.said[: _TITLE - 1] + "…", entries)


def file_for(room: Conversation) -> Question:
    """Ask in which file to save what was said."""
    empty = _("The file's name is empty.")
    return Question(
        _("Save the messages in this file:"), lambda file: None if file else empty, value=suggested_name(room)
    )


def overwrite(file: str) -> Menu:
    """Ask before a file is overwritten; what is harmless comes first."""
    entries = [("", plain(_("&No"))), (OVERWRITE, plain(_("&Yes")))]
    return Menu(_("{file} is there already. Overwrite it?").format(file=sanitize(file)), entries)


def password(entry: Entry) -> Question:
    """Ask for a room's password."""
    question = _("Password for {room}:").format(room=sanitize(entry.room or ""))
    return Question(question, _password_flaw, secret=True)


def new_password(room: Conversation) -> Question:
    """Ask for a room's new password."""
    return Question(question_for_password(room), _new_password_flaw, secret=True, twice=True)


def name(entry: Entry) -> Question:
    """Ask for another name."""

    def name_flaw(answer: str) -> str | None:
        try:
            entry.called(answer)
        except FormError as error:
            return flaw(error.problems[Field.NAME])
        return None

    return Question(_("Your name in the room:"), name_flaw, value=entry.name)


def _password_flaw(answer: str) -> str | None:
    try:
        check_password(answer)
    except BadPasswordError as error:
        return flaw(error)
    return None if answer else _("The password is empty: type at least one character.")


def _new_password_flaw(answer: str) -> str | None:
    wrong = new_password_flaw(answer)
    return word(wrong) if wrong else None
