"""What to ask the relay for, the first time and again: to create the room or to join it, and with which password."""

from dataclasses import replace
from typing import Final

from chatbrain.attempt import JoinAttempt
from chatproto import Command, Feature, Operation, Request, Status, parse_command
from chatproto.commands import REMOVE

_PASSING: Final = {
    Status.ROOM_EXISTS,
    Status.NO_SUCH_ROOM,
    Status.NAME_TAKEN,
    Status.ROOM_FULL,
    Status.TOO_MANY,
    Status.BUSY,
    Status.SHUTTING_DOWN,
}
"""Refusals that may be over at the next attempt: a relay restarts, an old self's place becomes free."""


class Claim:
    """One's wish for a place in a room, and what one's part there was."""

    def __init__(
        self, operation: Operation, room: str, name: str, password: str | None, *, receipts: bool = False
    ) -> None:
        self.room = room
        self.name = name
        self.was_host = False
        """Whether one was the room's host at last; without a host it is to be created anew."""
        self._operation = operation
        features = frozenset({Feature.NOTICES, Feature.RECEIPTS} if receipts else {Feature.NOTICES})
        self._request = Request(name, password, json_reply=True, plain=False, features=features)
        self._chosen_password = password
        self._locked_out = False

    def attempt(self, now: float) -> JoinAttempt:
        """Begin to ask."""
        return JoinAttempt(self._operation, self.room, self._request, now)

    def grant(self) -> bool:
        """Take note that the relay said yes: from now on there is a room to be joined; returns whether it is new."""
        created, self._operation = self._operation is Operation.CREATE, Operation.JOIN
        self._locked_out = False
        return created

    def may_pass(self, status: Status) -> bool:
        """Tell whether a refusal may be over at the next attempt."""
        if status is not Status.WRONG_PASSWORD:
            return status in _PASSING
        # A relay that hides its rooms says this of one that is gone (PWD-05): a host tries to create it anew, once.
        first, self._locked_out = not self._locked_out, True
        return first and self.was_host

    def refuse(self, status: Status) -> bool:
        """Take note of a refusal that says whether there is such a room; returns whether to create it at once."""
        joined = self._operation is Operation.JOIN
        if status in {Status.NO_SUCH_ROOM, Status.WRONG_PASSWORD}:
            self.lose_room()
        elif status is Status.ROOM_EXISTS:
            self._operation = Operation.JOIN
        return joined and self._operation is Operation.CREATE

    def lose_room(self) -> None:
        """Take note that the room is gone if one was its host."""
        if self.was_host:
            self._operation = Operation.CREATE

    def note_command(self, text: str) -> None:
        """Note the password in a command, which the relay may take."""
        asked = parse_command(text)
        if asked and asked[0] is Command.PASSWORD and asked[1].strip() not in {"", REMOVE}:
            self._chosen_password = asked[1]

    def change_password(self, *, removed: bool) -> None:
        """Take note that the relay took it: needed when the relay starts anew, and with it the room."""
        self._request = replace(self._request, password=None if removed else self._chosen_password)
