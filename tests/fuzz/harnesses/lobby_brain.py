"""The brain of somebody in the lobby, in the hands of a hostile relay and a bad network (LOB-01 to LOB-05)."""

from typing import Final

from chatbrain import LobbyBrain, RejoinPolicy, Stage
from chatbrain.errors import MessageTooLongError
from chatbrain.findings import NO_ANSWER
from chatproto import encode_lobby
from fuzz.bites import Bites, piece
from fuzz.driver import Driver

POLICIES: Final = (
    RejoinPolicy(),
    RejoinPolicy(enabled=False),
    RejoinPolicy(max_attempts=3),
    RejoinPolicy(max_elapsed_seconds=30.0),
)
HEARD: Final = (
    encode_lobby(b"bob", b"hello"),
    encode_lobby(b"server", b"disconnected: silence"),
    encode_lobby(b"server", b"disconnected: kicked"),
    encode_lobby(b"\x1b[2J\xff", b"\r\n\x9b"),
    b"",
)
PAUSES: Final = (0.1, 0.5, 5.0, 25.0, 50.0, 800.0)
MAX_STEPS: Final = 30

SEEDS: Final = (
    b"\0\0\0\0\1\1\0\1\1\4\3\5",
    b"\1\1\2\2\2\1\5\1\5",
    b"\0\2\0\x50" + piece(encode_lobby(b"server", b"bob joined")) + b"\3\0",
)
WORDS: Final = (b"\x06server", b"disconnected: ", b"\x03bob")


class World:
    """A brain, its port, and everybody who wishes it ill."""

    def __init__(self, bites: Bites) -> None:
        self._bites = bites
        self.brain = LobbyBrain("ann", server="relay:9002", random=lambda: 0.5, rejoin=bites.pick(POLICIES))
        self.driver = Driver(self.brain)
        self._addresses = 1 + bites.byte() % 3
        self.brain.start(0.0)
        self._answer()

    def step(self) -> None:
        """Let one thing happen."""
        self._bites.pick((self._datagram, self._wait, self._error, self._person))()
        self._answer()

    def _answer(self) -> None:
        """Have done what the brain wants; its name is known, mostly."""
        self.driver.pump()
        while self.driver.looks_up:
            self.driver.looks_up = False
            if self._bites.byte() % 8 == 7:
                self.brain.unresolved(NO_ANSWER, self.driver.now)
            else:
                self.brain.resolved(self._addresses, self.driver.now)
            self.driver.pump()

    def _datagram(self) -> None:
        chosen = self._bites.byte()
        data = HEARD[chosen] if chosen < len(HEARD) else self._bites.piece()
        if self.driver.has_port:
            self.brain.receive_datagram(data, self.driver.now)

    def _wait(self) -> None:
        self.driver.pass_time(self._bites.pick(PAUSES))

    def _error(self) -> None:
        if self.driver.has_port:
            self.brain.datagram_error(self.driver.now)

    def _person(self) -> None:
        wish = self._bites.byte() % 8
        if wish == 0:
            self.brain.leave()
        elif wish == 1:
            self.brain.fall_silent()
        elif self.brain.stage is not Stage.ENDED:
            text = self._bites.piece().decode(errors="surrogateescape") or "x"
            try:
                self.brain.say(text, self.driver.now)
            except MessageTooLongError:
                assert len(text.encode(errors="replace")) > self.brain.max_message_bytes


def check(data: bytes) -> None:
    bites = Bites(data)
    world = World(bites)
    for _ in range(MAX_STEPS):
        if not bites or world.driver.ended:
            break
        world.step()
