"""Questions over links that a node answers with more than a line: all that comes until it closes the link."""

import asyncio
from typing import Final

from relay_server.core.places import Node
from relay_server.net.hello import Hello, Kind
from relay_server.net.links import LinkError, Links

MAX_ANSWER_BYTES: Final = 64 * 2**20
"""A hundred thousand rooms with long names and topics take 40 MiB."""


async def ask_over_link(links: Links, node: Node, kind: Kind) -> bytes:
    """Ask a node; returns all that it says.

    Raises:
        OSError: it can't be reached, or says too much, or the link was cut before all was said.

    """
    answer = _Answer()
    transport = await links.open_link(node, Hello(kind, links.node), answer)
    try:
        return await answer.whole
    finally:
        transport.abort()


class _Answer:
    """Collects an answer."""

    def __init__(self) -> None:
        self.whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._data = bytearray()

    def data_received(self, data: bytes) -> None:
        """Take a piece."""
        self._data += data
        if len(self._data) > MAX_ANSWER_BYTES:
            self._fail("The node says too much.")

    def eof_received(self) -> bool:
        """Take note that all was said."""
        if not self.whole.done():
            self.whole.set_result(bytes(self._data))
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        """Take note that nothing more comes."""
        self._fail("The link was cut.")

    def pause_writing(self) -> None:
        """Do nothing: nothing is said."""

    resume_writing = pause_writing

    def _fail(self, sentence: str) -> None:
        if not self.whole.done():
            self.whole.set_exception(LinkError(sentence))
            self.whole.exception()  # who waited may have given up
