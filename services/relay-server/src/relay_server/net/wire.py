"""The loop's transport as transactions and TLS may use it: what comes after its end is dropped, not an error."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

from relay_server.net.delivery import is_under_way, was_reset


class Layer(asyncio.Transport):
    """A transport over another one, which does whatever this one doesn't do itself."""

    __slots__ = ("_below",)

    def __init__(self, below: asyncio.Transport) -> None:
        super().__init__()
        self._below = below

    def can_write_eof(self) -> bool:
        """Tell whether the sending side can be ended by itself."""
        return self._below.can_write_eof()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known about the connection."""
        return self._below.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait to be sent."""
        return self._below.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Say how much may wait to be sent before its protocol is told."""
        self._below.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        """Take nothing from the client until `resume_reading`."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Take what the client sends again."""
        self._below.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let this protocol have what comes from now on."""
        self._below.set_protocol(protocol)

    def is_closing(self) -> bool:
        """Tell whether the connection is closed or about to be."""
        return self._below.is_closing()

    def close(self) -> None:
        """Close the connection once everything is sent."""
        self._below.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._below.abort()


class ClientTransport(Layer, ABC):
    """A transport that knows whether a client got what was written last."""

    __slots__ = ()

    @abstractmethod
    def is_under_way(self) -> bool:
        """Tell whether bytes that were written haven't been confirmed by the other system."""

    @abstractmethod
    def has_lost_answer(self, error: Exception | None, *, half_closed: bool) -> bool:
        """Tell whether the client went before its answer came, when the connection is gone.

        ``half_closed``: the client had ended its sending side.
        """


class Wire(ClientTransport):
    """A connection's transport; every byte that leaves on TCP passes here, whoever writes it.

    Both loops raise an error for a write after ``write_eof``. TLS writes by itself, for a handshake, a key update or an
    alert, so no caller can know that it won't: the guard is here, once.
    """

    __slots__ = ("_ended",)

    def __init__(self, below: asyncio.Transport) -> None:
        super().__init__(below)
        self._ended = False

    @property
    def is_open(self) -> bool:
        """Whether a write would still be sent."""
        return not self._ended and not self._below.is_closing()

    def is_under_way(self) -> bool:
        """Tell whether bytes that were written haven't been confirmed by the other system."""
        return is_under_way(self._below)

    def has_lost_answer(self, error: Exception | None, *, half_closed: bool) -> bool:
        """Tell whether the client went before its answer came, when the connection is gone.

        What reaches a closed socket is answered by a reset. ``half_closed``: the client had ended its sending side.
        """
        if half_closed:
            return error is not None or was_reset(self._below)
        return not isinstance(error, ConnectionResetError | None)  # a client may reset what it has read to the end

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, unless the sending side has ended."""
        if self.is_open:
            self._below.write(data)

    def write_eof(self) -> None:
        """End the sending side; nothing happens a second time."""
        if self.is_open and self._below.can_write_eof():
            with suppress(OSError):  # the peer went this very moment, and asyncio hasn't seen it yet
                self._below.write_eof()
        self._ended = True
