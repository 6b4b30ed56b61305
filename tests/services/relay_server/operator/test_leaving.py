"""The operators' socket while another process takes the relay over, and afterwards."""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from pathlib import Path

import pytest

from relay_server.crashes import Crashes
from relay_server.net import loop
from relay_server.operator.client import AdminError, ask
from relay_server.operator.commands import Arguments, Inquiry, Row
from relay_server.operator.location import listen_for_operators
from relay_server.operator.server import OperatorServer
from relay_server.operator.unix_socket import listen_unix
from services.relay_server.net.loopback import DEADLINE_SECONDS, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows")


@pytest.mark.parametrize("use_uvloop", [True, False], ids=["uvloop", "asyncio"])
def test_what_is_to_be_done_afterwards_is_done_when_the_answer_is_out(tmp_path: Path, use_uvloop: bool) -> None:
    path = tmp_path / "relay.sock"
    answered = asyncio.Event()
    done: list[str] = []

    async def answer(_: Arguments) -> list[Row]:
        await answered.wait()
        return [{"row": 1}]

    async def scenario() -> None:
        server = OperatorServer({}, listen_unix(path), Crashes(Counter(), lambda: None))
        server.add("replace", Inquiry(Arguments, answer, afterwards=lambda: done.append("left")))
        serving = asyncio.create_task(server.run())
        asking = asyncio.create_task(asyncio.to_thread(ask, path, "replace", {}))
        with socket.socket(socket.AF_UNIX) as impatient:
            impatient.connect(os.fspath(path))
            impatient.sendall(json.dumps({"command": "replace"}).encode() + b"\n")
            await until(lambda: len(server._connections) == 2)
        assert done == []
        answered.set()
        assert await asking == [{"row": 1}]
        await until(lambda: len(done) == 2)  # whoever asked has gone, or not
        server.is_frozen = True
        with pytest.raises(AdminError, match="Another process takes the relay over just now"):
            await asyncio.to_thread(ask, path, "replace", {})
        server.leave()
        await asyncio.wait_for(serving, DEADLINE_SECONDS)
        assert path.is_socket()  # where the other process listens

    loop.run(scenario(), use_uvloop=use_uvloop)


def test_an_inherited_socket_is_used_at_its_place_alone(tmp_path: Path) -> None:
    unix = listen_unix(tmp_path / "relay.sock")
    assert listen_for_operators(os.fspath(unix.path), 9000, unix) is unix
    other = listen_for_operators(os.fspath(tmp_path / "other.sock"), 9000, unix)
    assert other is not None
    assert other is not unix
    assert listen_for_operators("", 9000, unix) is None
    for each in (unix, other):
        each.sock.close()
        each.remove()
