"""All operations in all states (TCP-04, threat T6): of 65,536 pairs two ask for something, and LEN-03 forgives two."""

import pytest

from chatproto import Frame, Operation, ServerTransaction, State, Status, encode_frame
from relay_server.answers import Granted
from services.relay_server.test_control import ANN, ControlCase

EDGES = (0, 1, 2, 3, 4, 127, 128, 254, 255)
"""Each of these operations is tried in every state, and every operation in each of these states."""
LEGAL = {(operation, state) for operation in (1, 2) for state in (State.REQUEST, State.REPLY)}


@pytest.mark.requirement("TCP-04", "LEN-03")
def test_every_operation_in_every_state_has_its_status() -> None:
    control = ControlCase().control
    for operation in range(256):
        for state in range(256) if operation in EDGES else EDGES:
            if (operation, state) in LEGAL:
                continue
            request = encode_frame(Frame(operation, state, b"demo", b"ann"))
            served = operation in {Operation.CREATE, Operation.JOIN}
            status = Status.MALFORMED if served else Status.NOT_SUPPORTED
            reply = encode_frame(Frame(operation, State.REPLY, b"demo", bytes((status,))))
            assert control.receive(ServerTransaction(), request, ANN, 0.0) == reply


@pytest.mark.requirement("TCP-04", "LEN-03")
@pytest.mark.parametrize("state", [State.REQUEST, State.REPLY])
def test_legal_pairs_are_served(state: State) -> None:
    control = ControlCase().control
    create = encode_frame(Frame(Operation.CREATE, state, b"demo", b"ann"))
    assert isinstance(control.receive(ServerTransaction(), create, ANN, 0.0), Granted)
    join = encode_frame(Frame(Operation.JOIN, state, b"demo", b"ann"))
    reply = encode_frame(Frame(Operation.JOIN, State.REPLY, b"demo", bytes((Status.NAME_TAKEN,))))
    assert control.receive(ServerTransaction(), join, ANN, 0.0) == reply
