"""From names to addresses."""

import asyncio
import socket
from queue import Queue
from typing import TYPE_CHECKING

import pytest

from chatbrain.findings import NO_ZONE
from chatclient import Fault, Finding
from chatclient.names import Address, Lookup

if TYPE_CHECKING:
    from collections.abc import Callable

Found = list[Address] | Finding


def look_up(host: str) -> Found:
    async def scenario() -> Found:
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        Lookup(host, found.set_result, asyncio.get_running_loop().call_soon_threadsafe)
        assert not found.done()
        return await found

    return asyncio.run(scenario())


def test_a_numeric_address_needs_no_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.Thread", pytest.fail)
    found = look_up("::1")
    assert found == [Address(socket.AF_INET6, ("::1", 0, 0, 0))]
    assert isinstance(found, list)
    assert (found[0].at(7), str(found[0])) == (("::1", 7, 0, 0), "::1")


def test_localhost_is_known() -> None:
    found = look_up("localhost")
    assert isinstance(found, list)
    assert "127.0.0.1" in map(str, found)


@pytest.mark.parametrize(("host", "fault"), [("a..b", Fault.BAD_HOST), ("no.such.host.invalid", Fault.UNKNOWN_HOST)])
def test_a_host_that_is_none(host: str, fault: Fault) -> None:
    found = look_up(host)
    assert isinstance(found, Finding)
    assert found.fault is fault


def test_a_link_local_address_needs_its_interface() -> None:
    assert look_up("fe80::1") == NO_ZONE
    found = look_up("fe80::1%1")
    assert isinstance(found, list)
    assert [address.name[3] for address in found] == [1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_asking_can_be_given_up(host: str) -> None:
    calls: Queue[Callable[[], None]] = Queue()
    told: list[Found] = []
    given_up, asked = (Lookup(host, told.append, calls.put) for _ in range(2))
    given_up.cancel()
    for _ in range(2):
        calls.get(timeout=20)()
    assert len(told) == 1
    asked.cancel()
