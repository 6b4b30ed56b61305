"""Build the relay from its parts: each is whole when it is made, and none serves before all are there."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from relay_server.control import Control
from relay_server.core import events
from relay_server.core.address import network_of
from relay_server.core.carried import CarriedMembers
from relay_server.core.commands import Commands, NewPassword
from relay_server.core.counters import WebCounters
from relay_server.core.guesses import Guesses
from relay_server.core.judge import Judge
from relay_server.core.lobby import Lobby
from relay_server.core.moderation import Moderation
from relay_server.core.places import Places
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.core.room_list import RoomList
from relay_server.core.stream_relay import StreamRelay
from relay_server.crashes import Crashes
from relay_server.inherited import NOTHING, Inherited
from relay_server.listening import Sockets, open_sockets
from relay_server.net.address import locate, make_address
from relay_server.net.descriptors import needed, raise_limit, share
from relay_server.net.sockets import is_wildcard, own_ip
from relay_server.net.streams import StreamPort
from relay_server.net.tcp import TcpPort
from relay_server.net.udp import UdpPort, encode_lobby_notice
from relay_server.net.workers import Workers
from relay_server.operator.commands import Command, Inquiry, Operators
from relay_server.operator.nodes import NodeAnswers, NodeCommands
from relay_server.operator.server import OperatorServer
from relay_server.operator.unix_socket import UnixSocket
from relay_server.passwords import Passwords
from relay_server.settings import Attribution, Settings
from relay_server.state.keeper import Keeper
from relay_server.state_parts import build_keeper, open_journal, view_state
from relay_server.telemetry.aside import dropped_records
from relay_server.telemetry.cluster import ClusterView
from relay_server.telemetry.logs import event_logger
from relay_server.telemetry.metrics import Component, Gauges, RelayCollector, Tally, exposition, make_registry
from relay_server.telemetry.past import Past
from relay_server.tls.server import Tls, TlsCounts, open_tls

if TYPE_CHECKING:
    from relay_server.net.http import OpsServer
    from relay_server.net.link_port import LinkPort
    from relay_server.node_parts import NodeParts
    from relay_server.web.port import WebPort

TOKEN_BYTES: Final = 16
"""128 random bits (ROOM-02)."""
NONCE_BYTES: Final = 8
"""64 random bits for a challenge, which is good for some seconds (EVI-03)."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A relay's parts, as far as its life concerns them (see `lifecycle`)."""

    settings: Settings
    sockets: Sockets
    tls: Tls | None
    registry: Registry
    lobby: Lobby
    operators: Operators
    tally: Tally
    past: Past
    crashes: Crashes
    stopping: asyncio.Event
    """Set when the relay is to end."""
    tcp: TcpPort
    udp: tuple[UdpPort, ...]
    """The rooms' port, then the lobby's if there is one."""
    flush: Callable[[], None]
    """Sends what waits on all of them."""
    ops: "OpsServer | None"
    admin: OperatorServer | None
    node: "NodeParts | None"
    link_port: "LinkPort | None"
    web: "WebPort | None"
    keeper: Keeper | None
    """Lets everybody outlive the process, if the settings say where."""


def build(settings: Settings, inherited: Inherited = NOTHING) -> Parts:
    """Build a relay on the running event loop, on sockets that it inherits as far as they are what it wants.

    Raises:
        CertificateError: the certificate can't be used.
        ListenError: a port can't be had.
        SettingsError: a file or directory that the settings name can't be used.

    """
    clock = asyncio.get_running_loop().time
    settings = _within_descriptors(settings)
    tls = open_tls(settings)
    journal, sockets = open_journal(settings, inherited), open_sockets(settings, inherited)
    passwords, workers, stopping, past = Passwords(), Workers(), asyncio.Event(), Past()
    tally = Tally(passwords=passwords.outcomes)
    crashes = Crashes(tally.unexpected_errors, stopping.set)
    observe = _observer(tally, crashes)

    policy = settings.policy()
    registry = Registry(policy, observe, _new_nonce, locate)

    def flush_rooms() -> None:
        udp[0].flush()  # which is made below

    commands = _commands(registry, observe, passwords, workers, flush_rooms) if settings.moderation else None
    judge = Judge(registry, policy, commands)
    node = _node(settings, registry, tls, flush_rooms, inherited) if settings.cluster_url else None
    carried = node.members if node else None
    relay = Relay(registry, policy, judge, carried)
    lobby = Lobby(
        policy, observe, _new_nonce, locate, registry.provisional, port=settings.lobby_port, ip=own_ip(settings.host)
    )
    reclaiming, started_at = (node.reclaiming, node.cluster.me.started_at) if node else (None, 0.0)
    keeper = build_keeper(settings, journal, registry, lobby, reclaiming, started_at)
    pinned = is_wildcard(settings.host)
    udp = _udp_ports(sockets.udp, relay, registry, lobby, pinned=pinned, carried=carried, keeper=keeper)
    rooms_port = udp[0]
    room_list = RoomList(registry.rooms, hides=settings.hide_rooms) if settings.list_rooms else None
    control = _control(settings, registry, passwords, tally, node.cluster if node else None, room_list)
    tcp = _tcp_port(settings, control, StreamRelay(registry, judge), rooms_port, workers, tally, tls, node, registry)
    web = _web_port(settings, tcp, room_list, crashes) if settings.web_port else None
    flush = partial(_flush, udp)

    cluster = node.for_operators(registry) if node else None
    operators = Operators(registry, lobby, clock, flush=flush, stop=partial(_stop_drained, stopping), cluster=cluster)
    answers = NodeAnswers(registry, operators, clock)
    collector = RelayCollector(
        registry.counters, lobby.counters, tally, settings.event_loop, tls.counts if tls else TlsCounts(),
        partial(_read_gauges, settings, registry, lobby, tcp, udp, web, past), registry.stream_counters,
        web.counters if web else WebCounters(), node.view if node else ClusterView, partial(view_state, keeper),
    )  # fmt: skip
    return Parts(
        settings=settings, sockets=sockets, tls=tls, registry=registry, lobby=lobby, operators=operators, tally=tally,
        past=past, crashes=crashes, stopping=stopping, tcp=tcp, udp=udp, flush=flush,
        ops=_ops_server(settings, collector, operators, stopping, crashes) if sockets.ops else None,
        admin=_operator_server(operators, NodeCommands(cluster, answers), sockets.admin, crashes),
        web=web, keeper=keeper, node=node,
        link_port=node.make_link_port(registry, tcp, answers.answer) if node else None,
    )  # fmt: skip


def _flush(ports: tuple[UdpPort, ...]) -> None:
    """Send what waits on these ports."""
    for port in ports:
        port.flush()


def _commands(
    registry: Registry, observe: events.Observer, passwords: Passwords, workers: Workers, flush: Callable[[], None]
) -> Commands:
    def hash_aside(wanted: NewPassword) -> None:
        """Hash a host's new password in a thread, as those of joins are (MOD-08)."""

        def done(work: Future[str]) -> None:
            commands.set_password(wanted, work.result)
            flush()

        workers.submit(network_of(wanted.member.ip), lambda: passwords.hash(wanted.password), done)

    commands = Commands(registry, Moderation(registry), observe, hash_aside=hash_aside)
    return commands


def _operator_server(
    operators: Operators, of_nodes: NodeCommands, sock: UnixSocket | None, crashes: Crashes
) -> OperatorServer | None:
    if sock is None:
        return None
    commands: dict[str, Command | Inquiry] = {**operators.commands, **of_nodes.commands}
    return OperatorServer(commands, sock, crashes)


def _node(
    settings: Settings, registry: Registry, tls: Tls | None, flush: Callable[[], None], inherited: Inherited
) -> "NodeParts":
    from relay_server.node_parts import build_node  # noqa: PLC0415 - NATS is much to load for nobody

    return build_node(settings, registry, tls, asyncio.get_running_loop().time, flush, _new_nonce, inherited.node)


def _web_port(settings: Settings, tcp: TcpPort, room_list: RoomList | None, crashes: Crashes) -> "WebPort":
    from relay_server.web.building import build_web  # noqa: PLC0415 - much to load for nobody

    return build_web(settings, tcp, room_list, lambda error: crashes.note_page_error(error, tcp.clock()))


def _tcp_port(
    settings: Settings, control: Control, relay: StreamRelay, rooms: UdpPort, workers: Workers, tally: Tally,
    tls: Tls | None, node: "NodeParts | None", registry: Registry,
) -> TcpPort:  # fmt: skip
    clock = asyncio.get_running_loop().time
    streams = StreamPort(
        registry.streams, relay, clock, forward=rooms.forward, flush=rooms.settle, undo=control.undo
    )  # fmt: skip
    return TcpPort(
        control, settings.tcp_limits(), clock,
        admission=registry.admission, streams=streams, workers=workers, flush=rooms.flush,
        on_duration=tally.observe_duration, pinned=is_wildcard(settings.host), tls=tls,
        edge=node.make_edge(settings, registry, rooms, clock) if node else None,
    )  # fmt: skip


def _udp_ports(
    sockets: list[socket.socket], relay: Relay, registry: Registry, lobby: Lobby, *, pinned: bool,
    carried: CarriedMembers | None, keeper: Keeper | None,
) -> tuple[UdpPort, ...]:  # fmt: skip
    """Return the rooms' port, then the lobby's if there is one."""
    rooms, *others = sockets
    clock = asyncio.get_running_loop().time
    return (
        UdpPort(
            rooms, relay.handle_datagram, registry, clock,
            pinned=pinned, receipts=relay.receipts, carried=carried, record=keeper.write if keeper else lambda: None,
        ),
        *(
            UdpPort(sock, lobby.handle_datagram, lobby, clock, pinned=pinned, encode=encode_lobby_notice, fine=True)
            for sock in others
        ),
    )  # fmt: skip


def _observer(tally: Tally, crashes: Crashes) -> events.Observer:
    log_event = event_logger()

    def observe(event: events.Event) -> None:
        with crashes.caught(Component.TELEMETRY, "an event couldn't be told"):  # what is done is done, even so
            tally.observe_event(event)
            log_event(event)

    return observe


def _control(
    settings: Settings,
    registry: Registry,
    passwords: Passwords,
    tally: Tally,
    places: Places | None,
    room_list: RoomList | None,
) -> Control:
    return Control(
        registry,
        passwords=passwords,
        guesses=Guesses(settings.password_guesses_per_minute),
        hide_rooms=settings.hide_rooms,
        make_address=make_address,
        new_token=new_token,
        on_transaction=tally.observe_transaction,
        udp_port=settings.udp_port,
        silence_timeout_seconds=settings.silence_timeout_seconds,
        attribution=settings.attribution is Attribution.NAME,
        moderation=settings.moderation,
        tls_required=settings.tls_required,
        streams=settings.streams,
        places=places,
        room_list=room_list,
        page=settings.page,
    )


def _within_descriptors(settings: Settings) -> Settings:
    """Return settings by which there are no more connections than descriptors (threat T3)."""
    transactions, streams = settings.max_transactions, settings.open_streams
    wanted = None if settings.cluster_url else needed(transactions, streams, settings.open_pages)
    allowed = raise_limit(wanted)
    if allowed is None or (wanted is not None and wanted <= allowed):
        return settings
    for_clients = allowed // 2 if settings.cluster_url else allowed  # see `descriptors.for_other_nodes`
    granted = share(for_clients, transactions, streams, settings.open_pages)
    if granted[0] < transactions or granted[1] < (streams or 0):
        log.warning(
            "descriptors_few", max_transactions=granted[0], max_streams=granted[1], open_files=allowed,
            advice="raise the limit of open files (ulimit -n), or fewer people join at once and chat over streams",
        )  # fmt: skip
    return settings.model_copy(update={"max_transactions": granted[0], "max_streams": granted[1]})


def _stop_drained(stopping: asyncio.Event) -> None:
    if not stopping.is_set():
        stopping.set()
        log.info("stopping", reason="drained")


def _read_gauges(
    settings: Settings,
    registry: Registry,
    lobby: Lobby,
    tcp: TcpPort,
    udp: tuple[UdpPort, ...],
    web: "WebPort | None",
    past: Past,
) -> Gauges:
    for port in udp:
        port.finish()  # else a copy that waits would be neither sent nor failed (CON-02)
    return Gauges(
        rooms=len(registry.rooms),
        members=registry.admission.members.total,
        member_addresses=len(registry.admission.members.by_network),
        tickets=registry.seats.tickets,
        attempts=tcp.control.remembered(tcp.clock()),
        lobby_clients=len(lobby.clients_by_remote),
        tcp_connections=len(tcp.connections),
        tcp_aborted=tcp.aborted,
        streams=len(tcp.streams.connections),
        streams_away=registry.streams.away,
        streams_limit=settings.max_streams,
        stream_copies_waiting=tcp.streams.copies_waiting,
        ring_bytes=registry.streams.rings.kept_bytes,
        ring_limit_bytes=registry.streams.rings.max_bytes,
        web_connections=web.open_connections if web else 0,
        web_chats=web.open_chats if web else 0,
        kernel_drops=past.kernel_drops + sum(port.kernel_drops() for port in udp),
        receive_buffer_bytes=udp[0].receive_buffer_bytes,
        receive_buffer_wanted_bytes=settings.receive_buffer_bytes,
        start_time_seconds=past.started_at,
        replacements=past.replacements,
        log_records_dropped=past.log_records_dropped + dropped_records(),
    )


def _ops_server(
    settings: Settings, collector: RelayCollector, operators: Operators, stopping: asyncio.Event, crashes: Crashes
) -> "OpsServer":
    from relay_server.net.hosts import OwnNames  # noqa: PLC0415 - HTTP is much to load for nobody
    from relay_server.net.http import OpsServer  # noqa: PLC0415

    loop, registry = asyncio.get_running_loop(), make_registry(collector)

    def metrics() -> tuple[int, str, bytes]:
        return 200, *exposition(registry)

    def healthy() -> tuple[int, str, bytes]:
        return 200, "text/plain", b"ok\n"

    def ready() -> tuple[int, str, bytes]:
        if stopping.is_set():
            return 503, "text/plain", b"shutting down\n"
        if operators.draining:
            return 503, "text/plain", b"draining\n"
        return 200, "text/plain", b"ready\n"

    def on_error(error: Exception) -> None:
        crashes.note_page_error(error, loop.time())

    names = OwnNames(settings.ops_host)
    names.learn_full_name()
    return OpsServer({"/metrics": metrics, "/healthz": healthy, "/readyz": ready}, on_error, names)


def new_token() -> bytes:
    """Return a token that nobody can guess (ROOM-02)."""
    return secrets.token_urlsafe(TOKEN_BYTES).encode()


def _new_nonce() -> str:
    return secrets.token_hex(NONCE_BYTES)
