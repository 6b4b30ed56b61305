"""Who is at the other end of a TCP connection."""

import asyncio
from typing import Any

from relay_server.asked import Peer
from relay_server.core.address import parse_ip
from relay_server.net.hello import Hello


def peer_of(transport: asyncio.Transport, *, pinned: bool) -> Peer | None:
    """Return who is connected; None if it is gone already. With ``pinned`` answers leave from where it connected to."""
    peer: tuple[Any, ...] | None = transport.get_extra_info("peername")
    local: tuple[Any, ...] | None = transport.get_extra_info("sockname")
    if not peer or not local:
        return None
    local_ip = parse_ip(local[0]) if pinned else None
    return Peer(parse_ip(peer[0]), peer[1], peer[3] if len(peer) > 3 else 0, local_ip)


def carried_peer(hello: Hello, via: bytes) -> Peer:
    """Return whom a node carries here; ``via`` is the node's IP. Its port is nobody's business here (LEN-02)."""
    return Peer(
        hello.ip, 0, hello.scope, encrypted=hello.encrypted, via=via, udp_port=hello.udp_port, by_page=hello.by_page
    )
