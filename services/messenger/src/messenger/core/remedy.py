"""What a person can do about a membership that is over."""

from enum import Enum, auto

from chatbrain import Ended, EndReason
from chatproto import Status


class Remedy(Enum):
    """A button that helps."""

    AGAIN = auto()
    """Try the same again."""
    CREATE = auto()
    """Create the room."""
    JOIN = auto()
    """Join the room, for it exists."""
    PASSWORD = auto()
    """Say the password, or another one."""
    NAME = auto()
    """Choose another name."""


_BY_STATUS = {
    Status.ROOM_EXISTS: (Remedy.JOIN, Remedy.AGAIN),
    Status.NO_SUCH_ROOM: (Remedy.CREATE, Remedy.AGAIN),
    Status.WRONG_PASSWORD: (Remedy.PASSWORD,),
    Status.NAME_TAKEN: (Remedy.NAME, Remedy.AGAIN),
    Status.BAD_NAME: (Remedy.NAME,),
}


def remedies(ended: Ended) -> tuple[Remedy, ...]:
    """Return what helps, the best first; none where only somebody else can help."""
    if ended.banned:
        return ()
    if ended.status is not None:
        return _BY_STATUS.get(ended.status, (Remedy.AGAIN,))
    if ended.reason is EndReason.UNTRUSTED:
        return ()
    if ended.reason is EndReason.ROOM_CLOSED:
        return (Remedy.CREATE, Remedy.AGAIN)
    return (Remedy.AGAIN,)
