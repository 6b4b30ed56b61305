"""When the program itself asks who is in a room, for the list of members."""

from math import inf
from typing import Final

from chatbrain import Brain
from chatproto import Command

LIST_SECONDS: Final = 5.0
"""How long after the program asked for the list of members an answer is taken for its own and not shown."""

AGAIN_SECONDS: Final = 10.0
"""After a room came to another server its members come back in so long: then the program asks once more (CLU-06)."""


class Listing:
    """The program's own questions, and the answers to them."""

    def __init__(self) -> None:
        self._own_until = -inf
        self._again_at = inf

    def ask(self, brain: Brain | None, now: float) -> None:
        """Ask who is here."""
        if brain and brain.obeys and brain.command(f"/{Command.WHO}", now):
            self._own_until = now + LIST_SECONDS

    def renew(self, brain: Brain | None, now: float, *, twice: bool) -> None:
        """Ask who is here unless that was just asked; ``twice``: once more when all had time to come."""
        if twice:
            self._again_at = now + AGAIN_SECONDS
        if not self.is_own(now):
            self.ask(brain, now)

    def go_on(self, brain: Brain | None, now: float) -> None:
        """Ask once more if it is time for that; call it when anything happens."""
        if now >= self._again_at:
            self._again_at = inf
            self.ask(brain, now)

    def is_own(self, now: float) -> bool:
        """Tell whether a list that comes now is the answer to the program's question."""
        return now < self._own_until

    def disown(self) -> None:
        """Take the next list for the answer to a person's question."""
        self._own_until = -inf
