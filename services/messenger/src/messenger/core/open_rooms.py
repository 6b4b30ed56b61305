"""The rooms that the relay of a form tells of, so that a person can choose one (LIST-01)."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from chatbrain import (
    Cancellable,
    Look,
    RoomsAnswer,
    ServerAddress,
    Tls,
    UnreachableError,
    UntrustedError,
    parse_server,
)
from chatproto import ListedRoom, RefusedError, Status
from chatproto.constants import DEFAULT_TCP_PORT
from messenger.core.trusting import KnownServersError, TrustStore, judge

ASK_SECONDS: Final = 10.0
"""How often front ends ask while the form is in sight."""
SETTLE_SECONDS: Final = 0.7
"""How long front ends wait after a change of the form: half of an address is another relay's."""


class ListLinks(Protocol):
    """What is wanted of whoever owns sockets."""

    def look_at(self, server: ServerAddress, on_look: Callable[[Look], None]) -> Cancellable:
        """Look at a relay's certificate without sending it anything; the answer never comes before this returns."""
        ...

    def list_rooms(
        self, server: ServerAddress, tls: Tls | None, on_answer: Callable[[RoomsAnswer], None]
    ) -> Cancellable:
        """Ask a relay which rooms there are; the answer never comes before this returns."""
        ...


class _Place(NamedTuple):
    server: ServerAddress
    tls: bool


class OpenRooms:
    """Asks while somebody looks; what goes wrong is no more than an empty list."""

    def __init__(self, links: ListLinks, trust: TrustStore) -> None:
        self.rooms: tuple[ListedRoom, ...] = ()
        """What to choose from, the busiest first."""
        self.on_change: Callable[[], None] = lambda: None
        """Hears that `rooms` are others."""
        self._links = links
        self._trust = trust
        self._place: _Place | None = None
        self._tls: Tls | None = None
        """By what the relay was trusted, once it was."""
        self._settled = False
        """Whether the relay would say the same again: it lists no rooms, or isn't trusted."""
        self._pending: Cancellable | None = None

    def ask(self, server: str, *, tls: bool) -> None:
        """Ask the relay that stands in the form, if it is an address; call it again and again."""
        place = _read(server, tls=tls)
        if place != self._place:
            self.stop()
            self._place = place
        if place is None or self._settled or self._pending:
            return
        if tls and self._tls is None:
            self._pending = self._links.look_at(place.server, self._looked)
        else:
            self._query(place)

    def stop(self) -> None:
        """Ask no more, and forget what was said."""
        if self._pending:
            self._pending.cancel()
        self._pending = self._place = self._tls = None
        self._settled = False
        self._show(())

    def _looked(self, look: Look) -> None:
        """Go on when the relay has shown its certificate: as for a join, but nobody is asked about a stranger."""
        self._pending = None
        place = self._place
        if place is None or isinstance(look, UnreachableError):
            self._show(())
            return
        try:
            trusted = judge(str(place.server), look, self._trust) is None
        except KnownServersError:  # who joins is told
            trusted = False
        if trusted:
            self._tls = look.tls
            self._query(place)
        else:
            self._settled = True
            self._show(())

    def _query(self, place: _Place) -> None:
        self._pending = self._links.list_rooms(place.server, self._tls, self._answered)

    def _answered(self, answer: RoomsAnswer) -> None:
        self._pending = None
        if isinstance(answer, UntrustedError):
            self._tls = None
        self._settled = isinstance(answer, RefusedError) and answer.status is Status.NOT_SUPPORTED
        self._show(answer if isinstance(answer, tuple) else ())

    def _show(self, rooms: tuple[ListedRoom, ...]) -> None:
        if rooms != self.rooms:
            self.rooms = rooms
            self.on_change()


def _read(server: str, *, tls: bool) -> _Place | None:
    try:
        return _Place(parse_server(server.strip(), DEFAULT_TCP_PORT), tls)
    except ValueError:
        return None
