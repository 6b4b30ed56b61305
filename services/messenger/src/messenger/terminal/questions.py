"""What the app asks: names, passwords, and what to do about somebody."""

from typing import Final

from chatproto import BadPasswordError, check_password, sanitize
from chatproto.commands import REMOVE
from messenger.core import sentences
from messenger.core.entry import Entry, Field, FormError
from messenger.core.roster import Person
from messenger.presentation.i18n import _
from messenger.presentation.wording import flaw
from messenger.terminal.dialogs import Menu, Question

ADDRESS: Final = "address"
"""The answer to address somebody; every other one is a command."""


def about(person: Person) -> Menu:
    """Ask a host what to do about somebody."""
    entries = [
        (ADDRESS, _("Address")),
        ("unmute", _("Let speak again")) if person.muted else ("mute", _("Mute")),
        ("kick", _("Take out of the room")),
        ("ban", _("Take out and keep out")),
        ("host", _("Hand the room over")),
    ]
    return Menu(person.name, entries)


def password(entry: Entry) -> Question:
    """Ask for a room's password."""
    question = _("Password for {room}:").format(room=sanitize(entry.room or ""))
    return Question(question, _password_flaw, secret=True)


def new_password() -> Question:
    """Ask for a room's new password."""
    return Question(_("New password for the room:"), _new_password_flaw, secret=True, twice=True)


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
    if answer.strip() in {"", REMOVE}:
        return sentences.unusable_password(answer.strip())
    return _password_flaw(answer)
