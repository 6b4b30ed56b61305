"""What became of a message that wasn't delivered."""

from typing import Final

from chatbrain import Delivery
from chatproto import NotRelayed, sanitize
from messenger.core.commands import is_secret
from messenger.presentation.i18n import N_, _

_TOO_FAST: Final = N_("too much at once")
_REASONS: Final = {
    None: N_("no answer came"),
    NotRelayed.TOO_LONG: N_("it is too long"),
    NotRelayed.MESSAGE_RATE: _TOO_FAST,
    NotRelayed.BYTE_RATE: _TOO_FAST,
    NotRelayed.COPY_RATE: _TOO_FAST,
    NotRelayed.MUTED: N_("you are muted"),
    NotRelayed.NOT_SEALED: N_("the room is sealed, but it isn't"),
}


def reason(delivery: Delivery) -> str:
    """Say in a few words why a message wasn't delivered, to stand in brackets."""
    words = {str(word): words for word, words in _REASONS.items()}.get(str(delivery.reason))
    return _(words) if words else sanitize(delivery.reason or "")


def undelivered(delivery: Delivery) -> str:
    """Say that a message wasn't delivered; no password is shown."""
    text = delivery.text.split(maxsplit=1)[0] if is_secret(delivery.text) else delivery.text
    return _("Not delivered ({why}): {text}").format(why=reason(delivery), text=text)
