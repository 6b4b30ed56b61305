"""All that a relay counts, as one JSON object that the next process goes on from."""

import socket
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from relay_server.core.counters import StreamFailure
from relay_server.handover.counts import Json, dump, load
from relay_server.parts import Parts

_CLOSED = StreamFailure.CLOSED.name


def dump_books(parts: Parts) -> dict[str, Any]:
    """Return all counts of a relay that stands still."""
    books: dict[str, Any] = {name: dump(counts) for name, counts in _counts_of(parts).items()}
    streams = books["streams"]
    # Nobody hands on copies that wait: their readers resume at the next process, which sends them as replays (STR-08).
    streams["send_failures"][_CLOSED] += parts.tcp.streams.copies_waiting
    drops: dict[str, Json] = dict(zip(_udp_names(parts), (port.kernel_drops() for port in parts.udp), strict=True))
    if parts.node:
        books["heritage"] = asdict(parts.node.cluster.heritage)
    return books | {"tcp_aborted": parts.tcp.aborted, "kernel_drops": drops}


def load_books(parts: Parts, books: Mapping[str, Any], inherited: Mapping[str, socket.socket]) -> None:
    """Go on from the counts of the relay before; the kernel counts on for sockets that are inherited."""
    for name, counts in _counts_of(parts).items():
        load(counts, books.get(name, {}))
    if parts.node:
        parts.node.take_over(parts.registry.rooms.values(), books["heritage"])
    parts.tcp.aborted = books["tcp_aborted"]
    named = parts.sockets.by_name
    for name, drops in books["kernel_drops"].items():
        if name not in inherited or named.get(name) is not inherited[name]:
            parts.past.kernel_drops += drops


def _udp_names(parts: Parts) -> list[str]:
    return ["udp", "lobby"][: len(parts.udp)]


def _counts_of(parts: Parts) -> dict[str, Any]:
    """Return what is counted in place, by name."""
    counts = {
        "rooms": parts.registry.counters, "lobby": parts.lobby.counters, "streams": parts.registry.stream_counters,
        "tally": parts.tally, "past": parts.past,
    }  # fmt: skip
    if parts.tls:
        counts["tls"] = parts.tls.counts
    if parts.node:
        counts["cluster"] = parts.node.counters
    if parts.web:
        counts["web"] = parts.web.counters
    if parts.keeper:
        counts["state"] = parts.keeper.counters
    return counts
