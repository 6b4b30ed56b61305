"""A member's brain in the hands of a hostile relay and a bad network: it stays sane, and shows nothing harmful."""

from typing import Final

from chatbrain import RejoinPolicy, RoomBrain, Stage, Transport
from chatbrain.errors import MessageTooLongError, WrongKeyError
from chatbrain.sealed import Seal
from chatproto import (
    Completion,
    Feature,
    Operation,
    Refusal,
    Status,
    Topic,
    encode_frame,
    encode_notice,
    is_answer,
    parse_command,
    parse_datagram,
)
from chatproto.commands import LEAVE_WORDS
from chatproto.payloads import Form, encode_completion, encode_status
from chatproto.receipts import parse_numbered
from chatproto.sealing import Kind, RoomKey, Sealer
from chatproto.stream import Say, encode_entry, parse_to_relay
from chatproto.tcrp import Frame
from fuzz.bites import Bites, piece
from fuzz.driver import Driver

POLICIES: Final = (
    RejoinPolicy(),
    RejoinPolicy(enabled=False),
    RejoinPolicy(max_attempts=3),
    RejoinPolicy(max_elapsed_seconds=30.0),
)
KEY: Final = RoomKey(bytes(16))
BOB: Final = Sealer(KEY, "lab", "bob", b"bob's id")
GRANTS: Final = (
    Completion(b"token", host=True, udp_port=9001, silence_timeout_seconds=300.0, max_message_bytes=50),
    Completion(b"token", host=False, udp_port=1, silence_timeout_seconds=0.0, max_message_bytes=4096),
    Completion(b"t" * 255, host=False, udp_port=65535, silence_timeout_seconds=0.01, max_message_bytes=1),
    Completion(b"token", host=False, udp_port=9001, silence_timeout_seconds=float("inf"), max_message_bytes=2**70),
    Completion(b"token", host=False, udp_port=9001, silence_timeout_seconds=float("nan"), max_message_bytes=9),
    Completion(b"token", False, 9001, 300.0, 50, moderation=True, features=frozenset({Feature.NOTICES})),
    Completion(b"token", False, 9001, 300.0, 50, moderation=True, features=frozenset(Feature)),
    Completion(b"token", False, 9001, 300.0, 50, moderation=True, features=frozenset(Feature), ticket="ticket"),
    Completion(b"token", False, 9001, 300.0, 50, True, frozenset(Feature), "ticket", stream=True, epoch="e", seq=3),
    Completion(b"token", False, 9001, 300.0, 50, stream=True, epoch="f"),
    Completion(b"token", False, 9001, 300.0, 90, moderation=True, features=frozenset(Feature), sealed=True),
    Completion(b"token", False, 9001, 300.0, 90, True, frozenset(Feature), ticket="ticket", sealed=True),
    Completion(b"token", False, 9001, 300.0, 90, True, frozenset(Feature), "ticket", True, "e", 3, sealed=True),
)
NOTICES: Final = (
    *(b"bob: hello", b"hello", b"", b"server: bob joined", b"server: disconnected: silence", b"bob: \x1b[2J\xff"),
    *(b"server: disconnected: kicked", b"server: disconnected: shutdown", b"server: disconnected: host_left"),
    *(b'server: {"notice": "disconnected", "reason": "silence"}', b'server: {"notice": "host_changed", "name": "ann"}'),
    b'server: {"notice": "challenge", "nonce": "0123456789abcdef"}',
    *(b'server: {"notice":"said","n":1}', b'server: {"notice":"said","n":2}', b'server: {"notice":"said","n":-1}'),
    *(f"bob: {text}".encode() for text in (BOB.seal("hello").text, BOB.seal("\x1b[2J\n").text, "e2e1.AAAA", "e2e1.")),
    encode_notice(Topic(BOB.seal("tea", Kind.TOPIC).text), json=True),
    *(b'server: {"notice":"not_said","n":2,"reason":"\x1b"}', b'server: {"notice":"not_said","n":2,"reason":""}'),
)
LINES: Final = (
    *(
        b'{"seq":5,"from":"bob","text":"hi"}',
        b'{"seq":4,"text":"\\u001b"}',
        b'{"seq":6,"notice":"topic","text":"\\ud800"}',
    ),
    *(b'{"seq":7,"took":2}', b'{"took":3}', b'{"n":3,"refused":"muted"}', b'{"pong":1}', b'{"ping":9007199254740991}'),
    *(b'{"gone":[4,9]}', b'{"gone":"all"}', b'{"bye":"kicked"}', b'{"bye":"slow"}', b'{"bye":"shutdown"}', b"{}", b"["),
    *(b'{"notice":"disconnected","reason":"host_left"}', b'{"seq":8,"notice":"challenge","nonce":"0123456789abcdef"}'),
)
TRANSPORTS: Final = (Transport.UDP, Transport.STREAM, Transport.AUTO)
PAUSES: Final = (0.1, 1.0, 5.0, 25.0, 50.0, 800.0)
ADDRESSES: Final = ("10.0.0.1", "10.0.0.2")
MAX_STEPS: Final = 30

SEEDS: Final = (
    b"\0\0\2\1\x09\0\4\x0f\4\x10\4\x11\4\x12\4\x13\7\4\5hello\7\3\3tea\5\2",
    b"\1\0\3\1\x08\0\4\x11\7\4\5hello\4\x10\7\4\2hi\4\x13\5\4\5\5",
    b"\0\0\0\0\1\0\3\0\3\4\5\2\6\3\7\0",
    b"\1\0\0\0\1\1\3\5\5\5",
    b"\0\1\0\0\1\0\5\4\0\0\2\4\5\3\0\0\2\2",
    b"\0\2\0\0\2\5\5\5\0\0\1\4\5\0\0\0\0\2\7",
    b"\0\0\0\0\3" + piece(encode_frame(Frame(1, 1, b"lab", b"\0")) + encode_frame(Frame(1, 2, b"lab", b"token"))),
    b"\0\0\0\0\1\5\4\11\4\12\4\13\4" + piece(b'server: {"notice": "muted"}') + b"\6\7\5\4",
    b"\1\0\3\1\x08\x08\0\7\5\2hi\x08\3\6\1\5\3\1\x08\x08\1\x08\7\5\4\7\5\2ho\x08\x0b\1\x08\x08\x0a",
    b"\1\0\4\1\7\7\5\2hi\5\1\1\x08\x08\0\x08\5",
    b"\0\0\0\0\1\0\4" + piece(b"server: \x1b[0m joined") + b"\6\7\5\4",
    b"\0\0\6\1\x0a\7\4\5hello\4\x0f\4\x10\4\x11\4\x12\4\x13\7\3\3tea\5\2",
    b"\0\0\x08\1\x0c\7\4\5hello\7\3\3tea\x08\xff" + piece(encode_entry(5, "bob", BOB.seal("\x1b[2J").text)) + b"\5\2",
)
WORDS: Final = (b"server: ", b'{"notice": "', b"disconnected: ", b"token", b"status", b"\x03\x01\x01", b"\x03\x01\x02")


class World:
    """A brain, its sockets, and everybody who wishes it ill."""

    def __init__(self, bites: Bites) -> None:
        self._bites = bites
        operation, policy = bites.pick((Operation.CREATE, Operation.JOIN)), bites.pick(POLICIES)
        ways = bites.byte()
        self._sealed = ways // 6 % 2 == 1
        self.brain = RoomBrain(
            operation, "lab", "ann", server="relay:9000", random=lambda: 0.5, rejoin=policy,
            receipts=ways % 2 == 1, new_nonce=lambda: "an attempt of ann", transport=TRANSPORTS[ways // 2 % 3],
            seal=Seal(KEY, "lab", "ann", b"ann's id") if self._sealed else None,
        )  # fmt: skip
        self.driver = Driver(self.brain, self._check_sent)
        self.brain.start(0.0)
        self.driver.pump()

    def step(self) -> None:
        """Let one thing happen."""
        happenings = (
            *(self._connect, self._grant, self._refuse, self._stream, self._datagram, self._wait, self._error),
            *(self._person, self._line),
        )
        self._bites.pick(happenings)()
        self.driver.pump()

    def _connect(self) -> None:
        if self.driver.stream == "opening":
            self.driver.stream = "open"
            self.brain.connected(self._bites.pick(ADDRESSES))

    def _grant(self) -> None:
        grant = self._bites.pick(GRANTS)
        yes = encode_frame(Frame(1, 1, b"lab", encode_status(Refusal(Status.OK), Form(json=True))))
        self._receive(yes + encode_frame(Frame(1, 2, b"lab", encode_completion(grant, json_reply=True))))

    def _refuse(self) -> None:
        status = self._bites.pick((*Status,))
        self._receive(encode_frame(Frame(1, 1, b"lab", encode_status(Refusal(status), Form(json=True)))))

    def _stream(self) -> None:
        self._receive(self._bites.piece())

    def _line(self) -> None:
        chosen = self._bites.byte()
        line = LINES[chosen] if chosen < len(LINES) else self._bites.piece()
        if self.driver.stream:
            self.brain.receive_stream(line + b"\n", self.driver.now)

    def _receive(self, data: bytes) -> None:
        self._connect()
        if self.driver.stream:
            self.driver.pump()
            self.brain.receive_stream(data, self.driver.now)

    def _datagram(self) -> None:
        chosen = self._bites.byte()
        data = NOTICES[chosen] if chosen < len(NOTICES) else self._bites.piece()
        if self.driver.has_port:
            self.brain.receive_datagram(data, self.driver.now)

    def _check_sent(self, data: bytes) -> None:
        """In a sealed room nobody but its members reads what is said (SEAL-03)."""
        if not self._sealed:
            return
        if data.startswith(b"{"):
            said = parse_to_relay(data.rstrip())
            message = said.text.encode() if isinstance(said, Say) else b""
        else:
            parts = parse_datagram(data)
            message = (parse_numbered(parts[2]) or (0, parts[2]))[1] if parts else b""
        command = parse_command(message.decode())
        text = command[1].encode() if command else message
        for_the_relay = text in {b"", b"-", *map(str.encode, LEAVE_WORDS)} or is_answer(text)
        assert for_the_relay or text.startswith(b"e2e1."), "somebody else could read that"

    def _wait(self) -> None:
        self.driver.pass_time(self._bites.pick(PAUSES))

    def _error(self) -> None:
        if self.driver.stream and self._bites.byte() % 2:
            self.driver.stream = "open"  # what is closed now
            self.brain.stream_closed(self.driver.now)
        elif self.driver.has_port:
            self.brain.datagram_error(self.driver.now)

    def _person(self) -> None:
        wish = self._bites.byte() % 10
        if wish == 0:
            self.brain.leave()
        elif wish == 1:
            self.brain.fall_silent()
        elif wish == 8:
            self.brain.try_now(self.driver.now)
        elif wish == 9:
            self.brain.compare_clocks(self.driver.now, 10.0 * self._bites.byte())
        elif self.brain.stage is not Stage.ENDED:
            self._say(wish)

    def _say(self, wish: int) -> None:
        text = "/leave" if wish == 2 else self._bites.piece().decode(errors="surrogateescape") or "x"
        try:
            if wish == 3:
                self.brain.command(f"/topic {text}", self.driver.now)
            else:
                self.brain.say(text, self.driver.now)
        except WrongKeyError:
            assert self._sealed
        except MessageTooLongError as error:
            space = 1 if text.startswith("/") else 0  # a command said as text gets one in front
            longest = error.limit_bytes if wish == 3 or self._sealed else self.brain.max_message_bytes
            assert (
                len(f"/topic {text}".encode(errors="replace") if wish == 3 else text.encode(errors="replace")) + space
                > longest
            )


def check(data: bytes) -> None:
    bites = Bites(data)
    world = World(bites)
    for _ in range(MAX_STEPS):
        if not bites or world.driver.ended:
            break
        world.step()
