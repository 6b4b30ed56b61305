"""A join by a WebSocket's first message, as a page in a browser asks for it, and what answers it (WEB-02)."""

import json
from dataclasses import replace
from typing import Any, Final

from chatproto.codes import Feature, Operation, Status
from chatproto.errors import MalformedError, PayloadTooLargeError, ProtocolError
from chatproto.payloads import (
    STREAM,
    Completion,
    Request,
    completion_fields,
    read_request,
    status_fields,
    wants_codes,
)
from chatproto.text import check_room_name
from chatproto.transaction import Phase

JOIN: Final = "join"
_KEPT: Final = ("password", "features", "resume", "attempt", "epoch", "heard", "sealed")
"""What a join has under the same keys as a request over TCP."""


class PageTransaction:
    """The relay's end, as `ServerTransaction` is over TCP; what it writes is a line for one message."""

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes`` is the longest message that is taken."""
        self.operation: Operation | None = None
        """What is asked for, as soon as it is known."""
        self.phase = Phase.REQUESTING
        self.asked: tuple[Operation, str, Request]
        """What `feed` returned."""
        self.wants_codes = False
        """Whether a refusal is to have its code (FEAT-04)."""
        self._max_bytes = max_bytes

    def feed(self, message: bytes) -> tuple[Operation, str, Request]:
        """Take the first message; returns operation, room name and request.

        Raises:
            ProtocolError: the request can't be served; answer with ``refuse(error)``.

        """
        self.phase = Phase.DECIDING
        if len(message) > self._max_bytes:
            raise PayloadTooLargeError(f"A join has {self._max_bytes} bytes at most.")
        join = _read_join(message)
        creates, room = join.get("create") or False, join.get("room")
        if not isinstance(creates, bool) or not isinstance(room, str):
            raise MalformedError('"create" is neither true nor false, or "room" is no text.')
        self.operation = Operation.CREATE if creates else Operation.JOIN
        self.wants_codes = wants_codes(join)
        fields = {key: join[key] for key in _KEPT if join.get(key) is not None}
        fields |= {"username": join.get("name"), "reply": "json", "chat": STREAM}
        request = read_request(fields)
        # A page may speak to its own origin alone, so it is never sent elsewhere (CLU-01).
        request = replace(request, features=request.features - {Feature.FOLLOW})
        self.asked = self.operation, check_room_name(room.encode("utf-8", "surrogatepass")), request
        return self.asked

    def complete(self, completion: Completion) -> bytes:
        """Write the answer that says yes, with what is granted."""
        self.phase = Phase.ENDED
        return _line({"status": int(Status.OK), "reason": Status.OK.reason, **completion_fields(completion)})

    def refuse(self, error: ProtocolError) -> bytes:
        """Write the answer that says no and why."""
        self.phase = Phase.ENDED
        return _line(status_fields(error.refusal, codes=self.wants_codes))


def answer_of(status: dict[str, Any], completion: dict[str, Any] | None = None) -> bytes:
    """Write the answer by what another node says to the same request over TCP: a status, and what it grants."""
    if completion is None:
        return _line(status)
    return _line({"status": int(Status.OK), "reason": Status.OK.reason, **completion})


def _read_join(message: bytes) -> dict[str, Any]:
    try:
        join = json.loads(message)[JOIN]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        join = None
    if not isinstance(join, dict):
        raise MalformedError('The first message is no JSON object with an object under "join".')
    return join


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
