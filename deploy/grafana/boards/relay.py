"""The dashboard "Relay": what the relay does, and what resources it uses."""

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
from boards.streams import OF_DROPS, streams

UID: Final = "chat-relay"

OF_EVICTIONS: Final = {
    "silence": BLUE,
    "unreachable": ORANGE,
    "abuse": RED,
    "never_connected": PURPLE,
    "kicked": YELLOW,
    "host_left": GREEN,
    "shutdown": GREY,
    "moved": TEAL,
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
    "elsewhere": "#56A64B",
}
_OF_FAILURES: Final = {"buffer_full": RED, "unreachable": ORANGE, "forbidden": PURPLE, "other": GREY}


def build() -> Dashboard:
    """Build it."""
    return board(
        UID,
        "Relay",
        "What the relay does and what resources it uses: members, datagrams, streams, joins, and the process itself.",
        [_now(), _members(), _datagrams(), streams(), _joins(), _process()],
        choose_instance=True,
    )


def _both(name: str) -> str:
    """Add rooms and lobby, which count the same things under two names; labels stay."""
    return f"{rate(relay(f'relay_{name}'))} + {rate(relay(f'relay_lobby_{name}'))}"


def _now() -> Section:
    return "", [
        figure("Rooms", "The number of open rooms.", "short", total(relay("relay_rooms"))),
        figure("Members", "The number of members in all rooms.", "short", total(relay("relay_members"))),
        figure("Lobby clients", "The number of clients in the lobby.", "short", total(relay("relay_lobby_clients"))),
        figure(
            "Datagrams accepted",
            "Datagrams that the relay accepted, in rooms and the lobby, including keep-alives.",
            "pps",
            total(_both("datagrams_accepted_total")),
        ),
        figure(
            "Copies sent",
            "Copies of messages handed to the kernel: each message goes to all other members of its room.",
            "pps",
            total(_both("datagrams_sent_total")),
        ),
        figure(
            "Datagrams dropped",
            "The share of received datagrams that the relay dropped. The reasons are in the panel below.",
            "percentunit",
            f"{total(_both('datagrams_dropped_total'))} / ({total(_both('datagrams_received_total'))} > 0)"
            f" or {total(relay('relay_rooms'))} * 0",
            steps=[(None, GREEN), (0.01, YELLOW), (0.1, RED)],
        ),
        figure(
            "Evictions (1 min)",
            "Members and lobby clients evicted in the last minute, for any reason.",
            "short",
            f"{total(last_minute(relay('relay_evictions_total')))}"
            f" + {total(last_minute(relay('relay_lobby_evictions_total')))}",
            alert="EvictionSpike",
        ),
        figure(
            "Event loop lag",
            "The largest delay of the relay's event loop in the last 10 to 20 s. People don't notice less than 0.1 s.",
            "s",
            f"max({relay('relay_loop_lag_seconds')})",
            steps=[(None, GREEN), (0.05, YELLOW), (0.1, RED)],
        ),
    ]


def _members() -> Section:
    return "Members", [
        lines(
            "Rooms and members",
            "The number of rooms, members, lobby clients and streams, and of TCP connections for joins.",
            "short",
            {
                "members": total(relay("relay_members")),
                "lobby clients": total(relay("relay_lobby_clients")),
                "rooms": total(relay("relay_rooms")),
                "streams": total(relay("relay_streams")),
                "TCP connections": total(relay("relay_tcp_connections")),
            },
            colors={"members": GREEN, "lobby clients": PURPLE, "rooms": BLUE, "streams": TEAL, "TCP connections": GREY},
        ),
        stack(
            "Evictions by reason",
            "Members and lobby clients evicted in the last minute. 'silence' and 'unreachable': clients that vanished "
            "without leaving. 'host_left': the remaining members of a room that closed.",
            "short",
            {
                "{{reason}}": f"{total(last_minute(relay('relay_evictions_total')), 'reason')}"
                f" + {total(last_minute(relay('relay_lobby_evictions_total')), 'reason')}"
            },
            colors=OF_EVICTIONS,
            alert="EvictionSpike",
        ),
        lines(
            "Fan-out",
            "Datagrams for each message: the number of other members on UDP in its room. Copies sent = messages times "
            "fan-out.",
            "short",
            {
                "mean": f"{total(rate(relay('relay_fanout_members_sum')))}"
                f" / ({total(rate(relay('relay_fanout_members_count')))} > 0)",
                "p50": quantile(0.5, relay("relay_fanout_members_bucket")),
                "p99": quantile(0.99, relay("relay_fanout_members_bucket")),
            },
            colors={"mean": GREEN, "p50": BLUE, "p99": ORANGE},
        ),
    ]


def _datagrams() -> Section:
    return "Datagrams", [
        lines(
            "Datagrams received and sent",
            "Datagrams received, copies of messages sent, and notices sent (joins, leaves, evictions and so on).",
            "pps",
            {
                "received, rooms": total(rate(relay("relay_datagrams_received_total"))),
                "received, lobby": total(rate(relay("relay_lobby_datagrams_received_total"))),
                "copies sent, rooms": total(rate(relay("relay_datagrams_sent_total"))),
                "copies sent, lobby": total(rate(relay("relay_lobby_datagrams_sent_total"))),
                "notices sent": total(_both("notices_sent_total")),
            },
            colors={
                "received, rooms": BLUE,
                "received, lobby": PURPLE,
                "copies sent, rooms": GREEN,
                "copies sent, lobby": TEAL,
                "notices sent": YELLOW,
            },
            width=12,
        ),
        stack(
            "Drops by reason",
            "Datagrams that the relay dropped, in rooms and the lobby. Many 'address_mismatch': a proxy or NAT hides "
            "the members' addresses. 'guessing': somebody is guessing tokens. 'message_rate' and 'byte_rate': "
            "a member sends too much.",
            "pps",
            {"{{reason}}": total(_both("datagrams_dropped_total"), "reason")},
            colors=OF_DROPS,
            width=12,
            alert="AddressMismatches",
        ),
        lines(
            "Bytes",
            "Payload of datagrams, without UDP and IP headers.",
            "Bps",
            {"received": total(_both("bytes_received_total")), "sent": total(_both("bytes_sent_total"))},
            colors={"received": BLUE, "sent": GREEN},
        ),
        stack(
            "Send failures by reason",
            "Copies that the kernel refused to send. 'buffer_full': the relay produces more than the machine can send. "
            "'unreachable': there is no route, or no program listens there. 'forbidden': a packet filter on the "
            "relay's machine rejects them.",
            "pps",
            {"{{reason}}": total(_both("send_failures_total"), "reason")},
            colors=_OF_FAILURES,
            alert="SendFailures",
        ),
        lines(
            "Kernel drops",
            "Datagrams that the kernel dropped because the relay's receive buffer was full. It should be 0.",
            "pps",
            {"kernel drops": total(rate(relay("relay_kernel_drops_total")))},
            colors={"kernel drops": RED},
            top=1,
            alert="KernelDrops",
        ),
    ]


def _joins() -> Section:
    return "Joins", [
        stack(
            "Joins by status",
            "Creates and joins that the relay answered. 'ok': accepted. 'too_many', 'room_full' and 'busy': a limit "
            "was reached. Most others are a client's mistake.",
            "pps",
            {"{{status}}": total(rate(relay("relay_transactions_total")), "status")},
            colors=OF_STATUSES,
            width=12,
            alert="JoinsRefused",
        ),
        heat(
            "Join latency distribution",
            "From the accepted TCP connection to the last frame written. The brighter a cell, the more joins had this "
            "latency. For plain clients the relay waits 0.05 s before it sends the token.",
            "s",
            total(rate(relay("relay_transaction_duration_seconds_bucket")), "le"),
        ),
    ]


def _process() -> Section:
    return "Process", [
        lines(
            "Event loop lag",
            "The largest delay of the event loop in the last 10 to 20 s: how long a datagram may wait to be handled.",
            "s",
            {"{{instance}}": relay("relay_loop_lag_seconds")},
            steps=[(None, GREEN), (0.1, RED)],
            width=6,
            alert="LoopLag",
        ),
        lines(
            "Receive buffer",
            "The size that the relay requested and the size that the kernel granted. Linux doubles the request for its "
            "own overhead unless net.core.rmem_max caps it. Datagrams that don't fit while the relay is busy are lost.",
            "bytes",
            {
                "granted, {{instance}}": relay("relay_receive_buffer_bytes"),
                "requested, {{instance}}": relay("relay_receive_buffer_wanted_bytes"),
            },
            width=6,
            alert="ReceiveBufferTooSmall",
        ),
        lines(
            "Memory",
            "Resident memory of the process.",
            "bytes",
            {"{{instance}}": relay("process_resident_memory_bytes")},
            width=6,
        ),
        lines(
            "CPU",
            "Share of one core. The relay's event loop is one thread, so it is saturated at 100 %.",
            "percentunit",
            {"{{instance}}": rate(relay("process_cpu_seconds_total"))},
            steps=[(None, GREEN), (0.8, RED)],
            width=6,
        ),
        lines(
            "State on disk",
            "Size of the file from which the next relay takes rooms and members over. 0 if the relay has no state "
            "directory, or can't write there.",
            "bytes",
            {"{{instance}}": relay("relay_state_bytes")},
            alert="StateNotSaved",
        ),
    ]
