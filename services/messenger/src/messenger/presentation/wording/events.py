"""What happens in a room, a line at a time."""

from typing import Final

from chatbrain import (
    Carried,
    Delivery,
    DeliveryState,
    Ended,
    Event,
    Joined,
    Message,
    Missed,
    Moved,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    Transport,
    Unheard,
    Unreadable,
)
from chatproto import (
    Disconnected,
    EvictionReason,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    RoomNotice,
    Topic,
    sanitize,
)
from messenger.presentation.i18n import N_, _, ngettext
from messenger.presentation.wording.ends import interruption
from messenger.presentation.wording.notices import told
from messenger.presentation.wording.undelivered import undelivered

_REASONS: Final = {
    EvictionReason.SILENCE: N_("silence"),
    EvictionReason.UNREACHABLE: N_("unreachable"),
    EvictionReason.ABUSE: N_("abuse"),
    EvictionReason.NEVER_CONNECTED: N_("never connected"),
    EvictionReason.EXPIRED: N_("expired"),
    EvictionReason.KICKED: N_("kicked"),
    EvictionReason.HOST_LEFT: N_("host left"),
    EvictionReason.SHUTDOWN: N_("shutdown"),
    EvictionReason.RESUMED_ELSEWHERE: N_("resumed elsewhere"),
    EvictionReason.MOVED: N_("moved"),
}
"""In a word, to stand in brackets."""


def describe(event: Event) -> str | None:
    """Say in a line what happened; None for what a person needn't know, or is told elsewhere."""
    match event:
        case Message(sender, text):
            line = text if sender is None else f"{sender}: {text}"
        case Joined() | Rejoined() | Recovered():
            line = _of_membership(event)
        case Reconnecting():
            line = reconnecting(event)
        case MemberJoined() | MemberLeft() | MemberEvicted() | HostChanged() | Topic() | Unreadable():
            line = _of_the_room(event)
        case Delivery(state=DeliveryState.NOT_DELIVERED):
            line = undelivered(event)
        case Disconnected() | Rebound() | Ended() | Delivery() | Carried(Transport.UDP, tls=False):
            # What follows from an eviction says it, a new port is the client's business, an end is the program's, and
            # a chat over UDP is what everybody expects.
            return None
        case Unheard() | Carried() | Missed() | Moved():
            line = _of_the_way(event)
        case _:
            line = told(event)
    return sanitize(line)


def reconnecting(event: Reconnecting) -> str:
    """Say in a line why one isn't in, and when one comes back."""
    later, now = (
        _("{what} Trying again in {seconds} s (attempt {attempt})."),
        _("{what} Trying again now (attempt {attempt})."),
    )
    return (later if event.delay_seconds else now).format(
        what=interruption(event.cause).line, seconds=max(1, round(event.delay_seconds)), attempt=event.attempt
    )


def _of_the_way(event: Unheard | Carried | Missed | Moved) -> str:
    match event:
        case Unheard():
            return _("Nothing is heard from the relay.")
        case Moved():
            return _("Moved to another server.")
        case Missed(int(first), int(last)):
            many = ngettext("{count} message was lost here.", "{count} messages were lost here.", last - first + 1)
            return many.format(count=last - first + 1)
        case Missed():
            return _("Messages were lost here.")
        case Carried():
            return _carriage(event)


def _carriage(event: Carried) -> str:
    """Say by what the chat travels."""
    if event.encrypted:
        return _("The chat is encrypted on its way to the relay.")
    if event.fell_back:
        what = _("Nothing is heard over UDP: from now on the chat goes over TCP. It is not encrypted.")
    elif event.by is Transport.UDP:
        what = _("The relay carries the chat over UDP: it is not encrypted, only joining was.")
    else:
        what = _("The chat goes over TCP. It is not encrypted.")
    if not event.sealed:
        return what
    sealed = _("Messages are sealed all the same: only members with the key can read them.")
    return _("{what} {todo}").format(what=what, todo=sealed)


def _unreadable(event: Unreadable) -> str:
    """Say why something in a sealed room isn't shown."""
    who = _("A message from {name}").format(name=event.sender) if event.sender else _("The topic")
    if not event.sealed:
        return _("{what} isn't sealed, so it is not shown.").format(what=who)
    if event.key_fits:
        return _("{what} can't be opened: it was sealed with another key, or changed on the way.").format(what=who)
    return _(
        "{what} can't be opened: your key is probably not this room's. Nothing you write is sent until something can "
        "be opened; ask a member for the whole invitation."
    ).format(what=who)


def _of_the_room(event: RoomNotice | Unreadable) -> str:
    match event:
        case Unreadable():
            return _unreadable(event)
        case MemberJoined(name):
            return _("{name} joined").format(name=name)
        case MemberLeft(name):
            return _("{name} left").format(name=name)
        case MemberEvicted(name, reason):
            return _("{name} was disconnected ({reason})").format(name=name, reason=_(_REASONS[reason]))
        case HostChanged(name):
            return _("{name} is the host now").format(name=name)
        case Topic(""):
            return _("no topic")
        case Topic(text):
            return _("topic: {text}").format(text=text)


def _of_membership(event: Joined | Rejoined | Recovered) -> str:
    match event:
        case Joined(None, name, heard=heard):
            known, perhaps = (
                _("You are in the lobby as {name}."),
                _("You are in the lobby as {name}, if it is there: nothing has been heard yet."),
            )
            return (known if heard else perhaps).format(name=name)
        case Rejoined(heard=False):
            return _("You are back in the lobby, if it is there: nothing has been heard yet.")
        case Joined(room, name, host=True):
            return _("You created {room} and are its host, as {name}: it closes when you leave.").format(
                room=room, name=name
            )
        case Joined(room, name):
            return _("You are in {room} as {name}.").format(room=room, name=name)
        case Rejoined(host=False, was_host=True):
            return _("You are back, but another member is the host now.")
        case Rejoined():
            return _("You are back; you may have missed something.")
        case Recovered():
            return _("The relay answers again.")
