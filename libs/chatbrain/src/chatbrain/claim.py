"""What to ask the relay for, the first time and again: to create the room or to join it, and with which password."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from chatbrain.carriage import Carriage
from chatbrain.join_request import TRANSACTION_SECONDS, JoinRequest
from chatproto import (
    Command,
    Feature,
    HostChanged,
    Operation,
    PasswordState,
    PersonalNotice,
    Request,
    RoomNotice,
    Status,
    Topic,
    parse_command,
)
from chatproto.commands import REMOVE

_PASSING: Final = {
    Status.ROOM_EXISTS,
    Status.NO_SUCH_ROOM,
    Status.NAME_TAKEN,
    Status.ROOM_FULL,
    Status.TOO_MANY,
    Status.BUSY,
    Status.SHUTTING_DOWN,
    Status.NO_SEAT,
}
"""Refusals that may be over at the next attempt: a relay restarts, an old self's place becomes free."""


class Claim:
    """One's wish for a place in a room, and what one's part there was."""

    def __init__(
        self,
        operation: Operation,
        room: str,
        name: str,
        password: str | None,
        *,
        receipts: bool = False,
        new_nonce: Callable[[], str] | None = None,
        carriage: Carriage | None = None,
        sealed: bool = False,
    ) -> None:
        """With ``new_nonce`` (see `RoomBrain`) go where the room is, and with receipts ask for a ticket, too.

        ``carriage`` may want a stream. A ``sealed`` room is created so.
        """
        self.room = room
        self.name = name
        self.was_host = False
        """Whether one was the room's host at last; without a host it is to be created anew."""
        self.topic = ""
        self._operation = operation
        self._carriage = carriage or Carriage()
        self._new_nonce = new_nonce if receipts else None
        features = {Feature.NOTICES, *((Feature.RECEIPTS,) if receipts else ())}
        if new_nonce:
            features.add(Feature.FOLLOW)
        if self._new_nonce:
            features.add(Feature.RESUME)
        if sealed:
            features.add(Feature.SEALED)
        self._request = Request(
            name, password, json_reply=True, plain=False, features=frozenset(features), sealed=sealed
        )
        self.ticket = ""
        """By what one's seat is taken again (RES-01); empty if it can't."""
        self._nonce = ""
        self._chosen_password = password
        self._locked_out = False

    @property
    def follows(self) -> bool:
        """Whether one goes where a room is, and said so (CLU-01)."""
        return Feature.FOLLOW in self._request.features

    def attempt(self, now: float, *, seated: bool = False, seconds: float = TRANSACTION_SECONDS) -> JoinRequest:
        """Begin to ask, for so many seconds; for one's own seat if one has a ticket and is ``seated`` still.

        Until there is an answer all that ask for the same are one attempt (RES-02).
        """
        if self._new_nonce and not self._nonce:
            self._nonce = self._new_nonce()
        if seated and self.ticket:
            request = replace(self._request, password=None, ticket=self.ticket, attempt=self._nonce)
            return JoinRequest(Operation.JOIN, self.room, self._carriage.ask(request, seated=True), now, seconds)
        request = replace(self._request, attempt=self._nonce)
        return JoinRequest(self._operation, self.room, self._carriage.ask(request, seated=False), now, seconds)

    def grant(self, ticket: str = "") -> bool:
        """Take note that the relay said yes: from now on there is a room to be joined; returns whether it is new."""
        self.ticket, self._nonce = ticket, ""
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
        """Take note of a refusal, which may say whether there is such a room; returns whether to create it at once."""
        joined = self._operation is Operation.JOIN
        self._nonce = ""
        if status is Status.NO_SEAT:
            self.ticket = ""
        elif status in {Status.NO_SUCH_ROOM, Status.WRONG_PASSWORD}:
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

    def note(self, notice: RoomNotice | PersonalNotice) -> None:
        """Note what is needed when the relay starts anew, and with it the room."""
        if isinstance(notice, Topic):
            self.topic = notice.text
        elif isinstance(notice, HostChanged):
            self.was_host = notice.name == self.name
        elif isinstance(notice, PasswordState) and notice.changed:
            self._request = replace(self._request, password=self._chosen_password if notice.set else None)
