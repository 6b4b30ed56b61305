"""Members that chat over the connection that they joined by, with plain sockets (STR-01)."""

import json
import socket
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from conformance import wire
from conformance.people import call
from conformance.relays import Relay

FEATURES = ("resume", "notices")
Line = dict[str, Any]


class StreamMember:
    """Somebody in a room, over a stream; ``tls`` makes its connection a secure one."""

    def __init__(
        self,
        relay: Relay,
        operation: int,
        room: bytes,
        name: str,
        *,
        source: str = "",
        features: Sequence[str] = FEATURES,
        tls: Callable[[socket.socket], socket.socket] | None = None,
        stalls: bool = False,
        **fields: object,
    ) -> None:
        """Join. With ``stalls`` little fits into our own buffer."""
        connection = call(relay, source)
        if stalls:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock = tls(connection) if tls else connection
        self._heard = b""
        payload = {"username": name, "reply": "json", "chat": "stream", "features": features, **fields}
        self.sock.sendall(wire.frame(operation, wire.REQUEST, room, json.dumps(payload).encode()))
        frames = [wire.read_frame(self.sock), wire.read_frame(self.sock)]
        self.completion: Line = json.loads(frames[1].payload) if frames[1] else {}
        if self.completion.get("chat") != "stream":
            self.sock.close()
            raise AssertionError(f"expected a stream, got {frames}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    @property
    def seq(self) -> int:
        """The newest number when it joined."""
        return int(self.completion["seq"])

    @property
    def ticket(self) -> Line:
        return {"resume": self.completion["resume"]}

    def send_bytes(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send(self, **fields: object) -> None:
        self.send_bytes(json.dumps(fields).encode() + b"\n")

    def say(self, text: str, n: int | None = None) -> None:
        self.send(say=text) if n is None else self.send(say=text, n=n)

    def line(self) -> Line:
        """Return the next line that is no ping; those are answered."""
        while True:
            while b"\n" not in self._heard:
                data = self.sock.recv(65_536)
                assert data, f"the relay ended the stream, after {self._heard!r}"
                self._heard += data
            raw, _, self._heard = self._heard.partition(b"\n")
            assert len(raw) <= 32_768
            found = json.loads(raw)
            assert isinstance(found, dict)
            if "ping" not in found:
                return found
            self.send(pong=found["ping"])

    def lines(self, count: int) -> list[Line]:
        return [self.line() for _ in range(count)]

    def ask(self, number: int = 1) -> list[Line]:
        """Ping the relay, and return all that came before the answer."""
        self.send(ping=number)
        found = []
        while (line := self.line()) != {"pong": number}:
            found.append(line)
        return found

    def await_text(self) -> Line:
        """Return the next thing that another member says."""
        while "text" not in (line := self.line()) or "from" not in line:
            pass
        return line

    def await_notice(self, kind: str) -> Line:
        while (line := self.line()).get("notice") != kind:
            pass
        return line

    def rest(self) -> list[Line]:
        """Return all lines up to the end."""
        while data := self.sock.recv(65_536):
            self._heard += data
        return [json.loads(line) for line in self._heard.splitlines()]
