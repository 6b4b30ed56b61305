"""Requests for rooms of a cluster: sent on to the node that holds the room, or held up until the directory is asked."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeAlias

from chatproto import ElsewhereError, Feature, Operation, ProtocolError, RefusalCode
from relay_server.answers import Answer, Carried, Consulting
from relay_server.asked import Asked
from relay_server.core.counters import Way
from relay_server.core.errors import BusyError
from relay_server.core.name_rules import judge_user_name
from relay_server.core.places import NewRoom, Node, Places, Told
from relay_server.core.registry import Registry

GoOn: TypeAlias = Callable[[float], Answer]


class Finish(Protocol):
    """Goes on with a request, and makes an error its refusal."""

    def __call__(self, asked: Asked, go_on: Callable[[], Answer], now: float) -> Answer:
        """Return what it is answered with."""
        ...


class Placing:
    """Finds out where requests belong."""

    def __init__(self, places: Places, registry: Registry, *, hides: bool, finish: Finish) -> None:
        """With ``hides`` nobody is told where a room is (PWD-05)."""
        self._places = places
        self._registry = registry
        self._hides = hides
        self._finish = finish

    def place(self, asked: Asked, go_on: GoOn, *, consulted: bool) -> Carried | Consulting | None:
        """Find out which node holds a room that isn't here; None if nobody else does (CLU-01).

        ``go_on`` is called when the directory has told more, after which there is nothing left to be asked
        (``consulted``).

        Raises:
            ProtocolError: it can't be served here.

        """
        places, ticket = self._places, asked.request.ticket
        if asked.operation is Operation.CREATE:
            places.check_new(asked.room)
            return None
        if ticket and places.read_ticket(ticket) is None:
            return None  # it is good for nothing anywhere
        node = places.find(asked.room, doubted=bool(ticket) and not consulted)
        if node is not None:
            return self._send_to(node, asked)
        if consulted:
            return None
        return self._consult(asked, partial(places.look, asked.room), go_on)

    def claim(self, asked: Asked, password_hash: str | None, make: GoOn) -> Consulting:
        """Have a new room's name in all of the cluster before ``make`` makes it.

        Raises:
            ProtocolError: it can't be made, whoever has the name.

        """
        request, ip = asked.request, asked.peer.ip
        self._registry.check_new_room(asked.room, ip)
        judge_user_name(request.username, asked.keys)  # all that can refuse goes before
        release = partial(self._places.release, asked.room)

        def make_or_release(now: float) -> Answer:
            try:
                return make(now)
            except ProtocolError:
                release()
                raise

        new = NewRoom(asked.room, request.username, ip, request.sealed, password_hash)
        return self._consult(asked, partial(self._places.claim, new), make_or_release, release)

    def _send_to(self, node: Node, asked: Asked) -> Carried:
        """Let who asks join at the room's home, or be carried there."""
        peer = asked.peer
        if peer.via is not None:  # links lead to homes alone, and never in circles
            raise BusyError(RefusalCode.MOVING)
        may_follow = Feature.FOLLOW in asked.request.features and not self._hides
        if may_follow and (node.server.fingerprint or not peer.encrypted):
            self._places.counters.joins_elsewhere[Way.FOLLOW] += 1
            raise ElsewhereError(node.server)
        self._registry.admission.check_open()  # who is carried would end with this node
        may_wait = asked.request.password is not None and not asked.request.ticket
        return Carried(node, asked.request.stream, may_wait)

    def _consult(
        self, asked: Asked, ask: Callable[[Told], None], go_on: GoOn, undo: Callable[[], None] = lambda: None
    ) -> Consulting:
        """Ask the directory before a request is gone on with; ``undo`` is for a client that is gone by then."""

        def finish(error: ProtocolError | None, now: float) -> Answer:
            def proceed() -> Answer:
                if error is not None:
                    raise error
                return go_on(now)

            return self._finish(asked, proceed, now)

        return Consulting(ask, finish, undo)
