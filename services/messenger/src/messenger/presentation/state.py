"""How one is in, in words, and what helps: for titles, lists, banners and panels; no toolkit in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from math import ceil, inf
from typing import Final

from chatbrain import DeliveryState, Ended, EndReason
from chatproto import ListedRoom
from messenger.core.conversation import Conversation
from messenger.core.facts import Presence
from messenger.core.history import Line
from messenger.core.messenger import Messenger
from messenger.core.remedy import Remedy, remedies
from messenger.core.roster import Person
from messenger.core.searching import Search
from messenger.core.trusting import Stranger
from messenger.presentation import wording
from messenger.presentation.i18n import N_, _, ngettext

_MNEMONIC: Final = re.compile(r"\(&\w\)|&|\.\.\.$")
"""What says which key leads there, in Japanese behind and in brackets; and that something is asked first."""


class Act(Enum):
    """A button of the program's own."""

    TRUST = auto()
    DISTRUST = auto()
    NOW = auto()
    """Make the next attempt to come back at once."""
    SEND_AGAIN = auto()
    GIVE_UP = auto()
    """Don't send again what wasn't delivered."""
    LEAVE = auto()
    """Come back no more."""
    REMOVE = auto()
    """Remove the room from the list, and with it what was said."""


class Tone(Enum):
    """How loud something is said."""

    CALM = "calm"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person should know now, and the buttons that help."""

    tone: Tone
    what: str
    todo: str = ""
    code: str = ""
    """What is to be compared letter by letter."""
    buttons: tuple[Remedy | Act, ...] = ()


def title_of(conversation: Conversation) -> str:
    """Name the room, or the lobby."""
    return conversation.title or _("Lobby")


_SIGNS: Final = {DeliveryState.SENDING: "…", DeliveryState.TAKEN: "✓", DeliveryState.NOT_DELIVERED: "!"}
_STATES: Final = {
    DeliveryState.SENDING: N_("Being sent"),
    DeliveryState.TAKEN: N_("Taken by the relay"),
    DeliveryState.NOT_DELIVERED: N_("Not delivered"),
}


def sign(state: DeliveryState | None) -> str:
    """Mark one's own message by how it fares; empty where nobody knows, as at a relay that answers none."""
    return _SIGNS.get(state, "") if state else ""


def delivery_of(state: DeliveryState | None) -> str:
    """Say how one's own message fares; empty where nobody knows."""
    return _(_STATES[state]) if state in _STATES else ""


def said_of(line: Line) -> str:
    """Return a line for a file, which says of one's own message if it wasn't delivered."""
    return _("Not delivered: {text}").format(text=line.said) if line.state is DeliveryState.NOT_DELIVERED else line.said


def is_encrypted(conversation: Conversation) -> bool:
    """Tell whether nobody on the way to the relay can read what is said now."""
    return conversation.presence is Presence.HERE and conversation.contact.encrypted


def seal_of(conversation: Conversation) -> str:
    """Say that the room is sealed, and what people compare of its key; empty if it isn't."""
    key = conversation.entry.key
    return _("Sealed, key {fingerprint}").format(fingerprint=key.fingerprint) if key else ""


def members_of(conversation: Conversation) -> str:
    """Say how many members there are."""
    count = len(conversation.roster)
    return ngettext("{count} member", "{count} members", count).format(count=count)


def about_room(room: ListedRoom) -> str:
    """Say what people choose a room by, beside its name; all of it is harmless to show."""
    members = ngettext("{count} member", "{count} members", room.members).format(count=room.members)
    return " · ".join(filter(None, (members, *access_to(room), room.topic)))


def access_to(room: ListedRoom) -> list[str]:
    """Say what it takes to join a room, and to read what is said."""
    marks = {_("with password"): room.password, _("sealed"): room.sealed}
    return [mark for mark, is_so in marks.items() if is_so]


def marks_of(person: Person) -> list[str]:
    """Say what is special about a member."""
    marks = {_("host"): person.host, _("muted"): person.muted, _("away"): person.away, _("ignored"): person.ignored}
    return [mark for mark, is_so in marks.items() if is_so]


def tone_of(conversation: Conversation) -> Tone | None:
    """Tell how well one is in; None if all is well."""
    match conversation.presence:
        case Presence.HERE:
            return None if conversation.contact.heard else Tone.CALM
        case Presence.OVER:
            left = conversation.ended is not None and conversation.ended.reason is EndReason.LEFT
            return Tone.CALM if left else Tone.DANGER
        case Presence.LOOKING | Presence.ENTERING:
            return Tone.CALM
        case _:
            return Tone.WARNING


def found_in(search: Search) -> str:
    """Say which of how many messages was found; nothing while nothing is looked for."""
    if not search.words:
        return ""
    return _("{place} of {count}").format(place=search.place, count=search.count) if search.count else _("not found")


def state_of(conversation: Conversation, retry_seconds: float) -> str:
    """Say in a few words how one is in."""
    match conversation.presence:
        case Presence.HERE:
            return _here(conversation)
        case Presence.LOOKING:
            return _("Checking the certificate...")
        case Presence.ENTERING:
            return _("Connecting...")
        case Presence.ASKING:
            return _("Trust this relay?")
        case Presence.UNHEARD:
            return _unheard(conversation)
        case Presence.WAITING | Presence.RETURNING:
            return _reconnecting(retry_seconds)
        case Presence.OVER:
            return _("Not connected")


def _here(conversation: Conversation) -> str:
    if is_encrypted(conversation):
        return _("Connected, encrypted")
    contact = conversation.contact
    if contact.heard:
        return _("Connected")
    if contact.heard_at is None:
        return _("Nothing heard yet")
    return _("Nothing heard since {time}").format(time=f"{contact.heard_at:%H:%M}")


def notice_of(conversation: Conversation, retry_seconds: float) -> Notice | None:
    """Say what a person should know or do now; None if all is well."""
    match conversation.presence:
        case Presence.HERE:
            return _undelivered(conversation)
        case Presence.UNHEARD:
            return Notice(Tone.WARNING, _unheard(conversation), _kept(conversation))
        case Presence.LOOKING | Presence.ENTERING:
            return Notice(Tone.CALM, state_of(conversation, retry_seconds), buttons=(Act.LEAVE,))
        case Presence.WAITING | Presence.RETURNING:
            return (
                _absence(conversation, conversation.contact.away, retry_seconds) if conversation.contact.away else None
            )
        case Presence.ASKING:
            return _question(conversation.question) if conversation.question else None
        case Presence.OVER:
            return _end(conversation.ended, conversation.entry.room) if conversation.ended else None


def _undelivered(conversation: Conversation) -> Notice | None:
    failed = conversation.posted.failed
    if not failed:
        return None
    many = ngettext("{count} message was not delivered ({why}).", "{count} messages were not delivered ({why}).",
                    len(failed))  # fmt: skip
    reasons = dict.fromkeys(map(wording.reason, failed.values()))
    what = many.format(count=len(failed), why=", ".join(reasons))
    return Notice(Tone.WARNING, what, buttons=(Act.SEND_AGAIN, Act.GIVE_UP))


def _unheard(conversation: Conversation) -> str:
    return _("Not heard since {time}").format(time=f"{conversation.contact.unheard_since:%H:%M:%S}")


def _kept(conversation: Conversation) -> str:
    """Say what becomes of what is written meanwhile."""
    return _("What you write is sent once the relay is heard again.") if conversation.title else ""


def _absence(conversation: Conversation, cause: Ended, retry_seconds: float) -> Notice:
    what, helpful = wording.interruption(cause)
    todo = " ".join(filter(None, (helpful, _kept(conversation), _reconnecting(retry_seconds))))
    buttons = (Act.NOW, Act.LEAVE) if conversation.presence is Presence.WAITING else (Act.LEAVE,)
    return Notice(Tone.WARNING, what, todo, buttons=buttons)


def _question(stranger: Stranger) -> Notice:
    buttons = (Act.DISTRUST, Act.TRUST)  # what is harmless comes first
    return Notice(Tone.WARNING, wording.stranger(stranger), code=stranger.fingerprint, buttons=buttons)


def _end(ended: Ended, room: str | None) -> Notice:
    words = wording.ending(ended)
    tone = Tone.CALM if ended.reason is EndReason.LEFT else Tone.DANGER
    helpful = [remedy for remedy in remedies(ended) if room is not None or remedy is not Remedy.CREATE]
    return Notice(tone, words.what, words.todo, buttons=(*helpful, Act.REMOVE))


def _reconnecting(seconds: float) -> str:
    if seconds == inf:
        return _("Reconnecting...")
    return _("Reconnecting in {seconds} s").format(seconds=max(1, ceil(seconds)))


_DEEDS: Final[dict[Act, Callable[[Messenger, Conversation], None]]] = {
    Act.TRUST: Messenger.trust,
    Act.DISTRUST: Messenger.distrust,
    Act.NOW: Messenger.try_now,
    Act.SEND_AGAIN: Messenger.send_again,
    Act.GIVE_UP: Messenger.give_up,
    Act.LEAVE: Messenger.leave,
}


def do(button: Act, messenger: Messenger, conversation: Conversation) -> None:
    """Do what a button of the program's own says, apart from `Act.REMOVE`: what is shown then, a front end knows."""
    _DEEDS[button](messenger, conversation)


_LABELS: Final = {
    Remedy.AGAIN: N_("&Try again"),
    Remedy.CREATE: N_("Cre&ate the room"),
    Remedy.JOIN: N_("J&oin the room"),
    Remedy.PASSWORD: N_("Enter the &password..."),
    Remedy.NAME: N_("Choose another &name..."),
    Act.TRUST: N_("&Trust this relay"),
    Act.DISTRUST: N_("&Don't trust it"),
    Act.NOW: N_("Try &now"),
    Act.SEND_AGAIN: N_("&Send again"),
    Act.GIVE_UP: N_("&Don't send"),
    Act.LEAVE: N_("&Leave"),
    Act.REMOVE: N_("Remove from &list"),
}


def label_of(button: Remedy | Act) -> str:
    """Name a button, with the letter that presses it."""
    return _(_LABELS[button])


def plain(label: str) -> str:
    """Return a label without its letter, and without the dots of what asks first."""
    return _MNEMONIC.sub("", label)
