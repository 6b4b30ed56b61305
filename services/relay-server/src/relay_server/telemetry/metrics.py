"""All metrics of the relay, read from plain integers at each scrape."""

import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum, unique
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from chatproto import Command, EvictionReason, Operation, Status
from relay_server import __version__
from relay_server.built import BUILD
from relay_server.core import events
from relay_server.core.counters import (
    Counters,
    DropReason,
    Resumption,
    SendFailure,
    StreamCounters,
    StreamCut,
    StreamFailure,
    WebCounters,
)
from relay_server.core.receipts import Answer
from relay_server.passwords import Outcome
from relay_server.telemetry.cluster import ClusterView, cluster_metrics
from relay_server.telemetry.families import by_reason, histogram
from relay_server.telemetry.state import StateView, state_metrics
from relay_server.telemetry.web import web_metrics
from relay_server.tls.server import HandshakeFailure, ReloadResult, TlsCounts

FANOUT_BOUNDS: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
DURATION_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LAG_WINDOW_SECONDS: Final = 10.0
UNKNOWN_OPERATION: Final = "unknown"


@unique
class Component(StrEnum):
    """Where an unexpected error occurred."""

    LOOP = "loop"
    TASK = "task"
    TELEMETRY = "telemetry"
    PAGE = "page"
    COMMAND = "command"
    DRAIN = "drain"


_EVICTIONS: Final = [reason for reason in EvictionReason if reason is not EvictionReason.RESUMED_ELSEWHERE]
"""A member whose session passed to its own newer one is still there (RES-05)."""


def _shown(family: type[Metric], text: str) -> Any:
    return field(default=0, metadata={"family": family, "text": text})


@dataclass(frozen=True, slots=True)
class Gauges:
    """The current values of gauges at a scrape; each field is a metric of that name."""

    rooms: int = _shown(GaugeMetricFamily, "Rooms open")
    members: int = _shown(GaugeMetricFamily, "Members in all rooms")
    member_addresses: int = _shown(GaugeMetricFamily, "Distinct addresses of members (/64 networks with IPv6)")
    lobby_clients: int = _shown(GaugeMetricFamily, "Clients in the lobby")
    tickets: int = _shown(GaugeMetricFamily, "Valid tickets for seats (RES-01)")
    attempts: int = _shown(GaugeMetricFamily, "Remembered attempts (RES-02)")
    tcp_connections: int = _shown(GaugeMetricFamily, "TCP connections open, without streams")
    tcp_aborted: int = _shown(
        CounterMetricFamily, "TCP connections that ended before their request was complete and decided"
    )
    streams: int = _shown(GaugeMetricFamily, "TCP connections that carry a chat (STR-01)")
    streams_away: int = _shown(GaugeMetricFamily, "Seats that wait for a new connection (STR-06)")
    streams_limit: int = _shown(
        GaugeMetricFamily, "Maximum number of members that chat over streams, be they away; 0 = no limit (STR-07)"
    )
    stream_copies_waiting: int = _shown(
        GaugeMetricFamily, "Copies of messages that wait for their readers, without replays (STR-08)"
    )
    ring_bytes: int = _shown(GaugeMetricFamily, "Memory of the newest entries of rooms with streams (STR-04)")
    ring_limit_bytes: int = _shown(GaugeMetricFamily, "Maximum of that memory; 0 = no limit")
    web_connections: int = _shown(GaugeMetricFamily, "Connections of browsers open, without chats (WEB-01)")
    web_chats: int = _shown(GaugeMetricFamily, "WebSockets that carry a chat; streams count them, too (WEB-02)")
    kernel_drops: int = _shown(
        CounterMetricFamily, "Datagrams that the kernel dropped before the relay could read them (CON-04)"
    )
    receive_buffer_bytes: int = _shown(GaugeMetricFamily, "Receive buffer of the rooms' port that the kernel granted")
    receive_buffer_wanted_bytes: int = _shown(
        GaugeMetricFamily, "Receive buffer of the rooms' port that the relay requested"
    )
    start_time_seconds: float = _shown(
        GaugeMetricFamily, "When the relay was started (Unix time); a process that takes over changes nothing here"
    )
    replacements: int = _shown(CounterMetricFamily, "Times that a new process took over from the one before")
    log_records_dropped: int = _shown(
        CounterMetricFamily, "Log records dropped because they weren't read in time or couldn't be written"
    )


class LoopLag:
    """The largest lag of the event loop in the last ten to twenty seconds, however often it is read."""

    __slots__ = ("_current", "_previous", "_window_started_at")

    def __init__(self) -> None:
        self._previous = self._current = 0.0
        self._window_started_at = 0.0

    def observe(self, lag_seconds: float, now: float) -> None:
        """Note how late a timer was."""
        if now - self._window_started_at > LAG_WINDOW_SECONDS:
            self._previous, self._current = self._current, 0.0
            self._window_started_at = now
        self._current = max(self._current, lag_seconds)

    @property
    def worst_seconds(self) -> float:
        """The worst of this window and the one before."""
        return max(self._previous, self._current)


@dataclass(slots=True)
class Tally:
    """Counts of events that are rare enough to be counted by reason as they happen."""

    evictions: Counter[EvictionReason] = field(default_factory=Counter)
    lobby_evictions: Counter[EvictionReason] = field(default_factory=Counter)
    rooms_closed: Counter[EvictionReason] = field(default_factory=Counter)
    commands: Counter[Command] = field(default_factory=Counter)
    transactions: Counter[tuple[Operation | None, Status]] = field(default_factory=Counter)
    unexpected_errors: Counter[Component] = field(default_factory=Counter)
    passwords: Counter[Outcome] = field(default_factory=Counter)
    duration_buckets: list[int] = field(default_factory=lambda: [0] * (len(DURATION_BOUNDS) + 1))
    duration_sum: float = 0.0
    lag: LoopLag = field(default_factory=LoopLag)

    def observe_event(self, event: events.Event) -> None:
        """Count one fact of the core."""
        match event:
            case events.MemberEvicted(_, _, reason):
                self.evictions[reason] += 1
            case events.LobbyClientEvicted(_, reason):
                self.lobby_evictions[reason] += 1
            case events.RoomClosed(_, reason):
                self.rooms_closed[reason] += 1
            case events.CommandObeyed(_, command):
                self.commands[command] += 1
            case _:
                pass

    def observe_transaction(self, operation: Operation | None, status: Status) -> None:
        """Count how one request was answered."""
        self.transactions[operation, status] += 1

    def observe_duration(self, seconds: float) -> None:
        """Count how long one transaction took, from the connection to the last frame."""
        self.duration_buckets[bisect_left(DURATION_BOUNDS, seconds)] += 1
        self.duration_sum += seconds


@dataclass(eq=False, slots=True)
class RelayCollector:
    """Turn the counts into metric families, with every label value from the first scrape on."""

    rooms: Counters
    lobby: Counters
    tally: Tally
    loop: str
    tls: TlsCounts = field(default_factory=TlsCounts)
    read_gauges: Callable[[], Gauges] = Gauges
    """Called at each scrape before any counter is read; counts what waits as sent, too (CON-02)."""
    streams: StreamCounters = field(default_factory=StreamCounters)
    web: WebCounters = field(default_factory=WebCounters)
    read_cluster: Callable[[], ClusterView] = ClusterView
    """Called at each scrape, too; a relay that is alone exports zeros."""
    read_state: Callable[[], StateView] = StateView

    def describe(self) -> list[Metric]:
        """Describe no metrics, so that registering this collector reads no counts."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from self._gauges(self.read_gauges())
        yield from _datagrams("relay_", "room", self.rooms)
        yield from _datagrams("relay_lobby_", "lobby", self.lobby)
        yield from _streams(self.streams)
        yield from self._reasons()
        yield from self._histograms()
        yield from self._encryption()
        yield from web_metrics(self.web)
        yield from cluster_metrics(self.read_cluster())
        yield from state_metrics(self.read_state())

    def _gauges(self, gauges: Gauges) -> Iterator[Metric]:
        for each in fields(gauges):
            yield each.metadata["family"](f"relay_{each.name}", each.metadata["text"], getattr(gauges, each.name))
        yield GaugeMetricFamily(
            "relay_loop_lag_seconds",
            "Largest lag of the event loop in the last 10 to 20 s",
            self.tally.lag.worst_seconds,
        )
        info = GaugeMetricFamily(
            "relay_build_info",
            "Versions of the relay and of Python, the event loop, and whether the relay is compiled or interpreted",
            labels=("version", "python", "loop", "build"),
        )
        info.add_metric((__version__, platform.python_version(), self.loop, BUILD), 1)
        yield info

    def _reasons(self) -> Iterator[Metric]:
        tally = self.tally
        yield by_reason("relay_evictions", "Members evicted", _EVICTIONS, tally.evictions)
        yield by_reason("relay_lobby_evictions", "Lobby clients evicted", _EVICTIONS, tally.lobby_evictions)
        yield by_reason(
            "relay_rooms_closed", "Rooms closed, by the reason that their host left or was evicted",
            _EVICTIONS, tally.rooms_closed,
        )  # fmt: skip
        yield by_reason(
            "relay_unexpected_errors", "Unexpected errors; all but those of pages end the process",
            Component, tally.unexpected_errors, label="component",
        )  # fmt: skip
        yield by_reason(
            "relay_commands", "Commands of members that were carried out", Command, tally.commands, label="command"
        )
        transactions = CounterMetricFamily(
            "relay_transactions", "Creates, joins and lists answered", labels=("operation", "status")
        )
        for operation in (*Operation, None):
            for status in Status:
                label = operation.name.lower() if operation else UNKNOWN_OPERATION
                transactions.add_metric((label, status.reason), tally.transactions[operation, status])
        yield transactions
        yield by_reason(
            "relay_receipts",
            "Answers to numbered messages (RCP-01)",
            Answer,
            self.rooms.answers,
            label="answer",
        )
        yield by_reason(
            "relay_resumptions", "Requests with a ticket, and repeated attempts, by outcome (RES-01, RES-02)",
            Resumption, self.rooms.resumptions, label="outcome",
        )  # fmt: skip
        yield by_reason(
            "relay_password_checks", "Passwords hashed or checked, by outcome (PWD-03)",
            Outcome, tally.passwords, label="outcome",
        )  # fmt: skip

    def _encryption(self) -> Iterator[Metric]:
        tls = self.tls
        yield CounterMetricFamily("relay_tls_handshakes", "TLS handshakes done", tls.handshakes)
        yield by_reason(
            "relay_tls_handshake_failures", "TLS connections whose handshake was never done",
            HandshakeFailure, tls.failures,
        )  # fmt: skip
        yield by_reason(
            "relay_tls_reloads", "Times that the certificate was read anew (SIGHUP)",
            ReloadResult, tls.reloads, label="result",
        )  # fmt: skip
        yield GaugeMetricFamily(
            "relay_tls_certificate_expiry_timestamp_seconds",
            "When the certificate in use expires (Unix time); 0 = there is none",
            tls.certificate_expires_at,
        )

    def _histograms(self) -> Iterator[Metric]:
        yield histogram(
            "relay_transaction_duration_seconds", "Duration of creates and joins, from connection to last frame",
            DURATION_BOUNDS, self.tally.duration_buckets, self.tally.duration_sum,
        )  # fmt: skip
        yield _fanout("relay_fanout_members", "Members on UDP that one message is sent to", self.rooms.fanout)
        yield _fanout("relay_stream_fanout_members", "Streams that one message is for", self.streams.fanout)


def make_registry(collector: RelayCollector) -> CollectorRegistry:
    """Gather the relay's metrics and the process's in one registry."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> tuple[str, bytes]:
    """Return content type and body of a scrape."""
    return CONTENT_TYPE_LATEST, generate_latest(registry)


def _datagrams(prefix: str, kind: str, counters: Counters) -> Iterator[Metric]:
    def counter(name: str, text: str, value: int) -> Metric:
        return CounterMetricFamily(f"{prefix}{name}", f"{text} ({kind})", value)

    yield counter("datagrams_received", "Datagrams read from the socket", counters.received)
    yield counter("datagrams_accepted", "Datagrams accepted, including keep-alives and leaves", counters.accepted)
    yield counter("datagrams_sent", "Copies of messages handed to the kernel", counters.sent)
    yield counter("notices_sent", "Copies of notices handed to the kernel", counters.notices_sent)
    yield counter("notice_failures", "Copies of notices that the kernel refused to send", counters.notice_failures)
    yield counter("challenges", "Challenges sent after ICMP errors", counters.challenges)
    yield counter("bytes_received", "Bytes of datagrams read", counters.bytes_received)
    yield counter("bytes_sent", "Bytes of messages handed to the kernel", counters.bytes_sent)
    if prefix == "relay_":
        yield counter("address_changes", "Members whose port changed", counters.address_changes)
        yield counter(
            "datagrams_carried", "Datagrams of members whose room is on another node (CLU-04)", counters.carried
        )
    yield by_reason(f"{prefix}datagrams_dropped", f"Datagrams dropped ({kind})", DropReason, counters.dropped)
    yield by_reason(
        f"{prefix}send_failures",
        f"Copies that the kernel refused to send ({kind})",
        SendFailure,
        counters.send_failures,
    )


def _streams(counters: StreamCounters) -> Iterator[Metric]:
    for name, text, count in (
        ("messages_received", "Messages that came over streams, commands among them", counters.received),
        ("messages_accepted", "Messages accepted, including commands and repeated ones", counters.accepted),
        ("messages_repeated", "Accepted messages whose number was said before", counters.repeated),
        ("messages_replayed", "Messages that members were sent when they came back (STR-05)", counters.replayed),
        ("bytes_received", "Bytes of messages that came over streams", counters.bytes_received),
        ("copies_sent", "Copies of messages handed to streams, without replays", counters.sent),
        ("entries_gone", "Entries that readers were told aren't kept any more (STR-05)", counters.gone),
    ):
        yield CounterMetricFamily(f"relay_stream_{name}", text, count)
    yield by_reason("relay_stream_messages_dropped", "Messages dropped (stream)", DropReason, counters.dropped)
    yield by_reason(
        "relay_stream_send_failures", "Copies that a stream wasn't handed", StreamFailure, counters.send_failures
    )
    yield by_reason("relay_stream_cuts", "Streams that the relay cut (STR-02, STR-07)", StreamCut, counters.cuts)


def _fanout(name: str, text: str, sizes: Mapping[int, int]) -> Metric:
    buckets = [0] * (len(FANOUT_BOUNDS) + 1)
    for size, count in sizes.items():
        buckets[bisect_left(FANOUT_BOUNDS, size)] += count
    total = sum(size * count for size, count in sizes.items())
    return histogram(name, text, FANOUT_BOUNDS, buckets, total)
