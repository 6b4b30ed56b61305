"""A relay that stands still for a moment: nothing is read or sent, so that what another process is told stays true."""

import asyncio
import gc
from typing import Final

from relay_server.parts import Parts

STEP_SECONDS: Final = 0.005
ANSWER_STEPS: Final = 50
"""Requests that are under way may take so many steps to be answered, before they are refused with status 11."""
LEAVE_STEPS: Final = 300
"""What was written may take so many steps to be sent, before the process ends; an answer lingers for 1 s."""


class Standstill:
    """Stops the ports of a relay in order, and lets them go on, or leaves them to another process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.is_frozen = False
        """Whether nothing may change: no deadline, no operator's command."""

    async def settle(self) -> None:
        """Accept nobody any more, and let requests that are under way be answered."""
        parts = self._parts
        parts.tcp.pause()
        if parts.web:
            parts.web.pause()
        for _ in range(ANSWER_STEPS):
            if not self._are_under_way():
                break
            await asyncio.sleep(STEP_SECONDS)

    def freeze(self) -> None:
        """Finish what was read, and read and send nothing more."""
        parts = self._parts
        gc.disable()
        parts.tcp.freeze()
        if parts.web:
            parts.web.freeze()
        parts.tcp.workers.give_up()  # hosts who wait for a new password: this process couldn't tell them any more
        parts.flush()
        for port in parts.udp:
            port.freeze()
        if parts.keeper:
            parts.keeper.pause()
        if parts.node and parts.link_port:
            parts.node.cluster.freeze()
            parts.link_port.pause()
        if parts.tcp.edge:
            parts.tcp.edge.freeze()
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
            if parts.node and parts.link_port:
                parts.node.cluster.thaw()
                parts.link_port.resume()
            if parts.admin:
                parts.admin.is_frozen = False
            for port in parts.udp:
                port.start()
            if parts.tcp.edge:
                parts.tcp.edge.start()
        parts.tcp.resume()
        if parts.web:
            parts.web.resume()

    async def leave(self) -> None:
        """Close every connection without a farewell: clients resume at the process that took over."""
        parts = self._parts
        if parts.tcp.edge:
            parts.tcp.edge.leave()
        parts.tcp.streams.leave()
        if parts.web:
            parts.web.leave()
        for _ in range(LEAVE_STEPS):
            if not (parts.tcp.connections or parts.tcp.streams.connections or self._has_pages()):
                break
            await asyncio.sleep(STEP_SECONDS)
        if parts.node:
            await parts.node.cluster.leave()

    def _are_under_way(self) -> bool:
        tcp, web = self._parts.tcp, self._parts.web
        joins = tcp.connections.are_under_way or (web is not None and web.connections.are_under_way)
        return joins or tcp.workers.are_busy

    def _has_pages(self) -> bool:
        web = self._parts.web
        return web is not None and web.open_connections > 0
