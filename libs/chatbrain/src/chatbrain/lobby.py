"""One place in the lobby: no TCP, no token; whoever speaks is in (LOB-01 to LOB-05)."""

from collections.abc import Callable
from math import inf
from typing import Final

from chatbrain.actions import BindDatagram, LookUp
from chatbrain.backoff import RejoinPolicy
from chatbrain.course import Stage
from chatbrain.events import Ended, Joined, Message, Rebound, Rejoined
from chatbrain.findings import NO_LOBBY, Finding
from chatbrain.liveness import MAX_DEAF_SECONDS
from chatbrain.membership import Membership
from chatbrain.outbox import Outbox
from chatproto import Challenge, Disconnected, ProseNotice, encode_lobby, parse_lobby, parse_notice, sanitize
from chatproto.constants import DEFAULT_LOBBY_PORT, MAX_DATAGRAM_BYTES
from chatproto.notices import SERVER_NAME, SERVER_PREFIX

SETTLE_SECONDS: Final = 0.3
"""The lobby answers nothing: who hears in this time that nobody listens there, isn't in."""

HUNT_SECONDS: Final = 2.0
"""How long to speak to one of several addresses of which nothing was ever heard, at first; each time twice as long."""


class LobbyBrain(Membership):
    """Enter the lobby and stay in it; it knows no commands, and no word for leaving."""

    def __init__(
        self,
        name: str,
        *,
        server: str,
        random: Callable[[], float],
        port: int = DEFAULT_LOBBY_PORT,
        rejoin: RejoinPolicy | None = None,
    ) -> None:
        self._header = encode_lobby(name.encode())
        limit = MAX_DATAGRAM_BYTES - len(self._header)
        super().__init__(Outbox(limit), rejoin=rejoin, random=random)
        self.server = server
        """Where the lobby is."""
        self._name = name
        self._port = port
        self._addresses = 1
        self._address = 0
        self._settled_at = inf  # while JOINING
        self._hunt_seconds = HUNT_SECONDS

    def start(self, now: float) -> None:  # noqa: ARG002 - as of a room
        """Find out where the lobby is, and enter."""
        self._enter()

    def resolved(self, addresses: int, now: float) -> None:
        """Enter at the first of so many addresses of the relay where somebody listens."""
        self._addresses, self._address = addresses, 0
        self._knock(now)

    def unresolved(self, finding: Finding, now: float) -> None:
        """Take note that the relay's address couldn't be found out."""
        self._wait(Ended.unreachable(self.server, finding), now)

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take a datagram from the relay: a client's message or a notice."""
        parsed = parse_lobby(data)
        if parsed is None or not self._outbox.is_open:
            return
        self._liveness.hear()
        if self.stage is Stage.JOINING:
            self._settle(now)
        self._listen(now)
        sender, text = (sanitize(part.decode(errors="replace")) for part in parsed)
        notice = parse_notice(SERVER_PREFIX + text) if sender == SERVER_NAME else None
        if notice is None:
            self._course.tell(Message(sender, text, data, now))
        else:
            self._note(notice, now)

    def datagram_error(self, now: float) -> None:
        """Take note that a datagram couldn't be sent or came back as undeliverable (ICMP)."""
        if self._liveness.silent or not self._outbox.is_open:
            return
        self._lose()
        if self.stage is Stage.JOINING and self._address + 1 < self._addresses:
            self._address += 1
            self._knock(now)
        else:
            self._wait(Ended.unreachable(self.server, NO_LOBBY), now)

    def next_deadline(self) -> float:
        """Return when to call ``tick``; infinity if there is nothing to wait for."""
        settled = self._settled_at if self.stage is Stage.JOINING else inf
        return min(settled, self._course.backoff.retry_at, self._liveness.next_deadline())

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self.stage is Stage.JOINING and now >= self._settled_at:
            self._settle(now)
        if self._course.backoff.take_due(now):
            self._enter()
        if self._liveness.keep_alive_is_due(now):
            self.keep_alive(now)
        if self._liveness.doubt_is_due(now):
            self._doubt(now)

    def _enter(self) -> None:
        self._course.enter(Stage.JOINING)
        self._settled_at = inf
        self._outbox.act(LookUp())

    def _knock(self, now: float) -> None:
        self._liveness.heard, self._hunt_seconds = False, HUNT_SECONDS
        self._settled_at = now + SETTLE_SECONDS
        self._outbox.open(self._header, self.max_message_bytes)
        self._bind(now)

    def _bind(self, now: float) -> None:
        self._outbox.act(BindDatagram(self._port, self._address))
        self.keep_alive(now)

    def _settle(self, now: float) -> None:
        self._liveness.silent = False
        self._course.chat(now, anew=True)
        self._listen(now)
        limit, heard = self.max_message_bytes, self._liveness.heard
        welcome = Joined(None, self._name, host=False, max_message_bytes=limit, silence_timeout_seconds=None,
                         heard=heard)  # fmt: skip
        again = Rejoined(host=False, was_host=False, max_message_bytes=limit, heard=heard)
        self._course.tell(again if self._course.ever_joined else welcome)
        self._course.ever_joined = True

    def _note(self, notice: ProseNotice, now: float) -> None:
        """Act on what the relay says."""
        if isinstance(notice, Challenge):
            if not self._liveness.silent:
                self.keep_alive(now)
            return
        self._course.tell(notice)
        if isinstance(notice, Disconnected):
            self._evict(notice, now)

    def _listen(self, now: float) -> None:
        """Doubt after a silence: soon, where another address may be the one at which the lobby is."""
        if self._liveness.heard or self._addresses == 1:
            self._liveness.listen(now)
        else:
            self._liveness.doubt_in(self._hunt_seconds, now)

    def _doubt(self, now: float) -> None:
        # To the lobby a new port is a new client; the old one is soon found unreachable and removed.
        self._liveness.calm_down()
        if not self._liveness.heard:
            self._address = (self._address + 1) % self._addresses
            self._hunt_seconds = min(2 * self._hunt_seconds, MAX_DEAF_SECONDS)
        self._listen(now)
        self._course.tell(Rebound())
        self._bind(now)
