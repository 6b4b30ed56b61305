"""What a user says of the relay to try: where it listens, and how to speak to it."""

import re
from typing import Final

import pytest

from conformance.relays import Relay

LEVELS: Final = ("text", "robust", "extension")
"""Requirements of the exercise's text; of a careful relay beyond it; extensions of this project."""

FORMS: Final = ("plain", "json")
_TARGET: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+)((?::\d{1,5}){1,3})")


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption(
        "--target", metavar="HOST:TCP[:UDP[:LOBBY]]", help="a relay that runs already; UDP is TCP + 1, LOBBY TCP + 2"
    )
    group.addoption("--udp-port", help="the target's UDP port, if --target doesn't name it")
    group.addoption("--lobby-port", help="the target's lobby port, if --target doesn't name it")
    group.addoption("--level", default=LEVELS[-1], help=f"try this level and those below it: {', '.join(LEVELS)}")
    group.addoption("--form", default=FORMS[0], help=f"how requests to the target carry names: {', '.join(FORMS)}")
    group.addoption("--silence-seconds", help="after how long the target removes who says nothing")


def check_options(config: pytest.Config) -> None:
    """Check what stands in no address; raises pytest.UsageError, in a sentence."""
    for variable, option, words in (("LEVEL", "--level", LEVELS), ("FORM", "--form", FORMS)):
        if (said := config.getoption(option, default=words[0])) not in words:
            raise pytest.UsageError(f"{variable} is {said!r}: use {', '.join(words[:-1])} or {words[-1]}.")
    silence_seconds_of(config)


def silence_seconds_of(config: pytest.Config) -> float | None:
    """Return after how long the target removes who says nothing, if the user says so."""
    said = config.getoption("--silence-seconds", default=None)
    if said is None:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", said) or not float(said):
        raise pytest.UsageError(f"SILENCE is {said!r}: use a number of seconds above 0.")
    return float(said)


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
    udp_port = _port(config, "UDP", "--udp-port") if udp_port is None else udp_port
    lobby_port = _port(config, "LOBBY", "--lobby-port") if lobby_port is None else lobby_port
    ports = [port for port in (tcp_port, udp_port, lobby_port) if port is not None]
    if not match or tcp_port is None or not all(0 < port < 65_536 for port in ports):
        raise pytest.UsageError(f"Say TARGET=HOST:PORT, such as TARGET=127.0.0.1:9000; {target!r} is no such thing.")
    return match[1].strip("[]"), tcp_port, udp_port, lobby_port


def _port(config: pytest.Config, variable: str, option: str) -> int | None:
    said = config.getoption(option)
    if said is None:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", said) or not 0 < int(said) < 65_536:
        raise pytest.UsageError(f"{variable} is {said!r}: use a port from 1 to 65535.")
    return int(said)


def level_of(item: pytest.Item) -> str:
    """Return a test's level; raises pytest.UsageError if it doesn't have exactly one."""
    levels = [level for mark in item.iter_markers("level") for level in mark.args]
    if len(levels) != 1 or levels[0] not in LEVELS:
        raise pytest.UsageError(f"{item.nodeid} needs exactly one level of {', '.join(LEVELS)}; it has {levels}.")
    return str(levels[0])
