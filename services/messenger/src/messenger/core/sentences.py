"""What the core itself says to a person."""

from chatbrain import MessageTooLongError
from chatproto import sanitize
from chatproto.commands import REMOVE
from messenger.core.trusting import Changed, Stranger
from messenger.presentation.i18n import _
from messenger.presentation.wording import fault


def unknown_command(word: str) -> str:
    """Say that a word after a slash is no command."""
    return _("There is no {word}: /help lists the commands, // says a slash.").format(word=sanitize(word))


def obeys_nothing() -> str:
    """Say that the relay takes no commands."""
    return _("There are no commands here: nothing was sent.")


def not_in() -> str:
    """Say that nothing can be said at the moment."""
    return _("You are not in the room at the moment: try again when you are back.")


def too_long(error: MessageTooLongError) -> str:
    """Say by how much a message is too long."""
    return _("The message has {size} bytes: use at most {limit}.").format(
        size=error.size_bytes, limit=error.limit_bytes
    )


def unusable_password(password: str) -> str:
    """Say why a word can't be a room's new password."""
    if password == REMOVE:
        return _("{dash} alone can't be a password here: the password is as before.").format(dash=REMOVE)
    return _("The password is empty: it is as before.")


def stranger(server: Stranger) -> str:
    """Say what a person should compare before a relay is trusted."""
    return _(
        "No authority vouches for the relay at {server} ({why}). Compare the fingerprint of its certificate with "
        "the one that who runs the relay tells you."
    ).format(server=sanitize(server.server), why=fault(server.doubt))


def distrusted() -> str:
    """Say what follows when a person doesn't trust a relay."""
    return _("The relay isn't trusted, so nothing was sent to it.")


def changed(server: Changed, place: str) -> str:
    """Say that a relay must not be trusted any more, and in which file it is."""
    return _(
        "STOP: the relay at {server} shows another certificate than the one you trusted. Either it has got a new "
        "one, or somebody between you and it pretends to be it. Nothing was sent. Ask who runs the relay, by another "
        "way. If the new one is theirs, take the line of {server} out of {file} and come again. Trusted: {trusted}. "
        "Now: {shown}."
    ).format(server=sanitize(server.server), file=place, trusted=server.trusted, shown=server.shown)
