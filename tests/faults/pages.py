"""Browsers that attack: their requests and WebSockets are ours to choose."""

import json
import socket
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Any, Self

from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conformance.wire import WAIT_SECONDS


class Pages:
    """Opens WebSockets of one relay; they close with it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def open(
        self, origin: str | None = "http://127.0.0.1:{port}", *, source: str = "127.0.0.1", **headers: str
    ) -> ClientConnection:
        """Open one from a local address.

        Raises:
            InvalidStatus: the relay refuses it.

        """
        named = Origin(origin.format(port=self._port)) if origin is not None else None
        page = self._opened.enter_context(connect(
            f"ws://127.0.0.1:{self._port}/chat", origin=named, compression=None, proxy=None, max_size=None,
            additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
            source_address=(source, 0), ping_interval=None,
        ))  # fmt: skip
        self._opened.callback(_cut, page)
        return page

    def status(self, origin: str | None) -> int:
        """Return what the handshake of a page with this origin is answered."""
        try:
            self.open(origin)
        except InvalidStatus as refused:
            return refused.response.status_code
        return 101

    def join(
        self, room: str, name: str, *, source: str = "127.0.0.1", headers: Mapping[str, str] | None = None, **join: Any
    ) -> tuple[ClientConnection, dict[str, Any]]:
        """Ask to be let in; returns the answer, too."""
        page = self.open(source=source, **(headers or {}))
        page.send(json.dumps({"join": {"room": room, "name": name, **join}}))
        answer: dict[str, Any] = json.loads(page.recv(WAIT_SECONDS))
        if not answer["status"]:
            page.send('{"ping":1}')  # who never speaks loses its place
        return page, answer


def _cut(page: ClientConnection) -> None:
    """End it without a farewell, which would take its time where a relay has cut the connection or doesn't answer."""
    with suppress(OSError):
        page.socket.shutdown(socket.SHUT_RDWR)
