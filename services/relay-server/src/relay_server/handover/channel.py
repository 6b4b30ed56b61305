"""The socket between the old process and the new one: frames, and descriptors beside them."""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from relay_server.handover.protocol import Begin, Frame, FrameReader, GoneError, HandoverError, Hello, Kind, encode

RECEIVE_BYTES: Final = 262_144
MAX_DESCRIPTORS: Final = 253
"""The kernel takes no more at once (``SCM_MAX_FD``)."""


class Channel:
    """One end of it, on the running loop."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._frames: deque[Frame] = deque()
        self.descriptors: list[int] = []
        """Those that came, and that nobody took yet."""

    async def send(self, kind: Kind, body: bytes | Hello | Begin = b"", descriptors: Sequence[int] = ()) -> None:
        """Send a frame; returns when the kernel has all of it.

        Raises:
            HandoverError: the other end is closed.

        """
        data = encode(kind, body)
        try:
            if descriptors:
                data = data[await self._send_with(descriptors, data) :]
            await self._loop.sock_sendall(self._sock, data)
        except OSError:
            raise GoneError("The other process is gone.") from None

    async def _send_with(self, descriptors: Sequence[int], data: bytes) -> int:
        """Send the first bytes, with which the descriptors travel; returns how many those were."""
        while True:
            try:
                return socket.send_fds(self._sock, [data], descriptors)
            except BlockingIOError:
                await self._ready(self._loop.add_writer, self._loop.remove_writer)

    async def receive(self) -> Frame:
        """Return the next frame.

        Raises:
            HandoverError: the other end is closed, or speaks another protocol, or has failed.

        """
        while not self._frames:
            await self._ready(self._loop.add_reader, self._loop.remove_reader)
            try:
                data, descriptors, _, _ = socket.recv_fds(self._sock, RECEIVE_BYTES, MAX_DESCRIPTORS)
            except BlockingIOError:
                continue
            except OSError:
                data, descriptors = b"", []
            for number in descriptors:
                os.set_inheritable(number, False)
            self.descriptors += descriptors
            if not data:
                raise GoneError("The other process is gone.")
            self._frames += self._reader.feed(data)
        frame = self._frames.popleft()
        if frame.kind is Kind.FAILED:
            raise HandoverError(frame.body.decode(errors="replace"))
        return frame

    def take_descriptors(self, count: int) -> list[int]:
        """Return the next descriptors that came along with frames; whoever gets them closes them.

        Raises:
            HandoverError: there are fewer.

        """
        if len(self.descriptors) < count:
            raise HandoverError("The other process gave other descriptors than it said.")
        taken, self.descriptors = self.descriptors[:count], self.descriptors[count:]
        return taken

    async def expect(self, kind: Kind) -> bytes:
        """Return the body of the next frame, which is to be of this kind.

        Raises:
            HandoverError: as for `receive`, or it is of another kind.

        """
        frame = await self.receive()
        if frame.kind is not kind:
            raise HandoverError("The other process speaks another protocol.")
        return frame.body

    def close(self) -> None:
        """Close this end, and descriptors that nobody took."""
        self._sock.close()
        for number in self.descriptors:
            os.close(number)
        self.descriptors.clear()

    async def _ready(self, watch: Callable[..., Any], ignore: Callable[..., Any]) -> None:
        """Wait until the socket is ready for what the loop watches it for."""
        ready: asyncio.Future[None] = self._loop.create_future()

        def tell() -> None:
            if not ready.done():
                ready.set_result(None)

        watch(self._sock, tell)
        try:
            await ready
        finally:
            ignore(self._sock)
