"""How events read to a person; everything here is harmless to a terminal."""

from chatclient import (
    Advice,
    Disconnected,
    Ended,
    Event,
    HostChanged,
    Joined,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    Message,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    Topic,
)
from chatproto import sanitize


def describe(event: Event) -> str | None:
    """Say in a line what happened; None for what a person needn't know, or is told elsewhere."""
    match event:
        case Message(sender, text):
            line = text if sender is None else f"{sender}: {text}"
        case Joined() | Rejoined() | Recovered() | Reconnecting():
            line = _describe_membership(event)
        case MemberEvicted(name, reason):
            line = f"{name} was disconnected ({reason.replace('_', ' ')})"
        case MemberJoined() | MemberLeft() | HostChanged() | Topic() | Advice():
            line = str(event)
        case Disconnected() | Rebound() | Ended():
            # What follows from an eviction says it, a new port is the client's business, and an end
            # is the program's.
            return None
    return sanitize(line)


def _describe_membership(event: Joined | Rejoined | Recovered | Reconnecting) -> str:
    match event:
        case Joined(None, name):
            return f"You are in the lobby as {name}."
        case Joined(room, name, host=True):
            return f"You created {room} and are its host, as {name}: it closes when you leave."
        case Joined(room, name):
            return f"You are in {room} as {name}."
        case Rejoined(host=False, was_host=True):
            return "You are back, but somebody else is the host now."
        case Rejoined():
            return "You are back; you may have missed something."
        case Recovered():
            return "The relay answers again."
        case Reconnecting(cause, delay_seconds, attempt):
            return f"{cause.text} Trying again in {max(1, round(delay_seconds))} s (attempt {attempt})."
