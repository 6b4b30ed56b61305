"""What a person may choose when a conversation can't go on by itself."""

from enum import Enum, auto

from messenger.core.conversation import Conversation, Presence
from messenger.core.remedy import Remedy, remedies


class Choice(Enum):
    """A button."""

    AGAIN = auto()
    CREATE = auto()
    JOIN = auto()
    PASSWORD = auto()
    NAME = auto()
    TRUST = auto()
    DISTRUST = auto()
    CLOSE = auto()


_OF_REMEDIES = {
    Remedy.AGAIN: Choice.AGAIN,
    Remedy.CREATE: Choice.CREATE,
    Remedy.JOIN: Choice.JOIN,
    Remedy.PASSWORD: Choice.PASSWORD,
    Remedy.NAME: Choice.NAME,
}


def choices_of(conversation: Conversation) -> tuple[Choice, ...]:
    """Return what may be chosen, what is harmless or helps best first; none while there is nothing to choose."""
    if conversation.presence is Presence.ASKING:
        return (Choice.DISTRUST, Choice.TRUST)
    if not conversation.ended:
        return ()
    helpful = [_OF_REMEDIES[remedy] for remedy in remedies(conversation.ended)]
    if conversation.entry.room is None:
        helpful = [choice for choice in helpful if choice is not Choice.CREATE]
    return (*helpful, Choice.CLOSE)
