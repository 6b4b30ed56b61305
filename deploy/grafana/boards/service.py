"""The dashboard "Service": how well the service works for its users."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import Section, board
from boards.panels import BLUE, GREEN, ORANGE, PURPLE, RED, YELLOW, Steps, figure, heat, lines, stack, states
from boards.promql import last_minute, probe, quantile, rate, total
from boards.relay import OF_EVICTIONS, OF_STATUSES

UID: Final = "chat-service"

_LATENCY_STEPS: Final[Steps] = ((None, GREEN), (0.05, YELLOW), (0.2, RED))
_LOSS_STEPS: Final[Steps] = ((None, GREEN), (0.001, YELLOW), (0.01, RED))
_AVAILABILITY_STEPS: Final[Steps] = ((None, RED), (0.99, YELLOW), (0.999, GREEN))

_LATENCY: Final = probe("bot_round_trip_seconds_bucket")
_REFUSED: Final = 'relay_transactions_total{job="relay", status!~"ok|elsewhere"}'
_ANSWERED: Final = 'relay_transactions_total{job="relay"}'
_LOSS: Final = "The share of the probe's messages that didn't arrive within five seconds."
_AVAILABILITY: Final = (
    "The share of the last 28 days in which the service was available: messages were delivered and joins succeeded. "
    "The objective is 99.9 %. Only measured time counts, which is less than 28 days on a new machine."
)


def build() -> Dashboard:
    """Build it."""
    return board(
        UID,
        "Service",
        "How well the service works for its users: joins, message delivery, latency, alerts and availability.",
        [_now(), _delivery(), _joins(), _availability()],
    )


def _lost_share() -> str:
    lost, delivered = (total(rate(probe(f"bot_messages_{what}_total"))) for what in ("lost", "delivered"))
    return f"{lost} / ({lost} + {delivered})"


def _now() -> Section:
    return "", [
        figure(
            "Relay",
            "Whether Prometheus can scrape the relay. With several relays: Down if any of them is down.",
            "none",
            'min(up{job="relay"})',
            steps=((None, RED), (1, GREEN)),
            names={"0": "Down", "1": "Up"},
            alert="RelayDown",
        ),
        figure("Members", "People and bots in rooms, on all relays.", "short", 'sum(relay_members{job="relay"})'),
        *(
            figure(
                f"Message latency p{round(100 * share)}",
                f"One-way latency of the probe's messages, from one member through the relay to another: {which}.",
                "s",
                quantile(share, _LATENCY),
                steps=_LATENCY_STEPS,
                alert="ProbeLatency",
            )
            for share, which in ((0.5, "the median"), (0.99, "the 99th percentile"))
        ),
        figure(
            "Message loss",
            _LOSS,
            "percentunit",
            _lost_share(),
            steps=_LOSS_STEPS,
            alert="ProbeLoss",
        ),
        figure(
            "Joins refused (1 min)",
            "Creates and joins that the relay refused in the last minute.",
            "short",
            total(last_minute(_REFUSED)),
            alert="JoinsRefused",
        ),
        figure(
            "Availability (28 days)",
            _AVAILABILITY,
            "percentunit",
            "service:availability:ratio28d",
            steps=_AVAILABILITY_STEPS,
            decimals=2,
            alert="ErrorBudgetBurns",
        ),
        figure(
            "Firing alerts",
            "The number of firing alerts. The panel below shows which ones, and since when.",
            "short",
            'count(ALERTS{alertstate="firing"}) or vector(0)',
            steps=((None, GREEN), (1, RED)),
        ),
    ]


def _delivery() -> Section:
    return "Message delivery (probe)", [
        lines(
            "Message latency",
            "One-way latency of the probe's messages, from one member through the relay to another.",
            "s",
            {"p99": quantile(0.99, _LATENCY), "p50": quantile(0.5, _LATENCY)},
            colors={"p99": ORANGE, "p50": GREEN},
            width=12,
            alert="ProbeLatency",
        ),
        heat(
            "Message latency distribution",
            "The brighter a cell, the more of the probe's messages had this latency.",
            "s",
            total(rate(_LATENCY), "le"),
            alert="ProbeLatency",
        ),
        lines(
            "Message loss",
            _LOSS,
            "percentunit",
            {"lost": _lost_share()},
            colors={"lost": RED},
            top=0.01,
            width=5,
            alert="ProbeLoss",
        ),
        lines(
            "Messages of all bots",
            "Messages that bots send and receive. All other members of the room receive each message.",
            "cps",
            {
                "sent": total(rate("bot_messages_sent_total")),
                "received": total(rate("bot_messages_received_total")),
            },
            colors={"sent": BLUE, "received": GREEN},
            width=5,
        ),
        lines(
            "Bots joined",
            "Bots that are in a room or in the lobby, and bots that want to be in one but aren't.",
            "short",
            {"joined": "sum(bot_members)", "not joined": "sum(bot_locked_out)"},
            colors={"joined": GREEN, "not joined": RED},
            width=5,
            alert="ProbeSilent",
        ),
        stack(
            "Bot evictions by reason",
            "Evictions in the last minute that bots were told of or found out.",
            "short",
            {"{{reason}}": total(last_minute("bot_evictions_total"), "reason")},
            colors=OF_EVICTIONS,
            width=9,
            alert="EvictionSpike",
        ),
    ]


def _joins() -> Section:
    return "Joins", [
        stack(
            "Joins refused by status",
            "Creates and joins that the relay refused in the last minute: no such room, a name that is taken, a limit "
            "that was reached and so on.",
            "short",
            {"{{status}}": total(last_minute(_REFUSED), "status")},
            colors=OF_STATUSES,
            bars=True,
            width=12,
            alert="JoinsRefused",
        ),
        lines(
            "Joins accepted and refused",
            "Creates and joins that the relay answered.",
            "cps",
            {
                "accepted": total(rate('relay_transactions_total{job="relay", status="ok"}')),
                "refused": total(rate(_REFUSED)),
            },
            colors={"accepted": GREEN, "refused": RED},
            width=6,
        ),
        lines(
            "Join latency",
            "From the moment the relay accepts the TCP connection to the last frame of its answer.",
            "s",
            {
                "p99": quantile(0.99, 'relay_transaction_duration_seconds_bucket{job="relay"}'),
                "p50": quantile(0.5, 'relay_transaction_duration_seconds_bucket{job="relay"}'),
            },
            colors={"p99": ORANGE, "p50": GREEN},
            width=6,
        ),
    ]


def _availability() -> Section:
    return "Alerts and availability", [
        states(
            "Alerts",
            "Alerts that were pending (yellow) or firing (red), over time. The panel is empty if there were none.",
            {"{{alertname}}": 'max by (alertname) (ALERTS{alertstate="firing"} * 2 or ALERTS{alertstate="pending"})'},
            {"1": ("pending", YELLOW), "2": ("firing", RED)},
        ),
        lines(
            "Availability",
            "The share of time in which the service was available: messages were delivered and joins succeeded. The "
            "dashed line is the objective, 99.9 % of 28 days.",
            "percentunit",
            {
                "28 days": "service:availability:ratio28d",
                "1 hour": "service:availability:ratio1h",
                "5 minutes": "service:availability:ratio5m",
            },
            colors={"28 days": GREEN, "1 hour": BLUE, "5 minutes": PURPLE},
            steps=((None, RED), (0.999, GREEN)),
            width=6,
            bottom=0.99,
            top=1,
            alert="ErrorBudgetBurns",
        ),
        lines(
            "Error budget left",
            "What is left of the 40 minutes of downtime that the objective allows in 28 days. Below 0 the objective "
            "is missed.",
            "percentunit",
            {"left": "service:error_budget_left:ratio28d"},
            colors={"left": GREEN},
            steps=((None, RED), (0.25, YELLOW)),
            width=6,
            bottom=0,
            top=1,
            alert="ErrorBudgetBurns",
        ),
    ]
