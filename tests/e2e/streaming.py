"""A member that chats over the connection that it joined by, with a plain socket (STR-01 to STR-03)."""

import json
import socket
from contextlib import ExitStack
from typing import Any, Self

from conformance import wire
from conformance.people import call
from conformance.relays import Relay


class RefusedError(Exception):
    """The relay lets nobody in; ``status`` says why (TCP-10)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class StreamMember:
    """Sends and reads lines; it joins with a ticket, or takes the seat of ``ticket`` again."""

    def __init__(
        self,
        relay: Relay,
        room: str,
        name: str,
        *,
        source: str = "",
        ticket: str = "",
        create: bool = False,
        password: str = "",
    ) -> None:
        """Join from the local address ``source``, if given.

        Raises:
            RefusedError: the relay says no.

        """
        fields = {"username": name, "reply": "json", "features": ["resume"], "chat": "stream", "resume": ticket}
        if password:
            fields["password"] = password
        self._opened = ExitStack()
        self._sock = self._opened.enter_context(call(relay, source))
        operation = wire.CREATE if create else wire.JOIN
        self._sock.sendall(wire.frame(operation, wire.REQUEST, room.encode(), json.dumps(fields).encode()))
        reply, completion = wire.read_frame(self._sock), wire.read_frame(self._sock)
        assert reply, "expected a reply, saw the connection closed without one"
        if completion is None:
            self.close()
            raise RefusedError(json.loads(reply.payload)["status"])
        self.granted = json.loads(completion.payload)
        self._lines = self._opened.enter_context(self._sock.makefile("rb"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Break the connection: the seat waits."""
        self._opened.close()

    def send(self, **line: object) -> None:
        self.send_raw(json.dumps(line).encode() + b"\n")

    def send_raw(self, data: bytes) -> None:
        self._sock.sendall(data)

    def hear(self, key: str) -> dict[str, Any]:
        """Return the next line that has this key."""
        for raw in self._lines:
            line: dict[str, Any] = json.loads(raw)
            if key in line:
                return line
        raise AssertionError(f"the stream ended without a line with {key}")

    def hear_up_to(self, text: str) -> list[dict[str, Any]]:
        """Return all lines up to the message with this text."""
        lines: list[dict[str, Any]] = []
        for raw in self._lines:
            lines.append(json.loads(raw))
            if lines[-1].get("text") == text:
                return lines
        raise AssertionError(f"the stream ended without {text!r}")

    def take_little(self) -> None:
        """Let the kernel take little that isn't read."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def speak_up(self) -> None:
        """Ask whether the relay is there: it knows then that somebody is here."""
        self.send(ping=1)
        self.hear("pong")
