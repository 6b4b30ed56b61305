"""Environments of a relay or a bot: each thing that is wrong is said in a sentence with its name."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import bot_client.settings
import relay_server.settings
from fuzz.bites import Bites, piece

RELAY: Final = tuple(map(relay_server.settings.variable, relay_server.settings.Settings.model_fields))
BOT: Final = tuple(map(bot_client.settings.variable, bot_client.settings.Settings.model_fields))
VALUES: Final = (
    *("0", "1", "-1", "", "true", "none", "inf", "nan", "1e400", "65536", "::", "json"),
    "9" * 5000,
    "a:b",
    "é\n",
)
MAX_VARIABLES: Final = 8

SEEDS: Final = (
    b"\0\0\1",
    b"\0\3\0\5\1\7\4\2\4",
    b"\1\0\x0d\1\1\5\2\3\1",
    b"\0\0\xff" + piece(b"127.0.0.1") + b"\xff" + piece(b"HOTS") + b"\xff" + piece(b"x"),
)
WORDS: Final = (b"RELAY_", b"BOT_", b"127.0.0.1", b"9000", b"0.5", b"1_0", b"0x10", b"\xff")


def check(data: bytes) -> None:
    bites = Bites(data)
    names, load, prefix = bites.pick(((RELAY, load_relay, "RELAY_"), (BOT, load_bot, "BOT_")))
    variables: dict[str, str] = {}
    while bites and len(variables) < MAX_VARIABLES:
        name = choose(bites, names) or "X"
        variables[name if name in names else prefix + name] = choose(bites, VALUES)
    with environment(variables):
        complaint = load()
    if complaint is not None:
        assert all(re.fullmatch(rf"{prefix}[^\n]+[.?]", line) for line in complaint.split("\n")), complaint


def choose(bites: Bites, options: tuple[str, ...]) -> str:
    """Choose one of these, or anything that may stand in an environment."""
    number = bites.byte()
    text = options[number] if number < len(options) else os.fsdecode(bites.piece())
    return text.replace("\0", "").replace("=", "")


def load_relay() -> str | None:
    return complaint_of(relay_server.settings.load_settings, relay_server.settings.SettingsError)


def load_bot() -> str | None:
    return complaint_of(lambda: bot_client.settings.Settings.load({}), bot_client.settings.SettingsError)


def complaint_of(load: Callable[[], object], error_type: type[Exception]) -> str | None:
    try:
        load()
    except error_type as error:
        return str(error)
    return None


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
