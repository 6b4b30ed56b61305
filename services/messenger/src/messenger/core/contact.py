"""Whether a relay is heard, and when the way back to it is tried next."""

from math import inf
from typing import TYPE_CHECKING

from chatbrain import Carried, Ended, Rebound, Reconnecting, Recovered, Unheard
from chatproto import Status

if TYPE_CHECKING:
    from datetime import datetime


class Contact:
    """What is known of the way to the relay of one conversation."""

    def __init__(self, *, answers: bool) -> None:
        """``answers`` tells a room's relay, which answers when it is asked, from the lobby's, which doesn't."""
        self._answers = answers
        self.retry_at = inf
        """When the next attempt to come back is made, in the links' time."""
        self.away: Ended | None = None
        """Why one isn't in just now, while the way back is looked for."""
        self.heard = True
        """Whether anything of late spoke for one being in: the lobby answers nothing until somebody speaks."""
        self.heard_at: datetime | None = None
        """When somebody spoke last; None if nobody has."""
        self.unheard_since: datetime | None = None
        """From when on nothing was heard of the relay; None if there is no doubt of it."""
        self.encrypted = False
        """Whether nobody on the way to the relay can read what is said."""
        self.web = ""
        """The address of the relay's page (WEB-05); empty if it isn't told."""

    def hear(self, at: "datetime") -> None:
        """Take note that somebody spoke."""
        self.heard, self.heard_at = True, at

    def take(self, event: Carried | Unheard | Recovered | Rebound, at: "datetime") -> None:
        """Take note of what happened to it."""
        if isinstance(event, Carried):
            self.encrypted = event.encrypted
        elif isinstance(event, Unheard):
            self.unheard_since = at
        elif isinstance(event, Rebound):  # after a long silence
            self.heard = self._answers
        else:
            self.restore()

    def lose(self, event: Reconnecting, now: float) -> bool:
        """Take note that one isn't in; returns whether why is news: at first, and if the relay was restarted."""
        anew = event.cause.status is Status.NO_SUCH_ROOM
        known = self.away is not None and (not anew or self.away.status is Status.NO_SUCH_ROOM)
        self.away, self.retry_at = event.cause, now + event.delay_seconds
        return not known

    def restore(self) -> None:
        """Take note that one is in, or that nobody looks for a way back."""
        self.away = self.unheard_since = None
        self.retry_at = inf
