"""How one is in, in words: for the bar, the list of rooms and the banner; no toolkit in it."""

from dataclasses import dataclass
from enum import Enum, auto
from math import ceil, inf
from typing import Final

from chatbrain import Ended, EndReason
from messenger.core import sentences
from messenger.core.conversation import Conversation, Presence
from messenger.core.remedy import Remedy, remedies
from messenger.core.trusting import Stranger
from messenger.presentation import wording
from messenger.presentation.i18n import N_, _, ngettext


class Act(Enum):
    """A button of the program's own."""

    TRUST = auto()
    DISTRUST = auto()
    LEAVE = auto()
    """Come back no more."""
    CLOSE = auto()
    """Forget what was said."""


class Tone(Enum):
    """How loud something is said."""

    CALM = "calm"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a banner says, and the buttons that help."""

    tone: Tone
    what: str
    todo: str = ""
    code: str = ""
    """What is to be compared letter by letter."""
    buttons: tuple[Remedy | Act, ...] = ()


def tone_of(conversation: Conversation) -> Tone | None:
    """Tell how well one is in; None if all is well."""
    match conversation.presence:
        case Presence.HERE:
            return None
        case Presence.OVER:
            left = conversation.ended is not None and conversation.ended.reason is EndReason.LEFT
            return Tone.CALM if left else Tone.DANGER
        case Presence.LOOKING | Presence.ENTERING:
            return Tone.CALM
        case _:
            return Tone.WARNING


def state_of(conversation: Conversation, retry_seconds: float) -> str:
    """Say in a few words how one is in."""
    match conversation.presence:
        case Presence.HERE:
            return _("Connected")
        case Presence.LOOKING | Presence.ENTERING:
            return _("Connecting...")
        case Presence.ASKING:
            return _("Is this relay trusted?")
        case Presence.WAITING:
            return _in_seconds(retry_seconds)
        case Presence.RETURNING:
            return _("Coming back...")
        case Presence.OVER:
            return _("Not connected")


def notice_of(conversation: Conversation, retry_seconds: float) -> Notice | None:
    """Say what a person should know or do now; None if all is well."""
    match conversation.presence:
        case Presence.HERE:
            return None
        case Presence.LOOKING:
            return Notice(Tone.CALM, _("Looking at the relay's certificate..."), buttons=(Act.LEAVE,))
        case Presence.ENTERING:
            return Notice(Tone.CALM, _("Connecting..."), buttons=(Act.LEAVE,))
        case Presence.WAITING:
            return Notice(Tone.WARNING, _("The connection is lost."), _in_seconds(retry_seconds), buttons=(Act.LEAVE,))
        case Presence.RETURNING:
            return Notice(Tone.WARNING, _("The connection is lost."), _("Coming back..."), buttons=(Act.LEAVE,))
        case Presence.ASKING:
            return _question(conversation.question) if conversation.question else None
        case Presence.OVER:
            return _end(conversation.ended) if conversation.ended else None


def _question(stranger: Stranger) -> Notice:
    buttons = (Act.TRUST, Act.DISTRUST)
    return Notice(Tone.WARNING, sentences.stranger(stranger), code=stranger.fingerprint, buttons=buttons)


def _end(ended: Ended) -> Notice:
    words = wording.ending(ended)
    tone = Tone.CALM if ended.reason is EndReason.LEFT else Tone.DANGER
    return Notice(tone, words.what, words.todo, buttons=(*remedies(ended), Act.CLOSE))


def _in_seconds(seconds: float) -> str:
    if seconds == inf:
        return _("Coming back...")
    count = max(1, ceil(seconds))
    return ngettext("Trying again in {count} second.", "Trying again in {count} seconds.", count).format(count=count)


_LABELS: Final = {
    Remedy.AGAIN: N_("&Try again"),
    Remedy.CREATE: N_("Cre&ate the room"),
    Remedy.JOIN: N_("J&oin the room"),
    Remedy.PASSWORD: N_("Enter the &password..."),
    Remedy.NAME: N_("Choose another &name..."),
    Act.TRUST: N_("&Trust this relay"),
    Act.DISTRUST: N_("&Don't trust it"),
    Act.LEAVE: N_("&Leave"),
    Act.CLOSE: N_("&Close the room"),
}


def label_of(button: Remedy | Act) -> str:
    """Name a button."""
    return _(_LABELS[button])
