"""What a conversation tells: how far in one is, and the facts that are to be put into words."""

from enum import Enum, auto
from typing import TypeAlias

from chatbrain import Event
from chatproto import BadPasswordError, check_password
from chatproto.commands import REMOVE
from messenger.core.commands import Unknown
from messenger.core.ignoring import IgnoredNames, Ignoring
from messenger.core.trusting import Changed


class Presence(Enum):
    """How far in one is."""

    LOOKING = auto()
    """Looking at the relay's certificate."""
    ASKING = auto()
    """A person has to say whether the relay is trusted."""
    ENTERING = auto()
    HERE = auto()
    UNHEARD = auto()
    """Nothing is heard, see `Contact`; the relay is being asked whether it is there."""
    WAITING = auto()
    """Until the next attempt to come back, see `Contact`."""
    RETURNING = auto()
    OVER = auto()


class Unsent(Enum):
    """Why nothing was sent."""

    NO_COMMANDS = auto()
    """The relay obeys none."""
    NOT_HOST = auto()
    """Only a host sets passwords."""
    NOT_IN = auto()
    DASH_PASSWORD = auto()
    """What stands for having no password can't be one."""
    EMPTY_PASSWORD = auto()
    NOT_TRUSTED = auto()


Fact: TypeAlias = Event | Unknown | Unsent | Changed | Ignoring | IgnoredNames | Exception
"""What is to be put into words; the core has none."""


def new_password_flaw(password: str) -> Unsent | BadPasswordError | None:
    """Tell why a word can't be a room's new password; None if it can."""
    try:
        check_password(password)
    except BadPasswordError as error:
        return error
    return {"": Unsent.EMPTY_PASSWORD, REMOVE: Unsent.DASH_PASSWORD}.get(password.strip())
