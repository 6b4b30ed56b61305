"""What the dashboard "Relay" shows of chats over connections: streams, and browsers among them."""

from typing import Final

from boards.board import Panel, Section
from boards.panels import BLUE, BROWN, GREEN, GREY, ORANGE, PINK, PURPLE, RED, TEAL, YELLOW, lines, stack
from boards.promql import last_minute, rate, relay, total

OF_DROPS: Final = {
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
_OF_CUTS: Final = {"malformed": YELLOW, "slow": RED, "unanswered": ORANGE}
_OF_STATUSES: Final = {"101": GREEN, "200": BLUE, "304": TEAL, "403": RED, "429": ORANGE}
_OF_REFUSALS: Final = {"origin": RED, "handshake": YELLOW, "busy": ORANGE, "rate": PURPLE}
_OF_STREAM_FAILURES: Final = {"closed": GREY, "slow": RED, "gone": PURPLE}


def streams() -> Section:
    """Return the section about streams."""
    return "Streams", [
        lines(
            "Streams",
            "Members that chat over TCP connections, and seats that wait for a new connection.",
            "short",
            {"connected": total(relay("relay_streams")), "away": total(relay("relay_streams_away"))},
            colors={"connected": GREEN, "away": ORANGE},
            width=6,
        ),
        lines(
            "Messages over streams",
            "Messages that came over streams, copies handed to streams, and messages that members got when they came "
            "back.",
            "cps",
            {
                "received": total(rate(relay("relay_stream_messages_received_total"))),
                "copies sent": total(rate(relay("relay_stream_copies_sent_total"))),
                "replayed": total(rate(relay("relay_stream_messages_replayed_total"))),
            },
            colors={"received": BLUE, "copies sent": GREEN, "replayed": YELLOW},
            width=6,
        ),
        stack(
            "Streams cut by reason",
            "Streams that the relay cut in the last minute. 'slow': the client left too much unread. 'unanswered': "
            "nothing came from it for 30 s. 'malformed': it sent a line that can't be read.",
            "short",
            {"{{reason}}": total(last_minute(relay("relay_stream_cuts_total")), "reason")},
            colors=_OF_CUTS,
            width=6,
            alert="SlowReaders",
        ),
        lines(
            "Limits of streams",
            "How much is used of RELAY_MAX_STREAMS, with the seats that wait, and of RELAY_RING_BYTES, the memory for "
            "members that come back. Above 90 % there are alerts.",
            "percentunit",
            {
                "streams, {{instance}}": relay("relay:streams:ratio"),
                "ring memory, {{instance}}": relay("relay:ring:ratio"),
            },
            steps=[(None, GREEN), (0.9, RED)],
            width=6,
            alert="StreamsNearLimit",
        ),
        *_losses_of_streams(),
        *_browsers(),
    ]


def _browsers() -> list[Panel]:
    return [
        lines(
            "Browsers",
            "WebSockets that carry a chat (streams count them, too), and connections of browsers that carry none.",
            "short",
            {"chats": total(relay("relay_web_chats")), "other connections": total(relay("relay_web_connections"))},
            colors={"chats": GREEN, "other connections": GREY},
            width=6,
        ),
        stack(
            "Requests of browsers by status",
            "HTTP requests that the web port answered. '101' opened a WebSocket. '403': a page of another site, or a "
            "proxy that doesn't pass 'Host' on. '429': too many from one address.",
            "reqps",
            {"{{status}}": total(rate(relay("relay_web_requests_total")), "status")},
            colors=_OF_STATUSES,
            width=6,
        ),
        stack(
            "Refused handshakes of pages",
            "WebSockets that pages asked for and didn't get, in the last minute. 'origin': a page of another site. "
            "'busy' and 'rate': too many connections from one address.",
            "short",
            {"{{reason}}": total(last_minute(relay("relay_web_handshakes_refused_total")), "reason")},
            colors=_OF_REFUSALS,
            width=6,
        ),
    ]


def _losses_of_streams() -> list[Panel]:
    return [
        stack(
            "Drops over streams",
            "Messages of streams that the relay didn't relay. 'message_rate' and 'byte_rate': a member sends too much.",
            "cps",
            {"{{reason}}": total(rate(relay("relay_stream_messages_dropped_total")), "reason")},
            colors=OF_DROPS,
            width=6,
        ),
        stack(
            "Copies not handed to streams",
            "'closed': the connection ended first. 'slow': the stream was cut. 'gone': the message wasn't kept any "
            "more. Members that come back may still get the first two as replays.",
            "cps",
            {"{{reason}}": total(rate(relay("relay_stream_send_failures_total")), "reason")},
            colors=_OF_STREAM_FAILURES,
            width=6,
        ),
        lines(
            "Copies waiting",
            "Copies that wait for their readers. They are kept once for all, and nobody waits for a slow reader.",
            "short",
            {"{{instance}}": relay("relay_stream_copies_waiting")},
            width=6,
        ),
        lines(
            "Entries gone",
            "Entries that readers were told aren't kept any more: messages and notices that they missed.",
            "cps",
            {"entries gone": total(rate(relay("relay_stream_entries_gone_total")))},
            colors={"entries gone": RED},
            width=6,
            top=1,
            alert="RingMemoryFull",
        ),
    ]
