"""Create, join and list as state machines, one for each end of the connection (TCP-04 to TCP-09, LIST-01)."""

from enum import Enum, auto
from typing import Final

from chatproto.codes import Feature, Operation, State, Status
from chatproto.constants import DEFAULT_PAYLOAD_LIMIT_BYTES, MAX_LIST_BYTES, PORT_BYTES
from chatproto.errors import ElsewhereError, MalformedError, NotSupportedError, ProtocolError, RefusedError
from chatproto.payloads import (
    Completion,
    Form,
    Request,
    decode_completion,
    decode_request,
    encode_completion,
    encode_request,
    encode_status,
    form_of,
    told_refusal,
    told_server,
)
from chatproto.refusals import Refusal
from chatproto.room_list import LIST_REQUEST, ListedRoom, read_room_list
from chatproto.stream import Leave, encode_to_relay
from chatproto.tcrp import Frame, FrameDecoder, encode_frame
from chatproto.text import check_room_name

_GIVE_BACK: Final = encode_to_relay(Leave())
_OPERATIONS: Final = {int(operation): operation for operation in Operation}
_YES: Final = {json: encode_status(Refusal(Status.OK), Form(json)) for json in (False, True)}
"""What an accepted request is answered, in bytes and in JSON."""


class Phase(Enum):
    """Where a transaction stands, seen from the relay."""

    REQUESTING = auto()
    DECIDING = auto()
    ACCEPTED = auto()
    ENDED = auto()


class ServerTransaction:
    """The relay's end: feed it bytes until it has a request, then let it write the answer."""

    def __init__(self, max_payload_bytes: int = DEFAULT_PAYLOAD_LIMIT_BYTES) -> None:
        self._decoder = FrameDecoder(max_payload_bytes)
        self._phase = Phase.REQUESTING
        self._trailing = b""
        self._room = b""
        self._operation = 0
        self._form = Form()

    @property
    def phase(self) -> Phase:
        """Where the transaction stands."""
        return self._phase

    @property
    def operation(self) -> Operation | None:
        """What is asked for, as soon as it is known."""
        return _OPERATIONS.get(self._operation)

    @property
    def wants_pause(self) -> bool:
        """Tell whether the client may read each frame with a single call (TCP-08)."""
        return not self._form.json

    @property
    def client_port(self) -> int | None:
        """The UDP port that a plain client named in two bytes after its request (TCP-09, LEN-02)."""
        port = int.from_bytes(self._trailing, "big")
        return port if len(self._trailing) == PORT_BYTES and port and not self._form.json else None

    @property
    def gives_back(self) -> bool:
        """Whether a client that got no stream wants nothing else, and leaves without a word over UDP (STR-01)."""
        return self._form.json and self._trailing == _GIVE_BACK

    def feed(self, data: bytes) -> tuple[Operation, str, Request] | None:
        """Take bytes of the stream; returns operation, room name and request once they are whole.

        Bytes after the request are the client's UDP port (TCP-09), or give back what was granted (STR-01).

        Raises:
            ProtocolError: the request can't be served; answer with ``refuse(error)``.

        """
        if self._phase is not Phase.REQUESTING:
            self._trailing = (self._trailing + data)[: len(_GIVE_BACK) + 1]
            return None
        self._decoder.feed(data)
        self._operation = self._decoder.operation  # echoed even if the frame never becomes whole
        frame = self._decoder.next_frame()
        if frame is None:
            return None
        self._phase = Phase.DECIDING
        self._room = frame.room
        self._trailing = self._decoder.take_rest()
        try:
            return self._read(frame)
        except ProtocolError:
            # Even a request that can't be served is answered in the form it asks for (TCP-06).
            self._form = form_of(frame.payload)
            raise

    def _read(self, frame: Frame) -> tuple[Operation, str, Request]:
        if self.operation is None:
            raise NotSupportedError(f"Operation {frame.operation} is unknown: use 1 to create, 2 to join.")
        if self.operation is Operation.LIST:
            return self._read_list(frame)
        if frame.state not in {State.REQUEST, State.REPLY}:
            raise MalformedError(f"State {frame.state} is no request: use 0.")
        request = decode_request(frame.payload)
        self._form = Form(request.json_reply, codes=Feature.NOTICES in request.features)
        if frame.state == State.REPLY and not request.plain:  # LEN-03 forgives it to plain names only
            raise MalformedError("State 1 is no request: use 0.")
        if len(self._trailing) > PORT_BYTES:
            raise MalformedError("More bytes follow the request: send one request a connection.")
        return self.operation, check_room_name(frame.room), request

    def _read_list(self, frame: Frame) -> tuple[Operation, str, Request]:
        """Read who asks for the rooms: that names no room and no user (LIST-01)."""
        self._form = form_of(frame.payload)
        if not self._form.json or frame.room or frame.state != State.REQUEST:
            raise NotSupportedError('The list of rooms is asked for by {"reply":"json"} and no name, in state 0.')
        return Operation.LIST, "", Request("", json_reply=True, plain=False)

    def accept(self) -> bytes:
        """Write the state-1 frame that says yes (TCP-06)."""
        self._phase = Phase.ACCEPTED
        return self._frame(State.REPLY, _YES[self._form.json])

    def complete(self, completion: Completion) -> bytes:
        """Write the state-2 frame with the token (TCP-07)."""
        return self._end(encode_completion(completion, json_reply=self._form.json))

    def list_rooms(self, rooms: bytes) -> bytes:
        """Write both frames of a list, which is a JSON object (LIST-01)."""
        return self.accept() + self._end(rooms)

    def refuse(self, error: ProtocolError) -> bytes:
        """Write the state-1 frame that says no and why; the transaction ends (TCP-06)."""
        self._phase = Phase.ENDED
        server = error.server if isinstance(error, ElsewhereError) else None
        return self._frame(State.REPLY, encode_status(error.refusal, self._form, server))

    def abandon(self) -> None:
        """End the transaction without an answer."""
        self._phase = Phase.ENDED

    def _end(self, payload: bytes) -> bytes:
        self._phase = Phase.ENDED
        return self._frame(State.COMPLETION, payload)

    def _frame(self, state: State, payload: bytes) -> bytes:
        return encode_frame(Frame(self._operation, state, self._room, payload))


class _ClientEnd:
    """The client's end of any transaction: send ``request``, feed it what comes back."""

    def __init__(self, request: Frame, max_payload_bytes: int) -> None:
        self.request = encode_frame(request)
        self._decoder = FrameDecoder(max_payload_bytes)
        self._accepted = False

    def take_rest(self) -> bytes:
        """Return and forget what came after the completion: a stream's first lines (STR-01)."""
        return self._decoder.take_rest()

    def _read(self, data: bytes) -> bytes | None:
        """Take bytes of the stream; returns the completion's payload once it is whole."""
        self._decoder.feed(data)
        while frame := self._decoder.next_frame():
            if not self._accepted and frame.state == State.REPLY:
                refusal = told_refusal(frame.payload)
                if refusal.status is not Status.OK:
                    raise RefusedError(refusal, told_server(frame.payload))
                self._accepted = True
            elif self._accepted and frame.state == State.COMPLETION:
                return frame.payload
            else:
                raise MalformedError(f"The relay sent state {frame.state} out of turn.")
        return None


class ClientTransaction(_ClientEnd):
    """The client's end of a create or a join."""

    def __init__(self, operation: Operation, room: str, request: Request) -> None:
        frame = Frame(operation, State.REQUEST, room.encode(), encode_request(request))
        super().__init__(frame, DEFAULT_PAYLOAD_LIMIT_BYTES)

    def feed(self, data: bytes) -> Completion | None:
        """Take bytes of the stream; returns the completion once it is whole.

        Raises:
            RefusedError: the relay said no.
            ProtocolError: what came is no legal reply.

        """
        payload = self._read(data)
        return None if payload is None else decode_completion(payload)


class ListTransaction(_ClientEnd):
    """The client's end of a list of the rooms (LIST-01)."""

    def __init__(self) -> None:
        super().__init__(Frame(Operation.LIST, State.REQUEST, b"", LIST_REQUEST), MAX_LIST_BYTES)

    def feed(self, data: bytes) -> tuple[ListedRoom, ...] | None:
        """Take bytes of the stream; returns the rooms once the list is whole.

        Raises:
            RefusedError: the relay said no: with status 10 if it lists none.
            ProtocolError: what came is no legal reply.

        """
        payload = self._read(data)
        return None if payload is None else read_room_list(payload)
