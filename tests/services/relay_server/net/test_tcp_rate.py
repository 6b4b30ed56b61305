"""Who connects too often is cut before anything is read, and others are served (LIM-01)."""

import pytest

from relay_server.core.address import parse_ip
from services.relay_server.core.policies import unlimited
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.tcp_relay import NEVER, relay


@pytest.mark.requirement("LIM-01")
def test_who_connects_too_often_gets_no_answer_and_is_counted(run: Run) -> None:
    async def scenario() -> None:
        async with relay(unlimited(join_rate=1 / NEVER)) as server:
            while server.registry.admission.admits_connection(parse_ip("127.0.0.1"), server.port.clock()):
                pass
            async with await server.connect() as client:
                assert await client.recv() == b""
            assert server.port.aborted == 1
            async with await server.connect("127.0.0.2"):
                await until(lambda: server.port.connections)
            assert server.port.aborted == 1

    run(scenario)
