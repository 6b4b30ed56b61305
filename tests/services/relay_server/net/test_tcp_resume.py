"""A request that waits for its time: a seat that is claimed from another address (RES-03)."""

import json

import pytest

from chatproto import Frame, Operation, State, Status, encode_frame
from chatproto.payloads import decode_status
from relay_server.core import seats
from relay_server.core.address import parse_ip
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.tcp_relay import NEVER, relay


def resume(room: bytes, ticket: str) -> bytes:
    fields = {"username": "ann", "reply": "json", "features": ["resume"], "resume": ticket}
    return encode_frame(Frame(Operation.JOIN, State.REQUEST, room, json.dumps(fields).encode()))


@pytest.mark.requirement("RES-03", "TCP-03")
@pytest.mark.parametrize("end", ["deadline", "cut", "moved"])
def test_a_seat_that_is_claimed_from_elsewhere_is_asked_first(
    run: Run, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        seconds = 0.001 if end == "moved" else NEVER
        monkeypatch.setattr(seats, "PATIENCE_SECONDS", seconds)
        async with relay(transaction_timeout_seconds=0.2 if end == "deadline" else NEVER) as server:
            registry = server.registry
            ann = registry.create_room(b"r", "ann", b"t", parse_ip("127.0.0.9"), 0.0)
            registry.seats.issue(ann.session, "ticket", encrypted=False)
            async with await server.connect() as client:
                await client.send(resume(b"r", "ticket"))
                if end == "cut":
                    await until(lambda: server.flushes == 1)
                    client.reset()
                else:
                    status, _ = decode_status((await client.frame()).payload)
                    assert status is (Status.BUSY if end == "deadline" else Status.OK)
            await until(lambda: not server.port.connections)
            assert server.port.aborted == (end == "cut")

    run(scenario)
