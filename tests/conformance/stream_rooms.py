"""Rooms of members on streams; a relay that grants no streams skips what needs them."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Protocol

from conformance import wire
from conformance.people import Listener, ask, call
from conformance.plain import new_word
from conformance.relays import Relay
from conformance.streams import FEATURES, Line, StreamMember


class Join(Protocol):
    """Creates a room or joins it, by a stream that is closed with the test."""

    def __call__(self, name: str, **fields: Any) -> StreamMember:
        """Return the member."""
        ...


@contextlib.contextmanager
def joining(relay: Relay, room: bytes) -> Iterator[Join]:
    """Let people in; the first is the host, and leaves last, which ends the room."""
    with contextlib.ExitStack() as stack:

        def join(name: str, **fields: Any) -> StreamMember:
            operation = wire.JOIN if joined else wire.CREATE
            member = stack.enter_context(StreamMember(relay, operation, room, name, **fields))
            joined.append(name)
            stack.callback(leave, member)
            return member

        joined = list[str]()
        yield join


def leave(member: StreamMember) -> None:
    with contextlib.suppress(OSError):  # its test may have ended it
        member.send(leave=True)


def grants_stream(relay: Relay, fields: Line) -> bool:
    """Create a room, leave it again, and tell whether the chat was to be on the connection."""
    room = new_word("room")
    payload = json.dumps({"username": "ann", **fields}).encode()
    with call(relay) as connection:
        connection.sendall(wire.frame(wire.CREATE, wire.REQUEST, room, payload))
        frames = [wire.read_frame(connection), wire.read_frame(connection)]
        assert frames[1] is not None, frames
        if b'"stream"' in frames[1].payload:
            return True
        is_json = frames[1].payload.startswith(b"{")
        token = json.loads(frames[1].payload)["token"].encode() if is_json else frames[1].payload
        with Listener((connection.getpeername()[0], relay.udp_port), connection.getsockname()[0]) as leaving:
            leaving.send(wire.chat(room, token, b"/leave"))
        assert wire.read_frame(connection) is None  # the connection ends
        return False


def pair(join: Join) -> tuple[StreamMember, StreamMember]:
    """Let ann, the host, and bob in, who have heard that both are there."""
    ann, bob = join("ann"), join("bob")
    assert ann.line()["notice"] == "member_joined"
    for member in (ann, bob):
        assert member.ask() == []
    return ann, bob


def refusal(relay: Relay, room: bytes, member: StreamMember, source: str = "") -> Line:
    """Show a ticket and return the answer, which is a refusal."""
    request = {"username": "bob", "reply": "json", "chat": "stream", "features": FEATURES, **member.ticket}
    (reply,) = ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, json.dumps(request).encode()), source)
    found: Line = json.loads(reply.payload)
    return found
