"""Where an invitation comes from that nobody else on the machine is to read: a file, or typed unseen."""

import sys

from chatproto import sanitize
from messenger.cli.passwords import ask_unseen
from messenger.core.invite import BadInviteError, Invite
from messenger.presentation.i18n import _
from messenger.presentation.wording import system_words


def read_link(file: str) -> str:
    """Return the first line of a file.

    Raises:
        ValueError: it can't be read; ``str()`` is the sentence that says why.

    """
    try:
        with open(file, encoding="utf-8-sig") as lines:  # noqa: PTH123 - a pipe such as <(pass show tea) is fine too
            return lines.readline().strip()
    except UnicodeDecodeError:
        raise ValueError(_("The file {file} isn't UTF-8: save it as UTF-8 text.").format(file=sanitize(file))) from None
    except (OSError, ValueError) as error:
        sentence = _("The file {file} with the invitation can't be read ({why}): choose a readable file.")
        raise ValueError(sentence.format(file=sanitize(file), why=system_words(error))) from None


def ask_link() -> str:
    """Ask for an invitation on the terminal; as it may have a key, it isn't shown.

    Raises:
        BadInviteError: what is typed is no text.

    """
    try:
        return ask_unseen(_("Invitation (not shown): "))
    except UnicodeDecodeError:
        raise BadInviteError("") from None


def show_link(invite: Invite) -> None:
    """Say how others come into a sealed room that one creates."""
    print("chat:", _("Invitation, which has the room's key: {link}").format(link=invite.link), file=sys.stderr)


def warn_of_arguments() -> None:
    """Say that a key stood where others could read it."""
    words = _(
        "The key of this invitation is on the command line, where others on this machine can read it: "
        "use --link-file FILE, or chat join alone, which asks for the invitation."
    )
    print("chat:", words, file=sys.stderr)
