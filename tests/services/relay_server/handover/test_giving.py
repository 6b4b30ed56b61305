"""When a relay isn't replaced at all, and what a process does that is to take over from nobody."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from relay_server.handover.giving import Giving, Replace
from relay_server.handover.program import CHANNEL, Program
from relay_server.handover.protocol import FrameReader, Kind
from relay_server.handover.standstill import Standstill
from relay_server.handover.taking import find_giver, told
from relay_server.operator.commands import OperatorError
from relay_server.settings import SettingsError
from services.relay_server.test_parts import built, settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="relays take over on Linux alone")

NODE = "This node waits until the directory tells which rooms it has"
ENDING = "The relay is about to end"
DEADLINE_SECONDS = 20.0


def refusal(of: Callable[[], Coroutine[Any, Any, object]]) -> tuple[str, bool]:
    """Return why a relay isn't replaced, and whether it never can be."""

    async def scenario() -> OperatorError:
        with pytest.raises(OperatorError) as caught:
            await of()
        return caught.value

    error = asyncio.run(scenario())
    return str(error), error.is_misplaced


def test_a_relay_that_cant_be_replaced_says_why(tmp_path: Path) -> None:
    async def obstructed() -> None:
        with built(settings(tmp_path)) as parts:
            await Giving(parts, Standstill(parts), "The container ends.", lambda: None).replace(Replace())

    async def of_a_node_that_waits() -> None:
        with built(settings(tmp_path)) as parts:
            node = replace(parts, node=cast("Any", SimpleNamespace(reclaiming=SimpleNamespace(is_waiting=True))))
            await Giving(node, Standstill(parts), None, lambda: None).replace(Replace())

    async def ending() -> None:
        with built(settings(tmp_path)) as parts:
            parts.stopping.set()
            await Giving(parts, Standstill(parts), None, lambda: None).replace(Replace())

    assert refusal(obstructed) == ("The container ends.", True)
    why, never = refusal(of_a_node_that_waits)
    assert (why.startswith(NODE), never) == (True, False)
    why, never = refusal(ending)
    assert (why.startswith(ENDING), never) == (True, False)


def test_a_program_that_isnt_there_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        with built(settings(tmp_path)) as parts:
            giving = Giving(parts, Standstill(parts), None, lambda: None)
            monkeypatch.setattr("relay_server.handover.giving.command_line", lambda: ["/no/such/relay-server"])
            for _ in range(2):  # the second time, too: the first one is over
                with pytest.raises(OperatorError, match=r"can't be started .* This relay goes on as before"):
                    await giving.replace(Replace(environment={"RELAY_HOST": "::"}))
            await giving.give_up()
            assert not giving.is_gone

    asyncio.run(scenario())


LIES = {
    "nothing that it should": "sock.sendall(b'HTTP/1.1 400 Bad Request')",
    "ready before it has anything": "sock.sendall(encode(Kind.READY)); sock.recv(1)",
    "serving before it has anything": "sock.sendall(encode(Kind.SERVING)); sock.recv(1)",
    "a hello that is none": "sock.sendall(encode(Kind.HELLO, b'[]')); sock.recv(1)",
    "a frame without end": "sock.sendall(bytes((Kind.HELLO, 255, 255, 255, 255))); sock.recv(1)",
}


READY = f"""
import os, socket
from relay_server.core.state import READABLE
from relay_server.handover.protocol import FrameReader, Hello, Kind, encode
sock = socket.socket(fileno=int(os.environ["{CHANNEL}"]))
sock.sendall(encode(Kind.HELLO, Hello(formats=tuple(READABLE), version="1")))
reader, kinds = FrameReader(), []
while Kind.BULK not in kinds:
    kinds += [frame.kind for frame in reader.feed(sock.recv(65536))]
sock.sendall(encode(Kind.READY))
while sock.recv(65536):
    pass
"""
"""A newcomer that takes the bulk, and never serves."""


@pytest.mark.slow
@pytest.mark.parametrize("lie", LIES)
def test_a_newcomer_that_lies_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    """Threat N16."""
    program = f"""
import os, socket
from relay_server.handover.protocol import Kind, encode
sock = socket.socket(fileno=int(os.environ["{CHANNEL}"]))
{LIES[lie]}
"""

    async def scenario() -> None:
        with built(settings(tmp_path)) as parts:
            giving = Giving(parts, Standstill(parts), None, lambda: None)
            monkeypatch.setattr("relay_server.handover.giving.command_line", lambda: [sys.executable, "-c", program])
            with pytest.raises(OperatorError, match=r"speaks another protocol\. This relay goes on as before"):
                await giving.replace(Replace())
            assert not giving.is_gone

    asyncio.run(scenario())


def test_who_ends_while_a_newcomer_is_buried_waits_for_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = Program.end

    async def scenario() -> None:
        buried = asyncio.Event()

        async def bury(program: Program) -> int:
            buried.set()
            for _ in range(3):
                await asyncio.sleep(0)  # for who waits for the event
            return await end(program)

        with built(settings(tmp_path)) as parts:
            giving = Giving(parts, Standstill(parts), None, lambda: None)
            monkeypatch.setattr("relay_server.handover.giving.command_line", lambda: [sys.executable, "-c", ""])
            monkeypatch.setattr(Program, "end", bury)
            replacing = asyncio.create_task(giving.replace(Replace()))
            await buried.wait()
            await giving.give_up()
            with pytest.raises(OperatorError, match=r"ended with exit code"):
                await replacing

    asyncio.run(scenario())


def test_who_ends_isnt_kept_by_the_time_of_the_standstill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was hurried once isn't given more time."""

    async def scenario() -> None:
        with built(settings(tmp_path)) as parts:
            giving = Giving(parts, Standstill(parts), None, lambda: None)
            monkeypatch.setattr("relay_server.handover.giving.command_line", lambda: [sys.executable, "-c", READY])
            freeze = Standstill.freeze

            def end_and_freeze(standstill: Standstill) -> None:
                giving._hurry(0)  # as who ends does in this turn of the loop
                freeze(standstill)

            monkeypatch.setattr("relay_server.handover.giving.STANDSTILL_SECONDS", 1e6)
            monkeypatch.setattr(Standstill, "freeze", end_and_freeze)
            async with asyncio.timeout(DEADLINE_SECONDS):
                with pytest.raises(OperatorError, match=r"didn't take over in time"):
                    await giving.replace(Replace())
            assert not giving.is_gone

    asyncio.run(scenario())


def test_a_drain_that_begins_meanwhile_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        with built(settings(tmp_path)) as parts:
            giving = Giving(parts, Standstill(parts), None, lambda: None)
            monkeypatch.setattr("relay_server.handover.giving.command_line", lambda: [sys.executable, "-c", READY])
            replacing = asyncio.create_task(giving.replace(Replace()))
            await asyncio.sleep(0)
            parts.operators.draining = True
            with pytest.raises(OperatorError, match=r"drain"):
                await replacing
            assert not giving.is_gone

    asyncio.run(scenario())


def test_homes_are_heard_by_one_process_at_a_time(tmp_path: Path) -> None:
    told: list[str] = []

    async def scenario() -> None:
        with built(settings(tmp_path)) as parts:
            edge = SimpleNamespace(freeze=lambda: told.append("freeze"), start=lambda: told.append("start"))
            parts.tcp.edge = cast("Any", edge)
            standstill = Standstill(parts)
            standstill.freeze()
            assert told == ["freeze"]
            standstill.thaw()
            assert told == ["freeze", "start"]
            parts.tcp.edge = None

    asyncio.run(scenario())


def test_values_of_settings_are_not_logged_and_names_are_checked() -> None:
    assert Replace(environment={"RELAY_CLUSTER_KEY": "secret"}).told() == {"environment": ["RELAY_CLUSTER_KEY"]}
    for environment in ({"": "x"}, {"A=B": "x"}, {"A": "x\0"}):
        with pytest.raises(ValueError, match="can't have this name or value"):
            Replace(environment=environment)


@pytest.mark.parametrize("number", ["x", "-1", "99999"])
def test_the_variable_of_relays_among_themselves_is_no_setting(number: str) -> None:
    environ = {CHANNEL: number}
    with pytest.raises(SettingsError, match=rf"^{CHANNEL} is for relays among themselves: remove it\.$"):
        find_giver(environ)
    assert not environ


def test_who_cant_take_over_tells_the_giver() -> None:
    ours, theirs = socket.socketpair()
    environ = {CHANNEL: str(os.dup(theirs.fileno()))}
    giver = find_giver(environ)
    assert giver is not None
    assert not giver.get_inheritable()
    with pytest.raises(SettingsError), told(giver):
        raise SettingsError("RELAY_X is no setting.")
    (frame,) = FrameReader().feed(ours.recv(1000))
    assert (frame.kind, frame.body) == (Kind.FAILED, b"RELAY_X is no setting.")
    for each in (ours, theirs, giver):
        each.close()
    assert find_giver({}) is None
