"""Escape sequences that control terminals, and a relay that sends them in everything that a person may see."""

import json
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice

from conformance import wire

ESC = "\x1b"
CSI = (f"{ESC}[", "\x9b")
OSC = (f"{ESC}]", "\x9d")
STRINGS = (f"{ESC}P", "\x90", f"{ESC}X", "\x98", f"{ESC}^", "\x9e", f"{ESC}_", "\x9f")  # DCS, SOS, PM, APC
ENDS = ("\x07", f"{ESC}\\", "\x9c")

_CONTROLS = (
    "2J", "3J", "J", "2K", "H", "1;1H", "10A", "9B", "99C", "99D", "5E", "5F", "7m", "38;5;1m", "8m", "6n", "5n", "c",
    ">c",
    "?25l", "?1049h", "?47h", "?1000h", "?2004h", "?5h", "?7l", "?6h", "4h", "20h", "9P", "9L", "9M", "9@", "9X", "9S",
    "9T", "s", "u", "5;9r", "!p", "18t", "21t", "8;9;9t", "9b", "0q", "?1;2c", "3g", "i", "5i",
)  # fmt: skip
_COMMANDS = (
    "0;title", "2;title", "8;;http://evil.example/", "52;c;cm0gLXJm", "52;c;?", "4;1;?", "10;#000", "11;?", "104",
    "9;note", "777;notify;a;b", "1337;File=:QQ==", "133;C",
)  # fmt: skip
_BODIES = ("$qm", "+q544e", "1$r0m", "Ga=T;QQ==")
_ESCAPED = "c789DEMHNOZ=>no|}~(0#8%G*B"
_BARE = "\0\x05\x07\x08\x0b\x0c\x0e\x0f\x11\x13\x18\x1a\x7f\r\n\x84\x85\x88\x8d\x8e\x8f\x9a\u2028\u2029"

SEQUENCES = [
    *(start + body for start in CSI for body in _CONTROLS),
    *(start + body + end for start in OSC for body in _COMMANDS for end in ENDS),
    *(start + body + ENDS[1] for start in STRINGS for body in _BODIES),
    *(ESC + letter for letter in _ESCAPED),
    *_BARE,
    *(start for start in (ESC, *CSI, *OSC, *STRINGS)),  # the rest comes with the next message
    *("[2J", "0;title", ENDS[1], ENDS[2]),
]
"""Each would do something to a terminal that took it, or is one half of what would."""

A_SECOND = 5000
BURST = 25


class HostileRelay:
    """Lets everybody in, echoes another room's name, and says what it is told to say."""

    def __init__(self) -> None:
        self.refusal: str | None = None
        """What it answers to a join instead of letting in."""
        self.grant: dict[str, object] = {}
        """What it grants otherwise than a relay does."""
        self.reply: Iterable[bytes] | None = None
        """What it sends instead of any answer, as long as somebody takes it."""
        self.sent = 0
        """Datagrams of floods."""
        self.joins = 0
        """How often somebody asked to come in."""
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.settimeout(wire.WAIT_SECONDS)

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self._tcp.getsockname()[1]}"

    @property
    def lobby(self) -> str:
        return f"127.0.0.1:{self._udp.getsockname()[1]}"

    def await_client(self) -> tuple[str, int]:
        """Return where a client's datagram comes from."""
        return tuple(self._udp.recvfrom(4096)[1])

    def say(self, text: str, client: tuple[str, int], lobby_name: str | None = None) -> None:
        """Send a room's message, or one of the lobby's."""
        data = text.encode()
        self._udp.sendto(data if lobby_name is None else wire.lobby(lobby_name.encode(), data), client)

    def hears(self, text: str) -> None:
        """Wait until somebody has said it, however long a busy machine takes."""
        heard = b""
        while not heard.endswith(text.encode()):
            with suppress(TimeoutError):
                heard = self._udp.recvfrom(4096)[0]

    @contextmanager
    def flood(self, texts: Iterator[bytes], client: tuple[str, int]) -> Iterator[None]:
        """Send datagrams, 5,000 a second, until the end of the block."""
        over = threading.Event()

        def send() -> None:
            while not over.wait(BURST / A_SECOND):
                for text in islice(texts, BURST):
                    with suppress(OSError):  # the client has gone
                        self._udp.sendto(text, client)
                self.sent += BURST

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def serve(self) -> None:
        """Answer who joins, one after the other."""
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:  # closed: the end
                return
            with connection, suppress(OSError):
                self._answer(connection)

    def close(self) -> None:
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        self._udp.close()

    def _answer(self, connection: socket.socket) -> None:
        if self.reply is not None:
            for piece in self.reply:
                connection.sendall(piece)
            return
        request = wire.read_frame(connection)
        if request is None:
            return
        self.joins += 1
        status = {"status": 0 if self.refusal is None else 5, "message": self.refusal or f"{ESC}[2Jwelcome"}
        answer = wire.frame(request.operation, wire.REPLY, b"\x1b[2J\x9b2J", json.dumps(status).encode())
        if self.refusal is None:
            grant = {
                "token": "token", "host": False, "udp_port": self._udp.getsockname()[1], "silence_timeout_seconds": 300,
                "max_message_bytes": 1000, "topic": f"{ESC}]0;topic\x07", **self.grant,
            }  # fmt: skip
            answer += wire.frame(request.operation, wire.COMPLETION, b"\x1b]0;room\x07", json.dumps(grant).encode())
        connection.sendall(answer)


@contextmanager
def hostile_relay() -> Iterator[HostileRelay]:
    """Run one until the end of the block."""
    relay = HostileRelay()
    thread = threading.Thread(target=relay.serve, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join(wire.WAIT_SECONDS)
