"""Build the relay from its parts, run it until a signal, drain, stop (EVI-06)."""

import asyncio
import gc
import os
import secrets
import signal
import socket
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from relay_server import __version__
from relay_server.control import Control
from relay_server.core import events
from relay_server.core.address import network_of
from relay_server.core.commands import Commands, NewPassword
from relay_server.core.guesses import Guesses
from relay_server.core.lobby import Lobby
from relay_server.core.moderation import Moderation
from relay_server.core.policy import TcpLimits
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.crashes import Crashes
from relay_server.doctor import linux
from relay_server.net.address import locate, make_address
from relay_server.net.descriptors import OWN_FILES, raise_limit
from relay_server.net.sockets import bind_udp, is_wildcard, listen_tcp, own_ip
from relay_server.net.supervisor import Pulse, State, tell_supervisor
from relay_server.net.tcp import TcpPort
from relay_server.net.udp import UdpPort, encode_lobby_notice
from relay_server.operator.commands import Operators
from relay_server.operator.location import open_admin_socket
from relay_server.operator.server import OperatorServer
from relay_server.operator.unix_socket import UnixSocket
from relay_server.passwords import Passwords
from relay_server.settings import Attribution, Settings
from relay_server.telemetry.aside import dropped_records
from relay_server.telemetry.logs import event_logger
from relay_server.telemetry.metrics import Component, RelayCollector, Tally, exposition, make_registry
from relay_server.tls.server import open_tls, reload

if TYPE_CHECKING:
    from relay_server.net.http import OpsServer

TICK_SECONDS: Final = 0.5
"""The longest sleep between two looks at the next deadline."""
DRAIN_SECONDS: Final = 0.5
"""How long joins are still answered, with status 12, after the members were told."""
STANDARD_INPUT: Final = 0
TOKEN_BYTES: Final = 16
"""128 random bits (ROOM-02)."""
NONCE_BYTES: Final = 8
"""64 random bits for a challenge, which is good for some seconds (EVI-03)."""

log = structlog.get_logger()


class _Sockets(NamedTuple):
    """All that the relay listens on."""

    tcp: socket.socket
    udp: list[socket.socket]
    ops: socket.socket | None
    admin: UnixSocket | None


class App:
    """One relay on the running event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._passwords = Passwords()
        self._tally = Tally(passwords=self._passwords.outcomes)
        self._tls = open_tls(settings)
        self._log_event = event_logger()
        policy = settings.policy()
        self._registry = Registry(policy, self._observe, _new_nonce, locate)
        self._commands = Commands(
            self._registry, Moderation(self._registry), self._observe, hash_aside=self._hash_aside
        )
        self._relay = Relay(self._registry, policy, self._commands if settings.moderation else None)
        self._lobby = Lobby(
            policy, self._observe, _new_nonce, locate, self._registry.provisional,
            port=settings.lobby_port, ip=own_ip(settings.host),
        )  # fmt: skip
        self._stopping = asyncio.Event()
        self._signalled = False
        self._crashes = Crashes(self._tally.unexpected_errors, self._stopping.set)
        self._pulse = Pulse(os.environ)
        self._udp_ports: list[UdpPort] = []
        self._listeners: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._ops: OpsServer | None = None
        self._admin: OperatorServer | None = None
        self._operators = Operators(
            self._registry, self._lobby, self._loop.time, flush=self._flush, stop=self._stop_drained
        )
        self._control = Control(
            self._registry,
            passwords=self._passwords,
            guesses=Guesses(settings.password_guesses_per_minute),
            hide_rooms=settings.hide_rooms,
            make_address=make_address,
            new_token=new_token,
            on_transaction=self._tally.observe_transaction,
            udp_port=settings.udp_port,
            silence_timeout_seconds=settings.silence_timeout_seconds,
            attribution=settings.attribution is Attribution.NAME,
            moderation=settings.moderation,
            tls_required=settings.tls_required,
        )
        self._collector = RelayCollector(
            self._registry.counters, self._lobby.counters, self._tally, settings.event_loop,
            self._tls.counts if self._tls else None,
        )  # fmt: skip

    async def run(self) -> int:
        """Serve until a signal; returns the exit code.

        Raises:
            ListenError: a port can't be had.

        """
        attended = os.isatty(STANDARD_INPUT)
        sockets = self._open_sockets()
        self._loop.set_exception_handler(self._crashes.on_loop_error)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_signal, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._on_hangup, attended)
        await self._start(sockets)
        self._say_started()
        gc.collect()
        gc.freeze()  # what is there now stays: later collections need not look at it
        tell_supervisor(State.READY, os.environ)
        await self._stopping.wait()
        tell_supervisor(State.STOPPING, os.environ)
        await self._drain()
        return 1 if self._crashes.happened else 0

    def _open_sockets(self) -> _Sockets:
        """Open every socket before anything is served, so that a busy port stops the start cleanly."""
        settings = self._settings
        with ExitStack() as opened:
            tcp = opened.enter_context(listen_tcp(settings.host, settings.tcp_port))
            udp = [
                opened.enter_context(bind_udp(settings.host, port, settings.receive_buffer_bytes))
                for port in (settings.udp_port, settings.lobby_port)
                if port
            ]
            ops = None
            if settings.ops_port:
                ops = opened.enter_context(listen_tcp(settings.ops_host, settings.ops_port))
            admin = open_admin_socket(settings)
            opened.pop_all()  # all could be had
        return _Sockets(tcp, udp, ops, admin)

    async def _start(self, sockets: _Sockets) -> None:
        tcp, udp, ops, admin = sockets
        pinned = is_wildcard(self._settings.host)
        clock = self._loop.time
        self._rooms_port = UdpPort(
            udp[0],
            self._relay.handle_datagram,
            self._registry,
            clock,
            pinned=pinned,
            receipts=self._relay.receipts,
        )
        self._udp_ports.append(self._rooms_port)
        for sock in udp[1:]:
            handle, encode = self._lobby.handle_datagram, encode_lobby_notice
            self._udp_ports.append(UdpPort(sock, handle, self._lobby, clock, pinned=pinned, encode=encode, fine=True))
        self._tcp_port = TcpPort(
            self._control,
            self._tcp_limits(),
            clock,
            flush=self._rooms_port.flush,
            on_duration=self._tally.observe_duration,
            pinned=pinned,
            tls=self._tls,
        )
        self._tcp_port.start(tcp)
        if ops:
            self._serve_ops(ops)
        if admin:
            self._admin = OperatorServer(self._operators.commands, admin, self._crashes)
            self._run_task(self._admin.run(), "the operators' socket ended")
        self._listeners = [tcp, *([ops] if ops else [])]
        self._tick(self._loop.time())

    def _tcp_limits(self) -> TcpLimits:
        """Return the limits of connections, no more than there are descriptors for (threat T3)."""
        limits = self._settings.tcp_limits()
        wanted = limits.max_transactions
        allowed = raise_limit(wanted + OWN_FILES if wanted else None)
        if allowed is None or 0 < wanted <= allowed - OWN_FILES:
            return limits
        granted = max(1, allowed - OWN_FILES)
        if wanted:
            log.warning(
                "descriptors_few", max_transactions=granted, wanted=wanted,
                advice="raise the limit of open files (ulimit -n), or fewer joins are taken at once",
            )  # fmt: skip
        return replace(limits, max_transactions=granted)

    def _serve_ops(self, sock: socket.socket) -> None:
        from relay_server.net.hosts import OwnNames  # noqa: PLC0415 - HTTP is much to load for nobody
        from relay_server.net.http import OpsServer  # noqa: PLC0415

        registry = make_registry(self._collector)

        def metrics() -> tuple[int, str, bytes]:
            self._refresh_gauges()
            return 200, *exposition(registry)

        def healthy() -> tuple[int, str, bytes]:
            return 200, "text/plain", b"ok\n"

        def ready() -> tuple[int, str, bytes]:
            if self._stopping.is_set():
                return 503, "text/plain", b"shutting down\n"
            if self._operators.draining:
                return 503, "text/plain", b"draining\n"
            return 200, "text/plain", b"ready\n"

        def on_error(error: Exception) -> None:
            self._crashes.note_page_error(error, self._loop.time())

        names = OwnNames(self._settings.ops_host)
        names.learn_full_name()
        self._ops = OpsServer({"/metrics": metrics, "/healthz": healthy, "/readyz": ready}, on_error, names)
        self._run_task(self._ops.run(sock), "the operators' HTTP port ended")

    def _run_task(self, work: Coroutine[Any, Any, None], message: str) -> None:
        task = self._loop.create_task(work)
        self._crashes.watch(task, message, is_expected=self._stopping.is_set)
        self._tasks.add(task)

    def _refresh_gauges(self) -> None:
        for port in self._udp_ports:
            port.finish()  # else a copy that waits would be neither sent nor failed (CON-02)
        gauges = self._collector.gauges
        gauges.rooms = len(self._registry.rooms)
        gauges.members = len(self._registry.sessions_by_token)
        gauges.member_addresses = len(self._registry.admission.members.by_network)
        gauges.lobby_clients = len(self._lobby.clients_by_remote)
        gauges.tcp_connections = len(self._tcp_port.connections)
        gauges.tcp_aborted = self._tcp_port.aborted
        gauges.kernel_drops = sum(port.kernel_drops() for port in self._udp_ports)
        gauges.receive_buffer_bytes = self._rooms_port.receive_buffer_bytes
        gauges.receive_buffer_wanted_bytes = self._settings.receive_buffer_bytes
        gauges.log_records_dropped = dropped_records()

    def _tick(self, due: float) -> None:
        """Evict who is due, and sleep until the next deadline."""
        now = self._loop.time()
        self._tally.lag.observe(now - due, now)
        self._registry.expire(now)
        self._lobby.expire(now)
        self._flush()
        self._operators.check_drain(now)
        if any(sock.fileno() < 0 for sock in self._listeners):  # uvloop may give one up without a word
            self._crashes.crash(Component.LOOP, "a listening socket was closed", None)
        self._pulse.beat(now)
        deadline = min(self._registry.next_deadline(), self._lobby.next_deadline(), now + TICK_SECONDS)
        self._timer = self._loop.call_at(deadline, self._tick, deadline)

    def _flush(self) -> None:
        for port in self._udp_ports:
            port.flush()

    def _observe(self, event: events.Event) -> None:
        with self._crashes.caught(Component.TELEMETRY, "an event couldn't be told"):  # what is done is done, even so
            self._tally.observe_event(event)
            self._log_event(event)

    def _hash_aside(self, wanted: NewPassword) -> None:
        """Hash a host's new password in a thread, as those of joins are (MOD-08)."""

        def done(work: Future[str]) -> None:
            self._commands.set_password(wanted, work.result)
            self._rooms_port.flush()

        network = network_of(wanted.member.ip)
        self._tcp_port.workers.submit(network, lambda: self._passwords.hash(wanted.password), done)

    def _say_started(self) -> None:
        settings, granted = self._settings, self._rooms_port.receive_buffer_bytes
        log.info(
            "listening", version=__version__, host=settings.host, tcp_port=settings.tcp_port,
            udp_port=settings.udp_port, lobby_port=settings.lobby_port, ops_port=settings.ops_port,
            tls="off" if not self._tls else "required" if settings.tls_required else "on",
            loop=settings.event_loop.value,
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

    def _on_signal(self, number: int) -> None:
        if self._signalled:
            os._exit(128 + number)  # asked twice: at once
        self._signalled = True
        self._stopping.set()
        log.info("stopping", signal=signal.Signals(number).name)

    def _stop_drained(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            log.info("stopping", reason="drained")

    def _on_hangup(self, attended: bool) -> None:
        """Read the certificate anew; or stop, if that was the sound of the relay's terminal being closed."""
        if not attended or os.isatty(STANDARD_INPUT):
            reload(self._tls)
        elif not self._stopping.is_set():  # a shell says it once more
            self._on_signal(signal.SIGHUP)

    async def _drain(self) -> None:
        """Tell every member, answer joins with status 12 for a moment, then close."""
        self._timer.cancel()
        for farewell in (self._registry.shut_down, self._lobby.shut_down, self._flush):
            with self._crashes.caught(Component.DRAIN, "the farewell failed"):
                farewell()
        await asyncio.sleep(DRAIN_SECONDS)
        servers = [server for server in (self._ops, self._admin) if server]
        for close in (self._tcp_port.close, *(port.close for port in self._udp_ports), *(one.stop for one in servers)):
            with self._crashes.caught(Component.DRAIN, "a port couldn't be closed"):
                close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        log.info("stopped", unexpected_errors=self._tally.unexpected_errors.total())


def new_token() -> bytes:
    """Return a token that nobody can guess (ROOM-02)."""
    return secrets.token_urlsafe(TOKEN_BYTES).encode()


def _new_nonce() -> str:
    return secrets.token_hex(NONCE_BYTES)
