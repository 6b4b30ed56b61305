"""What bots tell Prometheus, and how the demo reads the relay."""

import platform
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from bot_client import __version__
from bot_client.ledger import Tally
from bot_client.metrics import BotMetrics, RelayFigures, read_relay_figures
from chatproto import EvictionReason


def test_all_metrics_stand_from_the_start_with_closed_labels() -> None:
    metrics = BotMetrics()
    metrics.tally = Tally(
        sent=5, received=4, delivered=3, lost=2, late=1, duplicated=1, members=3, locked_out=6, moves=7
    )
    metrics.tally.joins["no_such_room"] += 1
    metrics.tally.evictions[EvictionReason.SILENCE] += 2
    metrics.observe_latency(0.003)
    lines = generate_latest(metrics.registry).decode().splitlines()
    for line in (
        "bot_messages_sent_total 5.0",
        "bot_messages_received_total 4.0",
        "bot_messages_delivered_total 3.0",
        "bot_messages_lost_total 2.0",
        "bot_messages_late_total 1.0",
        "bot_messages_duplicated_total 1.0",
        "bot_members 3.0",
        "bot_locked_out 6.0",
        "bot_moves_total 7.0",
        f'bot_build_info{{python="{platform.python_version()}",version="{__version__}"}} 1.0',
        'bot_joins_total{status="ok"} 0.0',
        'bot_joins_total{status="no_such_room"} 1.0',
        'bot_joins_total{status="unreachable"} 0.0',
        'bot_evictions_total{reason="silence"} 2.0',
        'bot_evictions_total{reason="kicked"} 0.0',
        'bot_round_trip_seconds_bucket{le="0.002"} 0.0',
        'bot_round_trip_seconds_bucket{le="0.003"} 1.0',
        "bot_round_trip_seconds_count 1.0",
    ):
        assert line in lines
    assert not [line for line in lines if "_created" in line]


def test_the_relays_figures_are_read() -> None:
    figures = read_relay_figures(
        "# TYPE relay_rooms gauge\n"
        "relay_rooms 2.0\n"
        "relay_members 6.0\n"
        "relay_lobby_clients 3.0\n"
        "# TYPE relay_datagrams_received counter\n"
        "relay_datagrams_received_total 10.0\n"
        "relay_lobby_datagrams_received_total 5.0\n"
        "relay_datagrams_sent_total 20.0\n"
        'relay_evictions_total{reason="silence"} 1.0\n'
        'relay_evictions_total{reason="kicked"} 0.0\n'
        'relay_rooms_closed_total{reason="host_left"} 1.0\n'
        'relay_lobby_evictions_total{reason="silence"} 4.0\n'
    )
    assert (figures.rooms, figures.members, figures.lobby_clients) == (2, 6, 3)
    assert (figures.datagrams_received, figures.datagrams_sent) == (15, 20)
    assert figures.evictions == {"silence": 5}
    assert figures.rooms_closed == {"host_left": 1}


def test_what_a_relay_does_not_tell_counts_as_nothing() -> None:
    assert read_relay_figures("") == RelayFigures(0, 0, 0, 0, 0, {}, {})


def test_what_is_no_exposition_is_refused() -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_relay_figures("<html>not metrics</html>")


def test_the_document_has_every_metric() -> None:
    document = (Path(__file__).parents[3] / "docs" / "bots.md").read_text("utf-8")
    for family in BotMetrics().registry.collect():
        labels = ",".join(label for label in family.samples[0].labels if label != "le")
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert f"| `{name}{labels and f'{{{labels}}}'}` |" in document
