"""At which server to ask: follow where a room is, and go on to the next when one is away (CLU-01, CLU-02)."""

from collections import deque
from math import inf
from typing import Final, NamedTuple

from chatbrain.address import BadServerError, ServerAddress, parse_server
from chatbrain.findings import CIRCLES, NO_ANSWER, NO_CERTIFICATE, NO_SERVER, Finding
from chatbrain.join_request import TRANSACTION_SECONDS
from chatproto import Server
from chatproto.constants import DEFAULT_TCP_PORT

MAX_FOLLOWS: Final = 3
"""So often in a row one is sent on: two nodes may name each other (CLU-01)."""

MUTE_SECONDS: Final = 5.0
"""For so long others are preferred to a server that didn't answer; by then they know whether it is gone."""

MUTE_ANSWER_SECONDS: Final = 1.0
"""A server that didn't answer a moment ago gets this long: a process that hangs still accepts connections."""


class Stop(NamedTuple):
    """A server that a relay told of."""

    address: ServerAddress
    fingerprint: str
    """Of the certificate that it must show; empty where one joins without TLS."""


class Route:
    """The servers of one membership in the order in which they are asked; None stands for the configured one."""

    def __init__(self, configured: str, *, encrypted: bool = False) -> None:
        """Take the configured server, as people write it, and whether one joins by TLS: then others must, too."""
        self._configured = self._here = configured
        self._encrypted = encrypted
        self._turns: deque[Stop | None] = deque([None])
        self._aside: Stop | None = None  # where one was sent to
        self._follows = self._tried = 0
        self._mute: set[str] = set()
        self._in_vain: set[str] = set()  # mute ones that were asked all the same
        self._mute_until = -inf

    @property
    def stop(self) -> Stop | None:
        """Where the next request goes."""
        return self._aside or self._turns[0]

    @property
    def where(self) -> str:
        """The same, as people write it."""
        return self._text(self.stop)

    @property
    def has_others(self) -> bool:
        """Whether there are several servers where the seat may be taken again."""
        return len(self._turns) > 1

    def answer_seconds(self, now: float) -> float:
        """Return how long to wait for an answer."""
        return MUTE_ANSWER_SECONDS if self._is_mute(self.stop, now) else TRANSACTION_SECONDS

    def begin(self) -> None:
        """Begin an attempt."""
        self._follows = 0

    def follow(self, server: Server | None, now: float) -> Finding | None:
        """Ask where one is sent to; returns why not, if that can't be.

        A server that doesn't answer is asked so once: those who name it don't know yet that it is gone.
        """
        if server is None or (address := _address_of(server)) is None:
            return NO_SERVER
        if self._encrypted and not server.fingerprint:
            return NO_CERTIFICATE
        if self._follows == MAX_FOLLOWS:
            return CIRCLES
        stop = self._stop(address, server)
        if self._is_mute(stop, now) and self._text(stop) in self._in_vain:
            return NO_ANSWER
        self._follows += 1
        self._aside = stop
        return None

    def fail(self, now: float) -> bool:
        """Go on to the next server; returns whether to ask it at once, for not all were asked since the last pause."""
        if self._is_mute(self.stop, now):
            self._in_vain.add(self.where)
        self._turn(now)
        self._tried = (self._tried + 1) % len(self._choice(now))
        return self._tried > 0

    def leave_mute(self, now: float) -> None:
        """Prefer others to the server where one is, for it doesn't answer."""
        if self.has_others:
            self._mute |= {self._here, self.where}
            self._mute_until = now + MUTE_SECONDS
            self._tried = 0
            self._in_vain.clear()
            self._turn(now)

    def settle(self, servers: tuple[Server, ...]) -> bool:
        """Stay at the server that let one in, which told of these, itself first; returns whether it is another one."""
        stop, before = self.stop, self._here
        self._here = servers[0].address if servers else self.where
        known = {self._here, self.where}
        turns = [stop]
        for server in servers:
            address = _address_of(server)
            if address and server.address not in known and (server.fingerprint or not self._encrypted):
                known.add(server.address)
                turns.append(self._stop(address, server))
        if self._configured not in known:
            turns.append(None)
        self._turns = deque(turns)
        self._aside, self._follows, self._tried = None, 0, 0
        self._mute.clear()
        return self._here != before

    def _turn(self, now: float) -> None:
        """Let it be the next one's turn, and that of no mute one if there are others."""
        self._aside, self._follows = None, 0
        self._turns.rotate(-1)
        while self._turns[0] not in self._choice(now):
            self._turns.rotate(-1)

    def _choice(self, now: float) -> list[Stop | None]:
        return [stop for stop in self._turns if not self._is_mute(stop, now)] or [*self._turns]

    def _stop(self, address: ServerAddress, server: Server) -> Stop:
        return Stop(address, server.fingerprint if self._encrypted else "")

    def _text(self, stop: Stop | None) -> str:
        return str(stop.address) if stop else self._configured

    def _is_mute(self, stop: Stop | None, now: float) -> bool:
        return now < self._mute_until and self._text(stop) in self._mute


def _address_of(server: Server) -> ServerAddress | None:
    try:
        return parse_server(server.address, DEFAULT_TCP_PORT)
    except BadServerError:
        return None
