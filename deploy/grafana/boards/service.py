"""The dashboard "Service": what users feel."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import Section, board
from boards.panels import BLUE, GREEN, ORANGE, PURPLE, RED, YELLOW, Steps, figure, heat, lines, stack, states
from boards.promql import last_minute, probe, quantile, rate, total
from boards.relay import OF_EVICTIONS, OF_STATUSES

UID: Final = "chat-service"

_UNHURRIED: Final[Steps] = ((None, GREEN), (0.05, YELLOW), (0.2, RED))
_WHOLE: Final[Steps] = ((None, GREEN), (0.001, YELLOW), (0.01, RED))
_AVAILABLE: Final[Steps] = ((None, RED), (0.99, YELLOW), (0.999, GREEN))

_ROUND_TRIP: Final = probe("bot_round_trip_seconds_bucket")
_REFUSED: Final = 'relay_transactions_total{job="relay", status!="ok"}'
_ANSWERED: Final = 'relay_transactions_total{job="relay"}'
_LOSS: Final = "Messages of the probe that didn't arrive within five seconds, as a share of all."
_AVAILABILITY: Final = (
    "How much of the last 28 days the service was there: messages arrived, and who wanted in was in. The promise is "
    "99.9 %. It counts what was measured, which on a new machine is less than 28 days."
)


def build() -> Dashboard:
    """Build it."""
    return board(
        UID,
        "Service",
        "What people who chat feel: do they get in, do their words arrive, how fast, and is anything wrong?",
        [_now(), _words(), _doors(), _availability()],
    )


def _lost_share() -> str:
    lost, delivered = (total(rate(probe(f"bot_messages_{what}_total"))) for what in ("lost", "delivered"))
    return f"{lost} / ({lost} + {delivered})"


def _now() -> Section:
    return "", [
        figure(
            "Relay",
            "Does Prometheus reach the relay? With several relays: the worst of them.",
            "none",
            'min(up{job="relay"})',
            steps=((None, RED), (1, GREEN)),
            names={"0": "Down", "1": "Up"},
            alert="RelayDown",
        ),
        figure("Members now", "People and bots in rooms, on all relays.", "short", 'sum(relay_members{job="relay"})'),
        figure(
            "Round trip, half",
            "Half of the probe's messages arrive at least as fast as this.",
            "s",
            quantile(0.5, _ROUND_TRIP),
            steps=_UNHURRIED,
            alert="ProbeLatency",
        ),
        figure(
            "Round trip, 99 %",
            "All but one in a hundred of the probe's messages arrive at least as fast as this.",
            "s",
            quantile(0.99, _ROUND_TRIP),
            steps=_UNHURRIED,
            alert="ProbeLatency",
        ),
        figure(
            "Lost",
            _LOSS,
            "percentunit",
            _lost_share(),
            steps=_WHOLE,
            alert="ProbeLoss",
        ),
        figure(
            "Refused in a minute",
            "Creates and joins of the last minute that were answered with anything but a welcome.",
            "short",
            total(last_minute(_REFUSED)),
            alert="JoinsRefused",
        ),
        figure(
            "Available, 28 days",
            _AVAILABILITY,
            "percentunit",
            "service:availability:ratio28d",
            steps=_AVAILABLE,
            decimals=2,
            alert="ErrorBudgetBurns",
        ),
        figure(
            "Alerts",
            "Alerts that are firing now. Below there is which, and since when.",
            "short",
            'count(ALERTS{alertstate="firing"}) or vector(0)',
            steps=((None, GREEN), (1, RED)),
        ),
    ]


def _words() -> Section:
    return "Words on their way: what the probe measures from one member through the relay to another", [
        lines(
            "Round trip",
            "From one member through the relay to another: half of all messages are at least as fast as the lower "
            "line, all but one in a hundred as the upper one.",
            "s",
            {"99 %": quantile(0.99, _ROUND_TRIP), "half": quantile(0.5, _ROUND_TRIP)},
            colors={"99 %": ORANGE, "half": GREEN},
            width=12,
            alert="ProbeLatency",
        ),
        heat(
            "Round trip, all of it",
            "Where the probe's messages lie; the brighter a field, the more of them took so long.",
            "s",
            total(rate(_ROUND_TRIP), "le"),
            alert="ProbeLatency",
        ),
        lines(
            "Loss",
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
            "What bots say and hear. Each message is heard by everybody else in the room.",
            "cps",
            {
                "said": total(rate("bot_messages_sent_total")),
                "heard": total(rate("bot_messages_received_total")),
            },
            colors={"said": BLUE, "heard": GREEN},
            width=5,
        ),
        lines(
            "Bots in and out",
            "Bots that are in a room or in the lobby, and bots that want to be and aren't.",
            "short",
            {"in": "sum(bot_members)", "locked out": "sum(bot_locked_out)"},
            colors={"in": GREEN, "locked out": RED},
            width=5,
            alert="ProbeSilent",
        ),
        stack(
            "Places that bots lost",
            "Evictions as bots noticed them, by reason, in the last minute.",
            "short",
            {"{{reason}}": total(last_minute("bot_evictions_total"), "reason")},
            colors=OF_EVICTIONS,
            width=9,
            alert="EvictionSpike",
        ),
    ]


def _doors() -> Section:
    return "At the door", [
        stack(
            "Joins refused by status",
            "Creates and joins of the last minute that weren't answered with a welcome: wrong room, name taken, "
            "a limit that was met.",
            "short",
            {"{{status}}": total(last_minute(_REFUSED), "status")},
            colors=OF_STATUSES,
            bars=True,
            width=12,
            alert="JoinsRefused",
        ),
        lines(
            "Welcomes and refusals",
            "Creates and joins that the relay answered, by whether the answer was a welcome.",
            "cps",
            {
                "welcome": total(rate('relay_transactions_total{job="relay", status="ok"}')),
                "refused": total(rate(_REFUSED)),
            },
            colors={"welcome": GREEN, "refused": RED},
            width=6,
        ),
        lines(
            "Time to get in",
            "From a join's connection to the last frame of its answer: half are at least as fast as the lower line, "
            "all but one in a hundred as the upper one.",
            "s",
            {
                "99 %": quantile(0.99, 'relay_transaction_duration_seconds_bucket{job="relay"}'),
                "half": quantile(0.5, 'relay_transaction_duration_seconds_bucket{job="relay"}'),
            },
            colors={"99 %": ORANGE, "half": GREEN},
            width=6,
        ),
    ]


def _availability() -> Section:
    return "Is anything wrong?", [
        states(
            "Alerts",
            "Which alerts are pending (yellow) or firing (red), over time. An empty panel is good news.",
            {"{{alertname}}": 'max by (alertname) (ALERTS{alertstate="firing"} * 2 or ALERTS{alertstate="pending"})'},
            {"1": ("pending", YELLOW), "2": ("firing", RED)},
        ),
        lines(
            "Availability",
            "How much of the time the service was there: messages arrived, and who wanted in was in. The dashed line "
            "is the promise, 99.9 % of 28 days.",
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
            "What is left of the 40 minutes that the promise allows to fail in 28 days: 100 % is all of them, "
            "below 0 the promise is broken.",
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
