"""What NATS lists when a node connects is whole before the node acts on it."""

import pytest
from nats.js.kv import KeyValue

from relay_server.cluster.nats import Access
from services.relay_server.cluster.hearing import Hearing
from services.relay_server.cluster.nats_server import NatsServer
from services.relay_server.cluster.test_nats import started
from services.relay_server.net.loopback import Run, until


class Copying(Hearing):
    """Notes what it knew when it had heard all."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[set[str]] = []

    def on_caught_up(self) -> None:
        super().on_caught_up()
        self.known.append(set(self.entries))


@pytest.mark.slow
@pytest.mark.parametrize("arrives", [True, False], ids=["late", "never"])
def test_what_arrives_late_is_part_of_the_listing(
    server: NatsServer, run: Run, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    """NATS' client says that there is nothing if what the server sent hasn't arrived yet: once in a thousand times."""
    watchall, early = KeyValue.watchall, 0

    async def hasty(rooms: KeyValue) -> KeyValue.KeyWatcher:
        nonlocal early
        watcher = await watchall(rooms)
        if early == 0:
            updates = watcher._updates
            await until(lambda: updates.qsize() == 2)
            entry, end = updates.get_nowait(), updates.get_nowait()
            assert end is None
            updates.put_nowait(end)
            if arrives:
                updates.put_nowait(entry)
        early += 1
        return watcher

    async def scenario() -> None:
        async with started(Access((server.address,)), Hearing()) as directory:
            await until(lambda: directory.is_connected)
            await directory.create("room.a", b"")
        monkeypatch.setattr(KeyValue, "watchall", hasty)
        hearing = Copying()
        async with started(Access((server.address,)), hearing):
            await until(lambda: bool(hearing.known))
            assert hearing.known == [{"room.a"}]
            assert hearing.listings == early == (1 if arrives else 2)

    run(scenario)
