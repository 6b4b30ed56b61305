"""How many descriptors this process may open (threat T3)."""

import sys
from typing import Final

if sys.platform != "win32":
    import resource

OPS_CONNECTIONS: Final = 64
"""Connections to the operators' HTTP port at once: a Prometheus has one, and a few people look as well."""
OWN_FILES: Final = 64 + OPS_CONNECTIONS
"""Descriptors that the relay needs for itself: ports, logs, operators' connections, and some that close just now."""


def needed(transactions: int, streams: int | None, pages: int = 0) -> int | None:
    """Return how many descriptors a relay needs for so many transactions and streams; None: there is no limit.

    ``pages`` are connections of browsers that carry no chat.

    0 is no limit; streams are None where nobody may have one.
    """
    return None if 0 in {transactions, streams} else transactions + (streams or 0) + pages + OWN_FILES


def share(allowed: int, transactions: int, streams: int | None, pages: int = 0) -> tuple[int, int]:
    """Return how many transactions and streams there are descriptors for; the arguments are as with `needed`.

    Each kind gets half, and what the other doesn't want; one of each is always let in. Pages get a quarter of all.
    """
    free = max(2, allowed - pages_among(allowed, pages) - OWN_FILES)
    if streams is None:
        return min(transactions or free, free), 0
    wanted = streams or free
    taken = min(transactions or free, max(free // 2, free - wanted))
    return taken, min(wanted, free - taken)


def for_clients(cluster_url: str) -> int | None:
    """Return how many descriptors a relay has for its clients, who get half of a node's; None: there is no limit."""
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    return soft // 2 if cluster_url else soft


def pages_among(allowed: int, pages: int) -> int:
    """Return how many connections of browsers that carry no chat there are descriptors for."""
    return min(pages, allowed // 4)


def for_other_nodes() -> int:
    """Return how many links a node may open, and how many sockets to homes: each kind gets a quarter of all."""
    if sys.platform == "win32":
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft // 4


def raise_limit(wanted: int | None) -> int | None:
    """Let this process open so many descriptors if it may; None asks for all it may have.

    Returns how many it may open now; None if there is no limit.
    """
    if sys.platform == "win32":
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    if hard == resource.RLIM_INFINITY:
        target = soft if wanted is None else max(soft, wanted)
    else:
        target = hard if wanted is None else max(soft, min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    return target
