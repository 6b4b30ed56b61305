"""One place in the lobby: no TCP, no token; whoever speaks is in (LOB-01 to LOB-05)."""

from collections.abc import Callable
from math import inf
from typing import Final

from chatbrain.actions import BindDatagram, CloseDatagram, SendDatagram
from chatbrain.backoff import RejoinPolicy
from chatbrain.brain import DEAF_SECONDS, MAX_DEAF_SECONDS, Brain, Stage
from chatbrain.events import Ended, Joined, Message, Rebound, Rejoined
from chatbrain.findings import NOBODY_LISTENS, Finding
from chatproto import Challenge, encode_lobby, parse_lobby, sanitize
from chatproto.constants import DEFAULT_LOBBY_PORT, MAX_DATAGRAM_BYTES
from chatproto.notices import SERVER_NAME, SERVER_PREFIX

SETTLE_SECONDS: Final = 0.3
"""The lobby answers nothing: who hears in this time that nobody listens there, isn't in."""


class LobbyBrain(Brain):
    """Enter the lobby and stay in it.

    Besides what every brain takes: ``start``, ``receive_datagram`` and ``datagram_error``.
    """

    def __init__(
        self,
        name: str,
        *,
        server: str,
        random: Callable[[], float],
        port: int = DEFAULT_LOBBY_PORT,
        rejoin: RejoinPolicy | None = None,
    ) -> None:
        super().__init__(server=server, rejoin=rejoin or RejoinPolicy(), random=random)
        self._name = name
        self._port = port
        self._prefix = encode_lobby(name.encode())
        self._addresses = 1
        self._address = 0
        self._settled_at = inf

    @property
    def max_message_bytes(self) -> int:
        """How long a message may be."""
        return MAX_DATAGRAM_BYTES - len(self._prefix)

    def start(self, now: float, addresses: int = 1) -> None:
        """Enter at the first of so many addresses of the relay where somebody listens."""
        self._addresses = addresses
        self._attempt_join(now)

    def unresolved(self, finding: Finding) -> None:
        """Take note that the relay's address couldn't be found out."""
        self._end(self._unreachable(finding))

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take a datagram from the relay: a client's message or a notice."""
        parsed = parse_lobby(data)
        if parsed is None or self._stage not in {Stage.JOINING, Stage.CHATTING}:
            return
        if self._stage is Stage.JOINING:
            self._settle(now)
        self._deaf_seconds = DEAF_SECONDS
        self._listen(now)
        sender, text = (sanitize(part.decode(errors="replace")) for part in parsed)
        if sender != SERVER_NAME or not self._hear_notice(SERVER_PREFIX + text, now):
            self._events.append(Message(sender, text, data, now))

    def datagram_error(self, now: float) -> None:
        """Take note that a datagram couldn't be sent or came back as undeliverable (ICMP)."""
        if self._silent or self._stage not in {Stage.JOINING, Stage.CHATTING}:
            return
        self._lose()
        if self._stage is Stage.JOINING and self._address + 1 < self._addresses:
            self._address += 1
            self._knock(now)
            return
        self._address = 0
        self._wait(self._unreachable(NOBODY_LISTENS), now)

    def next_deadline(self) -> float:
        """Return when to call ``tick``; infinity if there is nothing to wait for."""
        return min(super().next_deadline(), self._settled_at)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if now >= self._settled_at:
            self._settle(now)
        super().tick(now)

    def _attempt_join(self, now: float) -> None:
        self._enter(Stage.JOINING)
        self._knock(now)

    def _knock(self, now: float) -> None:
        self._settled_at = now + SETTLE_SECONDS
        self._bind(now)

    def _bind(self, now: float) -> None:
        self._actions.append(BindDatagram(self._port, self._address))
        self.keep_alive(now)

    def _settle(self, now: float) -> None:
        self._settled_at = inf
        self._silent = self._reconnecting = False
        self._enter_chat(now)
        limit = self.max_message_bytes
        welcome = Joined(None, self._name, host=False, max_message_bytes=limit, silence_timeout_seconds=None)
        again = Rejoined(host=False, was_host=False, max_message_bytes=limit)
        self._events.append(again if self._ever_joined else welcome)
        self._ever_joined = True

    def _doubt(self, now: float) -> None:
        # To the lobby a new port is a new client; the old one is soon found unreachable and removed.
        self._deaf_seconds = min(2 * self._deaf_seconds, MAX_DEAF_SECONDS)
        self._listen(now)
        self._events.append(Rebound())
        self._bind(now)

    def _lose(self) -> None:
        self._keep_alive_at = self._doubt_at = self._settled_at = inf
        self._actions.append(CloseDatagram())

    def _end(self, event: Ended) -> None:
        self._settled_at = inf
        super()._end(event)

    def _speak(self, message: bytes) -> bool:
        if self._stage not in {Stage.JOINING, Stage.CHATTING}:
            return False
        self._actions.append(SendDatagram(self._prefix + message))
        return True

    def _answer(self, challenge: Challenge, now: float) -> None:  # noqa: ARG002 - here a keep-alive says it all
        self.keep_alive(now)

    def _say_goodbye(self) -> None:
        """Say nothing: the lobby knows no word for leaving."""
