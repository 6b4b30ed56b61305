"""The life of a relay: start, serve until a signal, drain, stop (EVI-06)."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

import structlog

from relay_server import __version__
from relay_server.built import BUILD
from relay_server.doctor import linux
from relay_server.net.supervisor import Pulse, State, tell_supervisor
from relay_server.operator.moving import Moving
from relay_server.parts import Parts
from relay_server.telemetry.metrics import Component
from relay_server.tls.server import reload

if TYPE_CHECKING:
    from relay_server.node_parts import NodeParts

TICK_SECONDS: Final = 0.5
"""The longest sleep between two looks at the next deadline."""
HAND_OVER_SECONDS: Final = 3.0
"""How long a node that ends tries to let others have its rooms."""
HAND_OVER_STEP_SECONDS: Final = 0.02
DRAIN_SECONDS: Final = 0.5
"""How long joins are still answered, with status 12, after the members were told."""
STANDARD_INPUT: Final = 0

log = structlog.get_logger()


class Lifecycle:
    """Runs the parts of one relay on the running event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._loop = asyncio.get_running_loop()
        self._signalled = False
        self._pulse = Pulse(os.environ)
        self._tasks: set[asyncio.Task[None]] = set()
        self._node_task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_soon(self._tick, self._loop.time())

    async def run(self) -> int:
        """Serve until the relay is to end; returns the exit code."""
        self._start()
        tell_supervisor(State.READY, os.environ)
        await self._parts.stopping.wait()
        tell_supervisor(State.STOPPING, os.environ)
        if self._parts.node:
            await self._hand_over(self._parts.node)
        await self._drain()
        await self._stop()
        return 1 if self._parts.crashes.happened else 0

    def _start(self) -> None:
        parts, attended = self._parts, os.isatty(STANDARD_INPUT)
        self._loop.set_exception_handler(parts.crashes.on_loop_error)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_signal, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._on_hangup, attended)
        parts.tcp.start(parts.sockets.tcp)
        if parts.web and parts.sockets.web:
            parts.web.start(parts.sockets.web)
        if parts.ops and parts.sockets.ops:
            self._run_task(parts.ops.run(parts.sockets.ops), "the operators' HTTP port ended")
        if parts.admin:
            self._run_task(parts.admin.run(), "the operators' socket ended")
        if parts.node and parts.link_port and parts.sockets.link:
            parts.link_port.start(parts.sockets.link)
            self._node_task = self._run_task(parts.node.cluster.run(), "the node left its cluster")
        self._say_started()
        gc.collect()
        gc.freeze()  # what is there now stays: later collections need not look at it

    def _run_task(self, work: Coroutine[Any, Any, None], message: str) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._parts.crashes.watch(task, message, is_expected=self._parts.stopping.is_set)
        self._tasks.add(task)
        return task

    def _tick(self, due: float) -> None:
        """Evict who is due, and sleep until the next deadline."""
        parts, now = self._parts, self._loop.time()
        parts.tally.lag.observe(now - due, now)
        parts.registry.expire(now)
        parts.lobby.expire(now)
        if parts.node:
            parts.node.members.expire(now)
        parts.flush()
        parts.operators.check_drain(now)
        if any(sock and sock.fileno() < 0 for sock in parts.sockets.listening):
            # uvloop may give one up without a word.
            parts.crashes.crash(Component.LOOP, "a listening socket was closed", None)
        self._pulse.beat(now)
        deadline = min(parts.registry.next_deadline(), parts.lobby.next_deadline(), now + TICK_SECONDS)
        self._timer = self._loop.call_at(deadline, self._tick, deadline)

    def _say_started(self) -> None:
        settings, granted = self._parts.settings, self._parts.udp[0].receive_buffer_bytes
        log.info(
            "listening", version=__version__, build=BUILD, host=settings.host, tcp_port=settings.tcp_port,
            udp_port=settings.udp_port, lobby_port=settings.lobby_port, ops_port=settings.ops_port,
            web_port=settings.web_port,
            tls="off" if not self._parts.tls else "required" if settings.tls_required else "on",
            streams=settings.streams.value, loop=settings.event_loop.value,
        )  # fmt: skip
        if self._parts.web:
            link = self._parts.web.link(settings.host, settings.web_port)
            log.info("page_served", link=link)
            if sys.stdout and sys.stdout.isatty():
                print(f"Chat in a browser: {link}", flush=True)
        if granted < settings.receive_buffer_bytes:
            log.warning(
                "receive_buffer_small", granted_bytes=granted, wanted_bytes=settings.receive_buffer_bytes,
                advice="raise net.core.rmem_max, or bursts of datagrams are lost in the kernel",
            )  # fmt: skip
        container = linux.container(os.environ)
        if container and container.rootless:
            log.warning(
                "addresses_may_be_hidden",
                advice="a rootless container engine may hide the members' addresses: relay-server doctor tells",
            )

    def _on_signal(self, number: int) -> None:
        if self._signalled:
            os._exit(128 + number)  # asked twice: at once
        self._signalled = True
        self._parts.stopping.set()
        log.info("stopping", signal=signal.Signals(number).name)

    def _on_hangup(self, attended: bool) -> None:
        """Read the certificate anew; or stop, if that was the sound of the relay's terminal being closed."""
        if not attended or os.isatty(STANDARD_INPUT):
            reload(self._parts.tls)
            if self._parts.node and self._parts.tls:
                self._parts.node.cluster.show_certificate(self._parts.tls.certificate.fingerprint)
        elif not self._parts.stopping.is_set():  # a shell says it once more
            self._on_signal(signal.SIGHUP)

    async def _hand_over(self, node: "NodeParts") -> None:
        """Let other nodes have the rooms, if any takes them in time: their members follow (CLU-05)."""
        registry = self._parts.registry
        cluster = node.for_operators(registry)
        moving, deadline = Moving(registry, cluster), self._loop.time() + HAND_OVER_SECONDS
        if not moving.takers:
            return
        cluster.leave()
        registry.admission.close(forwards=True)
        while registry.rooms and self._loop.time() < deadline:
            moving.go_on(self._loop.time())
            await asyncio.sleep(HAND_OVER_STEP_SECONDS)

    async def _drain(self) -> None:
        """Tell every member, and answer joins with status 12 for a moment."""
        self._timer.cancel()
        for farewell in (self._parts.registry.shut_down, self._parts.lobby.shut_down, self._parts.flush):
            with self._parts.crashes.caught(Component.DRAIN, "the farewell failed"):
                farewell()
        await asyncio.sleep(DRAIN_SECONDS)

    async def _stop(self) -> None:
        """Close every port."""
        parts = self._parts
        servers = [server for server in (parts.ops, parts.admin) if server]
        webs = [parts.web.close] if parts.web else []
        for close in (*webs, parts.tcp.close, *(port.close for port in parts.udp), *(one.stop for one in servers)):
            with parts.crashes.caught(Component.DRAIN, "a port couldn't be closed"):
                close()
        if parts.node and parts.link_port and self._node_task:
            parts.link_port.close()
            await parts.node.cluster.close()
            self._node_task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        log.info("stopped", unexpected_errors=parts.tally.unexpected_errors.total())
