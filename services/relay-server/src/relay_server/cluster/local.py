"""A directory in memory, for several nodes of one process: what the tests of nodes compare NATS with."""

from itertools import count

from relay_server.cluster.base import AwayError, Change, Found, GoneError, Listener, StaleError, TakenError


class Shared:
    """What the nodes have in common: the entries, and who is there."""

    def __init__(self) -> None:
        self.entries: dict[str, Found] = {}
        self.present: dict[str, LocalDirectory] = {}
        self._revisions = count(1)

    def write(self, key: str, value: bytes | None) -> int:
        """Write or delete a key, and tell everybody."""
        revision = next(self._revisions)
        if value is None:
            del self.entries[key]
        else:
            self.entries[key] = Found(revision, value)
        for directory in list(self.present.values()):
            directory.listener.on_change(Change(key, revision, value))
        return revision


class LocalDirectory:
    """One node's access to what they share; see `base.Directory`."""

    listener: Listener

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._node = ""

    @property
    def is_connected(self) -> bool:
        """Whether calls have a chance."""
        return self._shared.present.get(self._node) is self

    async def start(self, node: str, listener: Listener) -> None:
        """Connect, and list all there is."""
        self._node, self.listener = node, listener
        self.connect()

    def connect(self) -> None:
        """Come to the others."""
        self.listener.on_listing()
        for key, found in self._shared.entries.items():
            self.listener.on_change(Change(key, found.revision, found.value))
        self._shared.present[self._node] = self
        self.listener.on_caught_up()

    def disconnect(self) -> None:
        """Lose the others."""
        del self._shared.present[self._node]
        self.listener.on_away()

    async def close(self) -> None:
        """Go away from the others."""
        if self.is_connected:
            del self._shared.present[self._node]

    async def create(self, key: str, value: bytes) -> int:
        """Write a key that isn't there."""
        if await self.get(key) is not None:
            raise TakenError
        return self._shared.write(key, value)

    async def put(self, key: str, value: bytes, revision: int) -> int:
        """Write a key whose newest revision is this one."""
        await self._compare(key, revision)
        return self._shared.write(key, value)

    async def get(self, key: str) -> Found | None:
        """Read a key as it is now."""
        if not self.is_connected:
            raise AwayError
        return self._shared.entries.get(key)

    async def delete(self, key: str, revision: int) -> None:
        """Delete a key whose newest revision is this one."""
        await self._compare(key, revision)
        self._shared.write(key, None)

    async def ask(self, node: str, data: bytes) -> bytes:
        """Ask a node."""
        if not self.is_connected:
            raise AwayError
        asked = self._shared.present.get(node)
        if asked is None:
            raise GoneError
        return asked.listener.on_ask(data)

    async def beat(self, data: bytes) -> None:
        """Tell all nodes something."""
        if self.is_connected:
            for directory in list(self._shared.present.values()):
                directory.listener.on_beat(data)

    async def _compare(self, key: str, revision: int) -> None:
        found = await self.get(key)
        if found is None or found.revision != revision:
            raise StaleError
