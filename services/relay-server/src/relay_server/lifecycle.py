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
from relay_server.handover.giving import Giving
from relay_server.handover.obstacles import find_obstacle
from relay_server.handover.standstill import Standstill
from relay_server.handover.taking import Taking
from relay_server.net.supervisor import Pulse, State, keep_sockets, tell_reloading, tell_supervisor
from relay_server.operator.moving import Moving
from relay_server.parts import Parts
from relay_server.telemetry.metrics import Component
from relay_server.tls.server import reload

if TYPE_CHECKING:
    from relay_server.node_parts import NodeParts
    from relay_server.state.keeper import Keeper

TICK_SECONDS: Final = 0.5
"""The longest sleep between two looks at the next deadline."""
HAND_OVER_SECONDS: Final = 3.0
"""How long a node that ends tries to let others have its rooms."""
HAND_OVER_STEP_SECONDS: Final = 0.02
RECLAIM_SECONDS: Final = 1.0
"""How long a node that was started again reads no datagrams, so that none is lost before its rooms are there."""
RECLAIM_STEP_SECONDS: Final = 0.005
DRAIN_SECONDS: Final = 0.5
"""How long joins are still answered, with status 12, after the members were told."""
FINISH_STEPS: Final = 50
FINISH_STEP_SECONDS: Final = 0.005
"""Joins that were granted may take so many steps to be told so, before a relay ends without a farewell."""
STANDARD_INPUT: Final = 0

log = structlog.get_logger()


class Lifecycle:
    """Runs the parts of one relay on the running event loop."""

    def __init__(self, parts: Parts, taking: Taking | None = None) -> None:
        """Make it of built parts; ``taking`` is there if another process hands over to this one."""
        self._parts = parts
        self._taking = taking
        self._loop = asyncio.get_running_loop()
        self._signalled = self._terminated = False
        self._standstill = Standstill(parts)
        self._left = asyncio.Event()
        """Set when another process has taken over."""
        self._giving = Giving(
            parts,
            self._standstill,
            None if taking else find_obstacle(os.environ, os.getpid(), os.getppid()),
            self._left.set,
        )
        self._pulse = Pulse({})
        self._tasks: set[asyncio.Task[None]] = set()
        self._node_task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_soon(self._tick, self._loop.time())

    async def run(self) -> int:
        """Serve until the relay is to end; returns the exit code."""
        self._start()
        if self._taking:
            await self._taking.serve()
        self._pulse = Pulse(os.environ)
        if self._parts.keeper:  # else nobody is known who could still use them, and all notice at once if they close
            keep_sockets(self._parts.sockets.by_name, os.environ)
        tell_supervisor(State.READY, os.environ)
        await _first_of(self._parts.stopping, self._left)
        await self._giving.give_up()
        if self._giving.is_gone:
            return await self._leave()
        tell_supervisor(State.STOPPING, os.environ)
        if self._parts.node:
            await self._hand_over(self._parts.node)
        if not await self._is_saved():
            await self._drain()
        await self._stop()
        return 1 if self._parts.crashes.happened else 0

    def _start(self) -> None:
        parts, attended = self._parts, os.isatty(STANDARD_INPUT)
        if self._taking:
            self._go_on()
        else:
            self._begin()
        self._loop.set_exception_handler(parts.crashes.on_loop_error)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_signal, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._on_hangup, attended)
        self._say_started()
        self._serve()

    def _begin(self) -> None:
        gc.freeze()  # what is there now stays, and so may the little garbage in it: no collection need look at it
        gc.enable()
        if self._parts.keeper:
            _restore(self._parts.keeper, self._parts.node)  # before anybody is heard; members don't stay

    def _go_on(self) -> None:
        """Go on where another process stopped, and at once."""
        if keeper := self._parts.keeper:
            keeper.start(gradually=True)

    def _serve(self) -> None:
        parts = self._parts
        for port in parts.udp[1:]:
            port.start()
        self._hear_rooms(self._loop.time() + RECLAIM_SECONDS)
        if parts.tcp.edge:
            parts.tcp.edge.start()
        parts.tcp.start(parts.sockets.tcp)
        if parts.web and parts.sockets.web:
            parts.web.start(parts.sockets.web)
        if parts.ops and parts.sockets.ops:
            self._run_task(parts.ops.run(parts.sockets.ops), "the operators' HTTP port ended")
        if parts.admin:
            parts.admin.add("replace", self._giving.command)
            self._run_task(parts.admin.run(), "the operators' socket ended")
        if parts.node and parts.link_port and parts.sockets.link:
            parts.link_port.start(parts.sockets.link)
            self._node_task = self._run_task(parts.node.cluster.run(), "the node left its cluster")

    def _hear_rooms(self, latest: float) -> None:
        """Read what is for rooms when those are here again that a node had; until then it waits in the kernel."""
        node = self._parts.node
        if node and node.reclaiming.is_waiting and self._loop.time() < latest:
            self._loop.call_later(RECLAIM_STEP_SECONDS, self._hear_rooms, latest)
        elif not self._is_ending():
            self._parts.udp[0].start()

    def _run_task(self, work: Coroutine[Any, Any, None], message: str) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._parts.crashes.watch(task, message, is_expected=self._is_ending)
        self._tasks.add(task)
        return task

    def _is_ending(self) -> bool:
        return self._parts.stopping.is_set() or self._left.is_set()

    def _tick(self, due: float) -> None:
        """Evict who is due, and sleep until the next deadline."""
        parts, now = self._parts, self._loop.time()
        if self._standstill.is_frozen:
            self._timer = self._loop.call_at(now + TICK_SECONDS, self._tick, now + TICK_SECONDS)
            return
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
        if self._parts.web:  # last, where people look
            link = self._parts.web.link(settings.host, settings.web_port)
            log.info("page_served", link=link)
            if sys.stdout and sys.stdout.isatty():
                print(f"Chat in a browser: {link}", flush=True)

    def _on_signal(self, number: int) -> None:
        if self._signalled:
            os._exit(128 + number)  # asked twice: at once
        self._signalled, self._terminated = True, number == signal.SIGTERM
        self._parts.stopping.set()
        log.info("stopping", signal=signal.Signals(number).name)

    def _on_hangup(self, attended: bool) -> None:
        """Read the certificate anew; or stop, if that was the sound of the relay's terminal being closed."""
        if not attended or os.isatty(STANDARD_INPUT):
            tell_reloading(os.environ)
            reload(self._parts.tls)
            if self._parts.node and self._parts.tls:
                self._parts.node.cluster.show_certificate(self._parts.tls.certificate.fingerprint)
            tell_supervisor(State.READY, os.environ)
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

    async def _is_saved(self) -> bool:
        """Tell whether the next relay has everybody, who so needn't know that this one ends (CONT-02).

        It is to have them after a SIGTERM; and after an error, unless that may come of what was restored.
        """
        keeper, crashed = self._parts.keeper, self._parts.crashes.happened
        if keeper is None or not (keeper.is_proven if crashed else self._terminated):
            return False
        self._timer.cancel()
        self._parts.registry.admission.close()
        await self._finish_joins()
        with self._parts.crashes.caught(Component.DRAIN, "the state couldn't be saved"):
            self._parts.flush()
            keeper.save()
        return keeper.journal.is_current

    async def _finish_joins(self) -> None:
        """Let those be told who were granted a join; others get status 12."""
        for _ in range(FINISH_STEPS):
            if not self._parts.tcp.is_granting:
                break
            await asyncio.sleep(FINISH_STEP_SECONDS)

    async def _leave(self) -> int:
        """End without a farewell: another process goes on with everything. Returns the exit code."""
        parts = self._parts
        self._timer.cancel()
        if parts.ops:
            parts.ops.leave()
        if parts.admin:
            parts.admin.leave()
        await self._standstill.leave()
        if parts.node and parts.link_port and self._node_task:
            parts.link_port.close()
            self._node_task.cancel()
        parts.tcp.workers.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        log.info("left")
        return 0

    async def _drain(self) -> None:
        """Tell every member, and answer joins with status 12 for a moment."""
        self._timer.cancel()
        parts = self._parts
        forget = [parts.keeper.clear] if parts.keeper else []
        for farewell in (*forget, parts.registry.shut_down, parts.lobby.shut_down, parts.flush):
            with parts.crashes.caught(Component.DRAIN, "the farewell failed"):
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
        if parts.keeper:
            parts.keeper.close()
        log.info("stopped", unexpected_errors=parts.tally.unexpected_errors.total())


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waits = {asyncio.ensure_future(event.wait()) for event in events}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _restore(keeper: "Keeper", node: "NodeParts | None") -> None:
    """Put everybody into place; without collections of garbage, of which there is none, it takes half the time."""
    gc.disable()
    try:
        keeper.restore()
        if node:
            node.cluster.reclaim(node.reclaiming.tenancies, keeper.good_until)
        keeper.start()
    finally:
        gc.enable()
