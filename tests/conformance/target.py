"""What a user says of the relay to try: where it listens, and how to speak to it."""

import re
from typing import Final

import pytest

from conformance.relays import Relay

LEVELS: Final = ("text", "robust", "extension")
"""Requirements of the exercise's text; of a careful relay beyond it; extensions of this project."""

_TARGET: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+)((?::\d{1,5}){1,3})")


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption(
        "--target", metavar="HOST:TCP[:UDP[:LOBBY]]", help="a relay that runs already; UDP is TCP + 1, LOBBY TCP + 2"
    )
    group.addoption("--udp-port", type=int, help="the target's UDP port, if --target doesn't name it")
    group.addoption("--lobby-port", type=int, help="the target's lobby port, if --target doesn't name it")
    group.addoption("--level", choices=LEVELS, default=LEVELS[-1], help="try this level and those below it")
    group.addoption("--form", choices=("plain", "json"), default="plain", help="how requests to the target carry names")
    group.addoption("--silence-seconds", type=float, help="after how long the target removes who says nothing")


def target_of(config: pytest.Config) -> Relay | None:
    """Return the relay that the user named, or None: then the suite starts relays of its own.

    Raises pytest.UsageError, in a sentence.
    """
    if config.getoption("--target", default=None) is None:
        return None
    host, tcp_port, udp_port, lobby_port = _parts(config)
    return Relay(
        host, tcp_port, udp_port or tcp_port + 1, lobby_port or tcp_port + 2, json=config.getoption("--form") == "json"
    )


def names_lobby(config: pytest.Config) -> bool:
    """Tell whether the user says where the target's lobby is."""
    return _parts(config)[3] is not None


def _parts(config: pytest.Config) -> tuple[str, int, int | None, int | None]:
    target = config.getoption("--target")
    match = _TARGET.fullmatch(target)
    named = [int(port) for port in match[2][1:].split(":")] if match else []
    tcp_port, udp_port, lobby_port = [*named, None, None, None][:3]
    udp_port = config.getoption("--udp-port") if udp_port is None else udp_port
    lobby_port = config.getoption("--lobby-port") if lobby_port is None else lobby_port
    ports = [port for port in (tcp_port, udp_port, lobby_port) if port is not None]
    if not match or tcp_port is None or not all(0 < port < 65_536 for port in ports):
        raise pytest.UsageError(f"Say TARGET=HOST:PORT, such as TARGET=127.0.0.1:9000; {target!r} is no such thing.")
    return match[1].strip("[]"), tcp_port, udp_port, lobby_port


def level_of(item: pytest.Item) -> str:
    """Return a test's level; raises pytest.UsageError if it doesn't have exactly one."""
    levels = [level for mark in item.iter_markers("level") for level in mark.args]
    if len(levels) != 1 or levels[0] not in LEVELS:
        raise pytest.UsageError(f"{item.nodeid} needs exactly one level of {', '.join(LEVELS)}; it has {levels}.")
    return str(levels[0])
