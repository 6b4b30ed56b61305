"""Metrics: the published names, closed sets of labels, and sums that are right."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from chatproto import Command, EvictionReason, Operation, Status
from relay_server import __version__
from relay_server.built import BUILD
from relay_server.core import events
from relay_server.core.counters import (
    DIRECTORY_BOUNDS,
    AdoptionOutcome,
    ClusterCounters,
    Counters,
    DirectoryError,
    DropReason,
    HandshakeRefusal,
    IgnoredRecord,
    Move,
    SendFailure,
    StreamCounters,
    StreamCut,
    StreamFailure,
    Way,
)
from relay_server.passwords import Outcome
from relay_server.telemetry.cluster import ClusterView
from relay_server.telemetry.metrics import (
    DURATION_BOUNDS,
    FANOUT_BOUNDS,
    LAG_WINDOW_SECONDS,
    Gauges,
    LoopLag,
    RelayCollector,
    Tally,
    exposition,
    make_registry,
)
from relay_server.tls.server import HandshakeFailure, ReloadResult, TlsCounts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

PUBLISHED = {
    "relay_rooms", "relay_members", "relay_lobby_clients", "relay_datagrams_received_total",
    "relay_datagrams_accepted_total", "relay_datagrams_dropped_total", "relay_datagrams_sent_total",
    "relay_notices_sent_total", "relay_send_failures_total", "relay_bytes_received_total", "relay_bytes_sent_total",
    "relay_evictions_total", "relay_rooms_closed_total", "relay_transactions_total",
    "relay_transaction_duration_seconds_bucket", "relay_transaction_duration_seconds_sum",
    "relay_transaction_duration_seconds_count", "relay_fanout_members_bucket", "relay_fanout_members_sum",
    "relay_fanout_members_count", "relay_kernel_drops_total", "relay_receive_buffer_bytes", "relay_loop_lag_seconds",
    "relay_build_info", "relay_member_addresses", "relay_receive_buffer_wanted_bytes", "relay_password_checks_total",
    "relay_tls_handshakes_total", "relay_tls_handshake_failures_total", "relay_tls_reloads_total",
    "relay_tls_certificate_expiry_timestamp_seconds", "relay_streams", "relay_streams_away", "relay_streams_limit",
    "relay_stream_messages_received_total", "relay_stream_messages_accepted_total",
    "relay_stream_messages_dropped_total", "relay_stream_copies_sent_total", "relay_stream_copies_waiting",
    "relay_stream_send_failures_total", "relay_stream_fanout_members_sum", "relay_stream_cuts_total",
    "relay_ring_bytes", "relay_ring_limit_bytes", "relay_cluster_connected", "relay_cluster_nodes",
    "relay_cluster_rooms", "relay_cluster_homes", "relay_cluster_edge_members", "relay_cluster_joins_elsewhere_total",
    "relay_cluster_adoptions_total", "relay_cluster_moves_total", "relay_cluster_edge_datagrams_total",
    "relay_cluster_records_ignored_total", "relay_cluster_directory_seconds_bucket",
    "relay_cluster_directory_errors_total", "relay_cluster_links_refused_total", "relay_web_connections",
    "relay_web_chats", "relay_web_requests_total", "relay_web_handshakes_refused_total",
}  # fmt: skip


class Scrape:
    """A relay's counts, and what a scrape makes of them."""

    def __init__(self) -> None:
        self.rooms, self.lobby, self.tally = Counters(), Counters(), Tally()
        self.tls = TlsCounts()
        self.streams = StreamCounters()
        self.cluster = ClusterView()
        self.collector = RelayCollector(
            self.rooms, self.lobby, self.tally, "uvloop", self.tls, streams=self.streams,
            read_cluster=lambda: self.cluster,
        )  # fmt: skip
        self._registry = make_registry(self.collector)

    def families(self) -> list[Metric]:
        content_type, body = exposition(self._registry)
        assert content_type.startswith("text/plain")
        return list(text_string_to_metric_families(body.decode()))

    def samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self.samples()[name, tuple(sorted(labels.items()))]


def test_the_published_names_are_there_before_anything_happened() -> None:
    names = {name for name, _ in Scrape().samples()}
    assert names >= PUBLISHED
    assert {name.replace("relay_", "relay_lobby_", 1) for name in PUBLISHED if "relay_datagrams" in name} <= names
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "python_info"} <= names
    assert not {name for name in names if name.endswith("_created")}


def test_every_metric_says_what_it_is() -> None:
    for family in Scrape().families():
        assert family.documentation
        assert family.type in {"counter", "gauge", "histogram"}


@pytest.mark.requirement("EVI-05", "TCP-10")
def test_label_values_come_from_closed_sets_and_are_all_there_from_the_start() -> None:
    scrape = Scrape()
    before = scrape.samples()
    closed: list[tuple[Iterable[StrEnum], tuple[str, ...]]] = [
        (DropReason, ("datagrams_dropped", "lobby_datagrams_dropped", "stream_messages_dropped")),
        (SendFailure, ("send_failures", "lobby_send_failures")),
        (StreamFailure, ("stream_send_failures",)),
        (StreamCut, ("stream_cuts",)),
        (Move, ("cluster_moves",)),
        (HandshakeRefusal, ("web_handshakes_refused",)),
        (IgnoredRecord, ("cluster_records_ignored",)),
        (DirectoryError, ("cluster_directory_errors",)),
    ]
    evictions = [reason for reason in EvictionReason if reason != "resumed_elsewhere"]
    for reasons, names in (*closed, (evictions, ("evictions", "rooms_closed", "lobby_evictions"))):
        for name in names:
            assert {labels for found, labels in before if found == f"relay_{name}_total"} == {
                (("reason", str(reason)),) for reason in reasons
            }
    pairs = {labels for name, labels in before if name == "relay_transactions_total"}
    assert pairs == {
        (("operation", operation), ("status", status.reason))
        for operation in ("create", "join", "list", "unknown")
        for status in Status
    }
    for event in (
        events.RoomCreated("a room"),
        events.MemberJoined("a room", "ann"),
        events.MemberLeft("a room", "ann"),
        events.MemberEvicted("a room", "ann", EvictionReason.KICKED),
        events.RoomClosed("a room", EvictionReason.KICKED),
        events.LobbyClientEvicted("ann", EvictionReason.SILENCE),
        events.CommandObeyed("a room", Command.KICK),
    ):
        scrape.tally.observe_event(event)
    scrape.tally.observe_transaction(None, Status.MALFORMED)
    assert scrape.samples().keys() == before.keys()


def test_counts_come_out_as_they_went_in() -> None:
    scrape = Scrape()
    for number, counters in enumerate((scrape.rooms, scrape.lobby), start=1):
        counters.received, counters.accepted, counters.sent = 10 * number, 7 * number, 100 * number
        counters.bytes_received, counters.bytes_sent, counters.notices_sent = 1000 * number, 5000 * number, 4 * number
        counters.notice_failures, counters.address_changes = 2 * number, 3 * number
        counters.dropped[DropReason.OVERSIZED] = 3 * number
        counters.send_failures[SendFailure.BUFFER_FULL] = 5 * number
    for number, prefix in enumerate(("relay_", "relay_lobby_"), start=1):
        for name, value in {
            "datagrams_received": 10, "datagrams_accepted": 7, "datagrams_sent": 100, "bytes_received": 1000,
            "bytes_sent": 5000, "notices_sent": 4, "notice_failures": 2,
        }.items():  # fmt: skip
            assert scrape.value(f"{prefix}{name}_total") == value * number, name
        assert scrape.value(f"{prefix}datagrams_dropped_total", reason="oversized") == 3 * number
        assert scrape.value(f"{prefix}datagrams_dropped_total", reason="malformed") == 0
        assert scrape.value(f"{prefix}send_failures_total", reason="buffer_full") == 5 * number
    assert scrape.value("relay_address_changes_total") == 3
    scrape.rooms.carried = 6
    assert scrape.value("relay_datagrams_carried_total") == 6


@pytest.mark.requirement("STR-08")
def test_what_streams_count_comes_out_as_it_went_in() -> None:
    scrape = Scrape()
    streams = scrape.streams
    streams.received, streams.accepted, streams.repeated, streams.bytes_received = 10, 7, 2, 1000
    streams.sent, streams.replayed, streams.gone = 100, 30, 5
    streams.dropped[DropReason.MESSAGE_RATE] = 3
    streams.send_failures[StreamFailure.SLOW] = 4
    streams.cuts[StreamCut.UNANSWERED] = 6
    streams.fanout[52] = 2
    for name, value in {
        "messages_received": 10, "messages_accepted": 7, "messages_repeated": 2, "messages_replayed": 30,
        "bytes_received": 1000, "copies_sent": 100, "entries_gone": 5,
    }.items():  # fmt: skip
        assert scrape.value(f"relay_stream_{name}_total") == value, name
    assert scrape.value("relay_stream_messages_dropped_total", reason="message_rate") == 3
    assert scrape.value("relay_stream_send_failures_total", reason="slow") == 4
    assert scrape.value("relay_stream_cuts_total", reason="unanswered") == 6
    assert scrape.value("relay_stream_fanout_members_sum") == 104
    assert scrape.value("relay_fanout_members_sum") == scrape.value("relay_datagrams_received_total") == 0


def test_facts_are_counted_by_reason() -> None:
    scrape = Scrape()
    for event in (
        events.MemberEvicted("demo", "ann", EvictionReason.SILENCE),
        events.MemberEvicted("demo", "bob", EvictionReason.SILENCE),
        events.RoomClosed("demo", EvictionReason.SILENCE),
        events.LobbyClientEvicted("eve", EvictionReason.UNREACHABLE),
        events.MemberLeft("demo", "zoe"),
        events.CommandObeyed("demo", Command.MUTE),
    ):
        scrape.tally.observe_event(event)
    for operation in (Operation.CREATE, Operation.CREATE, Operation.JOIN, None):
        scrape.tally.observe_transaction(operation, Status.BUSY)
    assert scrape.value("relay_evictions_total", reason="silence") == 2
    assert scrape.value("relay_rooms_closed_total", reason="silence") == 1
    assert scrape.value("relay_lobby_evictions_total", reason="unreachable") == 1
    assert scrape.value("relay_commands_total", command="mute") == 1
    assert scrape.value("relay_transactions_total", operation="create", status="busy") == 2
    assert scrape.value("relay_transactions_total", operation="join", status="busy") == 1
    assert scrape.value("relay_transactions_total", operation="unknown", status="busy") == 1


def test_passwords_are_counted_by_outcome() -> None:
    scrape = Scrape()
    scrape.tally.passwords[Outcome.WRONG] += 2
    assert scrape.value("relay_password_checks_total", outcome="wrong") == 2
    assert {labels for name, labels in scrape.samples() if name == "relay_password_checks_total"} == {
        (("outcome", str(outcome)),) for outcome in Outcome
    }


def test_gauges_show_this_moment() -> None:
    scrape = Scrape()
    scrape.collector.read_gauges = lambda: Gauges(
        rooms=2, members=30, lobby_clients=4, receive_buffer_bytes=212_992, kernel_drops=5, tcp_connections=6,
        tcp_aborted=7, member_addresses=8, receive_buffer_wanted_bytes=4_194_304, streams=9, streams_away=10,
        streams_limit=11, stream_copies_waiting=12, ring_bytes=13, ring_limit_bytes=14,
    )  # fmt: skip
    assert scrape.value("relay_rooms") == 2
    assert scrape.value("relay_members") == 30
    assert scrape.value("relay_lobby_clients") == 4
    assert scrape.value("relay_member_addresses") == 8
    assert scrape.value("relay_receive_buffer_bytes") == 212_992
    assert scrape.value("relay_receive_buffer_wanted_bytes") == 4_194_304
    assert scrape.value("relay_kernel_drops_total") == 5
    assert scrape.value("relay_tcp_connections") == 6
    assert scrape.value("relay_tcp_aborted_total") == 7
    gauges = ("streams", "streams_away", "streams_limit", "stream_copies_waiting", "ring_bytes", "ring_limit_bytes")
    assert [scrape.value(f"relay_{name}") for name in gauges] == [9, 10, 11, 12, 13, 14]
    ((_, labels),) = [key for key in scrape.samples() if key[0] == "relay_build_info"]
    assert {("version", __version__), ("loop", "uvloop"), ("build", BUILD)} <= set(labels)


def buckets(scrape: Scrape, name: str) -> dict[float, float]:
    return {
        float(dict(labels)["le"]): value
        for (found, labels), value in scrape.samples().items()
        if found == f"{name}_bucket"
    }


def test_the_duration_histogram_sums_right() -> None:
    scrape = Scrape()
    durations = [0.0, 0.001, 0.0011, 0.05, 0.3, 5.0, 6.0]
    for duration in durations:
        scrape.tally.observe_duration(duration)
    found = buckets(scrape, "relay_transaction_duration_seconds")
    assert found == {
        bound: sum(duration <= bound for duration in durations) for bound in (*DURATION_BOUNDS, float("inf"))
    }
    assert scrape.value("relay_transaction_duration_seconds_count") == len(durations)
    assert scrape.value("relay_transaction_duration_seconds_sum") == pytest.approx(sum(durations))


@pytest.mark.requirement("CON-02")
def test_the_fan_out_histogram_counts_listeners() -> None:
    scrape = Scrape()
    sizes = [0, 0, 1, 2, 3, 99, 5001]
    for size in sizes:
        scrape.rooms.fanout[size] += 1
    found = buckets(scrape, "relay_fanout_members")
    assert found == {bound: sum(size <= bound for size in sizes) for bound in (*FANOUT_BOUNDS, float("inf"))}
    assert all(lower <= higher for lower, higher in pairwise(found.values()))
    assert scrape.value("relay_fanout_members_sum") == sum(sizes)
    assert scrape.value("relay_fanout_members_count") == len(sizes)


def test_the_worst_lag_is_shown_for_one_window_and_the_next() -> None:
    lag = LoopLag()
    assert lag.worst_seconds == 0.0
    start = 100_000.0
    lag.observe(0.5, start)
    lag.observe(0.1, start + 1)
    assert lag.worst_seconds == 0.5
    lag.observe(0.2, start + LAG_WINDOW_SECONDS + 1)  # the next window
    assert lag.worst_seconds == 0.5
    lag.observe(0.1, start + 2 * LAG_WINDOW_SECONDS + 2)
    assert lag.worst_seconds == 0.2
    lag.observe(0.0, start + 3 * LAG_WINDOW_SECONDS + 3)
    assert lag.worst_seconds == 0.1


def test_the_lag_that_is_scraped_is_the_worst_one() -> None:
    scrape = Scrape()
    scrape.tally.lag.observe(0.25, 1.0)
    assert scrape.value("relay_loop_lag_seconds") == 0.25


def test_tls_is_counted_by_reason_and_result() -> None:
    scrape = Scrape()
    scrape.tls.handshakes = 5
    scrape.tls.failures[HandshakeFailure.TIMEOUT] = 2
    scrape.tls.reloads[ReloadResult.FAILED] = 1
    scrape.tls.certificate_expires_at = 1.8e9
    assert scrape.value("relay_tls_handshakes_total") == 5
    assert scrape.value("relay_tls_handshake_failures_total", reason="timeout") == 2
    assert scrape.value("relay_tls_handshake_failures_total", reason="malformed") == 0
    assert scrape.value("relay_tls_reloads_total", result="failed") == 1
    assert scrape.value("relay_tls_certificate_expiry_timestamp_seconds") == 1.8e9


def test_a_relay_that_is_alone_exports_zeros_for_a_cluster() -> None:
    found = {name: value for (name, _), value in Scrape().samples().items() if name.startswith("relay_cluster_")}
    assert len(found) >= 15
    assert not any(found.values())


def test_what_a_node_knows_and_counts_comes_out_as_it_went_in() -> None:
    scrape = Scrape()
    counters = ClusterCounters(edge_in=30, edge_out=40, edge_failed=2, links_refused=9)
    scrape.cluster = ClusterView(connected=True, nodes=3, rooms=12, homes=5, edge_members=7, counters=counters)
    counters.joins_elsewhere[Way.EDGE] = 6
    counters.adoptions[AdoptionOutcome.LATE] = 1
    counters.moves[Move.DRAINED] = 4
    counters.records_ignored[IgnoredRecord.SEAL] = 8
    counters.directory_errors[DirectoryError.STALE] = 11
    for name, value in {"connected": 1, "nodes": 3, "rooms": 12, "homes": 5, "edge_members": 7}.items():
        assert scrape.value(f"relay_cluster_{name}") == value, name
    assert scrape.value("relay_cluster_joins_elsewhere_total", way="edge") == 6
    assert scrape.value("relay_cluster_joins_elsewhere_total", way="follow") == 0
    assert scrape.value("relay_cluster_adoptions_total", outcome="late") == 1
    assert scrape.value("relay_cluster_moves_total", reason="drained") == 4
    assert scrape.value("relay_cluster_records_ignored_total", reason="seal") == 8
    assert scrape.value("relay_cluster_directory_errors_total", reason="stale") == 11
    assert scrape.value("relay_cluster_links_refused_total") == 9
    for direction, value in {"in": 30, "out": 40, "failed": 2}.items():
        assert scrape.value("relay_cluster_edge_datagrams_total", direction=direction) == value


def test_the_histogram_of_directory_requests_sums_right() -> None:
    scrape = Scrape()
    durations = [0.0, 0.0005, 0.0006, 0.3, 1.0, 2.0]
    for duration in durations:
        scrape.cluster.counters.directory.observe(duration)
    found = buckets(scrape, "relay_cluster_directory_seconds")
    assert found == {
        bound: sum(duration <= bound for duration in durations) for bound in (*DIRECTORY_BOUNDS, float("inf"))
    }
    assert scrape.value("relay_cluster_directory_seconds_sum") == pytest.approx(sum(durations))


def test_the_web_port_is_counted_by_status_and_refusal() -> None:
    scrape = Scrape()
    scrape.collector.web.statuses[101] += 2
    scrape.collector.web.refusals[HandshakeRefusal.ORIGIN] += 3
    assert scrape.value("relay_web_requests_total", status="101") == 2
    assert scrape.value("relay_web_requests_total", status="200") == 0
    assert scrape.value("relay_web_handshakes_refused_total", reason="origin") == 3
