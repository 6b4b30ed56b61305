"""Where a room's password comes from: typed unseen, a file, or the environment; never the command line."""

import getpass
import os
import signal
import sys
from collections.abc import Mapping
from typing import Final

from chatproto import BadPasswordError, check_password, sanitize
from messenger.presentation.i18n import _
from messenger.presentation.wording import flaw, system_words

VARIABLE: Final = "CHAT_PASSWORD"
MAX_QUESTIONS: Final = 3
"""How often a person may mistype."""


class PasswordError(Exception):
    """There is no usable password; ``str()`` is the sentence that says why."""


def find_password(file: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """Read the password that a script gives: a file's first line, else the environment's; None if there is none.

    Raises:
        PasswordError: the file can't be read, or what is given is no password.

    """
    password = _of_variable(environ) if file is None else _first_line(file)
    try:
        check_password(password or "")
    except BadPasswordError as error:
        raise PasswordError(flaw(error)) from None
    return password or None


def ask_password(room: str) -> str:
    """Ask for a room's password on the terminal, unseen.

    Raises:
        PasswordError: what is typed is no password.

    """
    return _ask(_("Password for {room}: ").format(room=sanitize(room)))


def choose_password(room: str) -> str:
    """Ask for a new password on the terminal, unseen and twice.

    Raises:
        PasswordError: what is typed is no password, or differs each time.

    """
    for _attempt in range(MAX_QUESTIONS):
        password = _ask(_("New password for {room}: ").format(room=sanitize(room)))
        if not password:
            print("chat:", _("The password is empty: type at least one character."), file=sys.stderr)
        elif password == _ask(_("Repeat the password: ")):
            return password
        else:
            print("chat:", _("The passwords differ."), file=sys.stderr)
    raise PasswordError(_("No password was set: try again."))


def _of_variable(environ: Mapping[str, str]) -> str | None:
    given = environ.get(VARIABLE)
    # What the locale can't decode became lone surrogates: back to bytes with them, and to text as UTF-8.
    return given and given.encode(errors="surrogateescape").decode("utf-8-sig", errors="surrogateescape")


def _first_line(file: str) -> str:
    try:
        with open(file, encoding="utf-8-sig") as lines:  # noqa: PTH123 - a pipe such as <(pass show chat) is fine too
            line = lines.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise _no_text(file) from None
    except (OSError, ValueError) as error:
        why = system_words(error)
        sentence = _("The password file {file} can't be read ({why}): choose a readable file.")
        raise PasswordError(sentence.format(file=sanitize(file), why=why)) from None
    if "\0" in line:  # UTF-16 without a sign at its beginning
        raise _no_text(file)
    if not line:
        sentence = _("The first line of the password file {file} is empty: put the password there.")
        raise PasswordError(sentence.format(file=sanitize(file)))
    return line


def _no_text(file: str) -> PasswordError:
    sentence = _("The password file {file} isn't UTF-8: save it as UTF-8 text.")
    return PasswordError(sentence.format(file=sanitize(file)))


def _ask(question: str) -> str:
    try:
        return check_password(ask_unseen(question))
    except (BadPasswordError, UnicodeDecodeError):
        raise PasswordError(_("That can't be a password: use up to 1024 bytes of text.")) from None


def ask_unseen(question: str) -> str:
    """Ask for something on the terminal that isn't shown there.

    Raises:
        UnicodeDecodeError: what is typed is no text.

    """
    # Like Ctrl-C, so that getpass makes the terminal show again what is typed.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return getpass.getpass(question)
    finally:
        signal.signal(signal.SIGTERM, before)
