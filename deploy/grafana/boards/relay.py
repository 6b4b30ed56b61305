"""The dashboard "Relay": what the relay does, and what it costs."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import Section, board
from boards.panels import (
    BLUE,
    BROWN,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    PURPLE,
    RED,
    TEAL,
    YELLOW,
    figure,
    heat,
    lines,
    stack,
)
from boards.promql import last_minute, quantile, rate, relay, total

UID: Final = "chat-relay"

OF_EVICTIONS: Final = {
    "silence": BLUE,
    "unreachable": ORANGE,
    "abuse": RED,
    "never_connected": PURPLE,
    "kicked": YELLOW,
    "host_left": GREEN,
    "shutdown": GREY,
}
_OF_DROPS: Final = {
    "oversized": BROWN,
    "malformed": YELLOW,
    "unanswerable": "#8F3BB8",
    "unknown_token": ORANGE,
    "guessing": RED,
    "room_mismatch": PURPLE,
    "address_mismatch": PINK,
    "message_rate": BLUE,
    "byte_rate": TEAL,
    "copy_rate": "#3274D9",
    "invalid_utf8": GREEN,
    "reserved_name": "#E0B400",
    "too_long": "#A352CC",
    "too_many": GREY,
}
OF_STATUSES: Final = {
    "ok": GREEN,
    "room_exists": YELLOW,
    "no_such_room": ORANGE,
    "wrong_password": PINK,
    "name_taken": BLUE,
    "bad_name": PURPLE,
    "room_full": RED,
    "too_many": "#C4162A",
    "malformed": BROWN,
    "payload_too_large": "#A352CC",
    "not_supported": TEAL,
    "busy": "#FA6400",
    "shutting_down": GREY,
}
_OF_FAILURES: Final = {"buffer_full": RED, "unreachable": ORANGE, "forbidden": PURPLE, "other": GREY}


def build() -> Dashboard:
    """Build it."""
    return board(
        UID,
        "Relay",
        "What the relay does and what it costs: members, datagrams, joins, and the process itself.",
        [_now(), _members(), _datagrams(), _joining(), _process()],
        choose_instance=True,
    )


def _both(name: str) -> str:
    """Add rooms and lobby, which count the same things under two names; labels stay."""
    return f"{rate(relay(f'relay_{name}'))} + {rate(relay(f'relay_lobby_{name}'))}"


def _now() -> Section:
    return "", [
        figure("Rooms", "Rooms that are open now.", "short", total(relay("relay_rooms"))),
        figure("Members", "Members of all rooms now.", "short", total(relay("relay_members"))),
        figure("In the lobby", "Clients that the lobby knows now.", "short", total(relay("relay_lobby_clients"))),
        figure(
            "Messages in",
            "Datagrams that the relay took, in rooms and the lobby; keep-alives are among them.",
            "pps",
            total(_both("datagrams_accepted_total")),
        ),
        figure(
            "Copies out",
            "Copies of messages handed to the kernel: each message goes to everybody else in its room.",
            "pps",
            total(_both("datagrams_sent_total")),
        ),
        figure(
            "Dropped",
            "Datagrams that the relay didn't accept, as a share of all that it read. Below there are the reasons.",
            "percentunit",
            f"{total(_both('datagrams_dropped_total'))} / ({total(_both('datagrams_received_total'))} > 0)"
            f" or {total(relay('relay_rooms'))} * 0",
            steps=[(None, GREEN), (0.01, YELLOW), (0.1, RED)],
        ),
        figure(
            "Evicted in a minute",
            "Members and lobby clients who were evicted in the last minute, for whatever reason.",
            "short",
            f"{total(last_minute(relay('relay_evictions_total')))}"
            f" + {total(last_minute(relay('relay_lobby_evictions_total')))}",
            alert="EvictionSpike",
        ),
        figure(
            "Loop lag",
            "By how much the relay's event loop was late at worst lately. Under 0.1 s nobody notices.",
            "s",
            f"max({relay('relay_loop_lag_seconds')})",
            steps=[(None, GREEN), (0.05, YELLOW), (0.1, RED)],
        ),
    ]


def _members() -> Section:
    return "Members", [
        lines(
            "Rooms and members",
            "How many rooms, members and lobby clients there are.",
            "short",
            {
                "members": total(relay("relay_members")),
                "lobby clients": total(relay("relay_lobby_clients")),
                "rooms": total(relay("relay_rooms")),
                "TCP connections": total(relay("relay_tcp_connections")),
            },
            colors={"members": GREEN, "lobby clients": PURPLE, "rooms": BLUE, "TCP connections": GREY},
        ),
        stack(
            "Evictions by reason",
            "Members and lobby clients evicted in the last minute. 'silence' and 'unreachable' are people who went "
            "away without a word; 'host_left' is everybody else in a room that closed.",
            "short",
            {
                "{{reason}}": f"{total(last_minute(relay('relay_evictions_total')), 'reason')}"
                f" + {total(last_minute(relay('relay_lobby_evictions_total')), 'reason')}"
            },
            colors=OF_EVICTIONS,
            alert="EvictionSpike",
        ),
        lines(
            "Fan-out: copies for each message",
            "To how many others one message goes. Big rooms cost: the copies out are the messages in times this.",
            "short",
            {
                "mean": f"{total(rate(relay('relay_fanout_members_sum')))}"
                f" / ({total(rate(relay('relay_fanout_members_count')))} > 0)",
                "half are under": quantile(0.5, relay("relay_fanout_members_bucket")),
                "99 % are under": quantile(0.99, relay("relay_fanout_members_bucket")),
            },
            colors={"mean": GREEN, "half are under": BLUE, "99 % are under": ORANGE},
        ),
    ]


def _datagrams() -> Section:
    return "Datagrams", [
        lines(
            "In and out",
            "Datagrams read, copies of messages sent, and the relay's own notices (who joined, left, was evicted).",
            "pps",
            {
                "in, rooms": total(rate(relay("relay_datagrams_received_total"))),
                "in, lobby": total(rate(relay("relay_lobby_datagrams_received_total"))),
                "copies out, rooms": total(rate(relay("relay_datagrams_sent_total"))),
                "copies out, lobby": total(rate(relay("relay_lobby_datagrams_sent_total"))),
                "notices out": total(_both("notices_sent_total")),
            },
            colors={
                "in, rooms": BLUE,
                "in, lobby": PURPLE,
                "copies out, rooms": GREEN,
                "copies out, lobby": TEAL,
                "notices out": YELLOW,
            },
            width=12,
        ),
        stack(
            "Dropped by reason",
            "Datagrams that the relay read and didn't accept, in rooms and the lobby. 'address_mismatch' in numbers "
            "means that something hides people's addresses; 'guessing' that somebody tries tokens; 'message_rate' "
            "and 'byte_rate' that somebody says too much.",
            "pps",
            {"{{reason}}": total(_both("datagrams_dropped_total"), "reason")},
            colors=_OF_DROPS,
            width=12,
            alert="AddressMismatches",
        ),
        lines(
            "Bytes",
            "What datagrams carry, without the headers of UDP and IP.",
            "Bps",
            {"in": total(_both("bytes_received_total")), "out": total(_both("bytes_sent_total"))},
            colors={"in": BLUE, "out": GREEN},
        ),
        stack(
            "Copies that the kernel refused",
            "'buffer_full': the relay produces more than the machine sends. 'unreachable': nobody is there any more. "
            "'forbidden': a packet filter on the relay's own machine says no.",
            "pps",
            {"{{reason}}": total(_both("send_failures_total"), "reason")},
            colors=_OF_FAILURES,
            alert="SendFailures",
        ),
        lines(
            "Lost before the relay",
            "Datagrams that the kernel dropped because the relay's receive buffer was full. It should be 0.",
            "pps",
            {"kernel drops": total(rate(relay("relay_kernel_drops_total")))},
            colors={"kernel drops": RED},
            top=1,
            alert="KernelDrops",
        ),
    ]


def _joining() -> Section:
    return "Creating and joining", [
        stack(
            "Answers by status",
            "Creates and joins that the relay answered. 'ok' is a welcome; 'too_many', 'room_full' and 'busy' are "
            "limits that were met; most others are a client's mistake.",
            "pps",
            {"{{status}}": total(rate(relay("relay_transactions_total")), "status")},
            colors=OF_STATUSES,
            width=12,
            alert="JoinsRefused",
        ),
        heat(
            "How long they took",
            "From the connection to the last frame written; the brighter a field, the more transactions took so long. "
            "For clients that want it the relay pauses 0.05 s before the token.",
            "s",
            total(rate(relay("relay_transaction_duration_seconds_bucket")), "le"),
        ),
    ]


def _process() -> Section:
    return "The process", [
        lines(
            "Loop lag",
            "By how much the event loop was late at worst lately: how long a datagram waits for its turn.",
            "s",
            {"{{instance}}": relay("relay_loop_lag_seconds")},
            steps=[(None, GREEN), (0.1, RED)],
            width=6,
            alert="LoopLag",
        ),
        lines(
            "Receive buffer",
            "What the relay asked for and what the kernel granted: Linux counts its own needs in, so it grants twice "
            "as much unless net.core.rmem_max caps it. What doesn't fit while the relay is busy is lost.",
            "bytes",
            {
                "granted, {{instance}}": relay("relay_receive_buffer_bytes"),
                "asked for, {{instance}}": relay("relay_receive_buffer_wanted_bytes"),
            },
            width=6,
            alert="ReceiveBufferTooSmall",
        ),
        lines(
            "Memory",
            "Memory that the process holds, by relay.",
            "bytes",
            {"{{instance}}": relay("process_resident_memory_bytes")},
            width=6,
        ),
        lines(
            "CPU",
            "Share of one core: the relay is one thread, so at 100 % it is at its end.",
            "percentunit",
            {"{{instance}}": rate(relay("process_cpu_seconds_total"))},
            steps=[(None, GREEN), (0.8, RED)],
            width=6,
        ),
    ]
