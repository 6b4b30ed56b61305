"""A relay that stands still for a moment: nothing is read or sent, so that what another process is told stays true."""

import asyncio
import gc
from typing import Final

from relay_server.parts import Parts

TRANSACTION_SECONDS: Final = 0.25
"""So long requests that are under way may take to be answered, before they are refused with status 11."""
LEAVE_SECONDS: Final = 1.5
"""So long what was written may take to be sent, before the process ends; an answer lingers for 1 s."""
_LOOK_SECONDS: Final = 0.005


class Standstill:
    """Stops the ports of a relay in order, and lets them go on, or leaves them to another process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._loop = asyncio.get_running_loop()
        self.is_frozen = False
        """Whether nothing may change: no deadline, no operator's command."""

    async def settle(self) -> None:
        """Accept nobody any more, and let requests that are under way be answered."""
        parts, deadline = self._parts, self._loop.time() + TRANSACTION_SECONDS
        parts.tcp.pause()
        if parts.web:
            parts.web.pause()
        while self._are_under_way() and self._loop.time() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)

    def freeze(self) -> None:
        """Finish what was read, and read and send nothing more."""
        parts = self._parts
        gc.disable()
        parts.tcp.freeze()
        if parts.web:
            parts.web.freeze()
        parts.flush()
        for port in parts.udp:
            port.freeze()
        if parts.keeper:
            parts.keeper.pause()
        if parts.admin:
            parts.admin.is_frozen = True
        self.is_frozen = True

    def thaw(self) -> None:
        """Go on as if nothing had been; to be called after `settle`, too."""
        parts = self._parts
        if self.is_frozen:
            self.is_frozen = False
            gc.enable()
            if parts.keeper:
                parts.keeper.resume()
            if parts.admin:
                parts.admin.is_frozen = False
            for port in parts.udp:
                port.start()
        parts.tcp.resume()
        if parts.web:
            parts.web.resume()

    async def leave(self) -> None:
        """Close every connection without a farewell: clients resume at the process that took over."""
        parts, deadline = self._parts, self._loop.time() + LEAVE_SECONDS
        parts.tcp.streams.leave()
        if parts.web:
            parts.web.leave()
        while self._loop.time() < deadline and (
            parts.tcp.connections or parts.tcp.streams.connections or (parts.web and parts.web.open_connections)
        ):
            await asyncio.sleep(_LOOK_SECONDS)

    def _are_under_way(self) -> bool:
        parts = self._parts
        ports = [parts.tcp, *([parts.web] if parts.web else [])]
        return parts.tcp.workers.are_busy or any(port.connections.are_under_way for port in ports)
