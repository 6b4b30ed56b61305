"""Addresses whose checks of passwords others have spent (PWD-04)."""

from relay_server.core.address import network_of, parse_ip
from relay_server.core.guesses import AT_ONCE, Guesses

PER_MINUTE = 5
BETWEEN_SECONDS = 60 / PER_MINUTE
"""A check comes so often."""


def spent(now: float, *, next_in: float = BETWEEN_SECONDS, ip: str = "127.0.0.1") -> Guesses:
    """Return guesses in which somebody left no check at ``now``, under a new name for each; the next comes so soon."""
    guesses = Guesses(PER_MINUTE)
    for number in range(AT_ONCE):
        guesses.begin(network_of(parse_ip(ip)), f"eve {number}", b"demo", now + next_in - BETWEEN_SECONDS)
    return guesses
