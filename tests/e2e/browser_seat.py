"""A page of a browser that keeps its seat: it resumes, and says again what wasn't answered (WEB-02, STR-05)."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

DEADLINE_SECONDS: Final = 20.0


class Browser:
    """Somebody in the room `tea`, by a WebSocket to this port; ann makes the room."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.heard: list[str] = []
        self.unanswered: dict[int, str] = {}
        self.words = self.resumes = 0
        self._port = port
        self._place: dict[str, Any] = {}
        self._newest = 0
        self._socket: ClientConnection | None = None
        self._is_in = asyncio.Event()
        self._came = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay())
        await self._is_in.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something to become true by what comes."""
        async with asyncio.timeout(DEADLINE_SECONDS), self._came:
            await self._came.wait_for(true)

    async def say(self) -> None:
        """Say the next word; it is said again until it is answered."""
        self.words += 1
        self.unanswered[self.words] = f"word {self.words}"
        await self._say(self.words)

    async def _say(self, number: int) -> None:
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await self._socket.send(json.dumps({"say": self.unanswered[number], "n": number}))

    async def _stay(self) -> None:
        while True:
            try:
                async with connect(
                    f"ws://127.0.0.1:{self._port}/chat", origin=Origin(f"http://127.0.0.1:{self._port}"),
                    compression=None, proxy=None,
                ) as socket:  # fmt: skip
                    await self._chat(socket)
            except (ConnectionClosed, OSError):
                await asyncio.sleep(0.02)
            finally:
                self._socket = None

    async def _chat(self, socket: ClientConnection) -> None:
        fields: dict[str, Any] = {"room": "tea", "name": self.name, "features": ["resume"]}
        if self._place:
            fields |= {"resume": self._place["resume"], "epoch": self._place["epoch"], "heard": self._newest}
        await socket.send(
            json.dumps({"join": fields | ({} if self._place or self.name != "ann" else {"create": True})})
        )
        answer = json.loads(await socket.recv())
        assert answer["reason"] == "ok", answer
        if self._place:
            assert answer["epoch"] == self._place["epoch"]
            self.resumes += 1
        self._place, self._socket = answer, socket
        await socket.send(json.dumps({"ping": 0}))
        for number in list(self.unanswered):
            await self._say(number)
        self._is_in.set()
        async for message in socket:
            self._take(json.loads(message))
            async with self._came:
                self._came.notify_all()

    def _take(self, line: dict[str, Any]) -> None:
        assert "refused" not in line, line
        assert "gone" not in line, line
        self._newest = line.get("seq", self._newest)
        if "took" in line:
            self.unanswered.pop(line["took"], None)
        elif "text" in line:
            self.heard.append(line["text"])
