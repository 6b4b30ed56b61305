"""Logs: one record per fact, whatever people call themselves, and never a token."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from chatproto import Command, EvictionReason, encode_datagram
from relay_server.core import events
from relay_server.core.address import parse_ip
from relay_server.core.judge import Judge
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net.address import locate, make_address
from relay_server.telemetry.logs import configure_logs, event_logger
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces

EVENTS: list[events.Event] = [
    events.RoomCreated("demo"),
    events.RoomClosed("demo", EvictionReason.SILENCE),
    events.MemberJoined("demo", "ann"),
    events.MemberLeft("demo", "ann"),
    events.MemberEvicted("demo", "ann", EvictionReason.ABUSE),
    events.LobbyClientEvicted("ann", EvictionReason.UNREACHABLE),
    events.CommandObeyed("demo", Command.KICK),
]
# Names in rooms are printable, but the lobby takes any UTF-8.
HOSTILE = [
    'x\n{"event": "forged"}',
    "x\r\nforged",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b2J",
    "\u2028forged",
    "\u202egnp.exe",
    '"quoted" \\ \t',
    "\0",
    "é漢😀",
]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Return what stands in for stderr; the logs are set back afterwards."""
    yield io.StringIO()
    structlog.reset_defaults()


def test_every_fact_is_one_json_record(stream: io.StringIO) -> None:
    configure_logs(level="debug", json=True, stream=stream)
    observe = event_logger()
    for event in EVENTS:
        observe(event)
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [record["event"] for record in records] == [
        "room_created", "room_closed", "member_joined", "member_left", "member_evicted", "lobby_client_evicted",
        "command_obeyed",
    ]  # fmt: skip
    assert [record.get("reason") for record in records] == [None, "silence", None, None, "abuse", "unreachable", None]
    assert all(record["room"] == "demo" for record in [*records[:5], records[6]])
    assert all(record["name"] == "ann" for record in records[2:6])
    assert all({"level", "timestamp"} <= record.keys() for record in records)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_stays_within_its_record(stream: io.StringIO, name: str) -> None:
    configure_logs(level="debug", json=True, stream=stream)
    event_logger()(events.LobbyClientEvicted(name, EvictionReason.SILENCE))
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.removesuffix("\n").isprintable()
    assert text.isascii()
    assert json.loads(text)["name"] == name


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_does_nothing_to_a_terminal(stream: io.StringIO, name: str) -> None:
    configure_logs(level="debug", json=False, stream=stream)
    event_logger()(events.LobbyClientEvicted(name, EvictionReason.SILENCE))
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.removesuffix("\n").isprintable()


@pytest.mark.parametrize(("level", "written"), [("debug", 7), ("info", 4), ("warning", 0), ("error", 0)])
def test_only_records_of_the_level_are_written(stream: io.StringIO, level: str, written: int) -> None:
    configure_logs(level=level, json=True, stream=stream)
    observe = event_logger()
    for event in EVENTS:
        observe(event)
    assert len(stream.getvalue().splitlines()) == written


@pytest.mark.requirement("ROOM-02")
@pytest.mark.parametrize("as_json", [True, False])
def test_no_token_is_ever_written(stream: io.StringIO, as_json: bool) -> None:
    configure_logs(level="debug", json=as_json, stream=stream)
    registry = Registry(unlimited(), event_logger(), new_nonces(), locate)
    relay = Relay(registry, unlimited(), Judge(registry, unlimited()))
    tokens = [b"token-of-ann", b"token-of-bob"]
    ip = parse_ip("10.0.0.1")
    ann = registry.create_room(b"demo", "ann", tokens[0], ip, 0.0)
    registry.join_room(b"demo", "bob", tokens[1], ip, 0.0)
    for token in tokens:
        relay.handle_datagram(encode_datagram(b"demo", token, b"a message"), make_address(ip, 5000), 0.0)
    registry.leave(ann, 1.0)
    text = stream.getvalue()
    assert "bob" in text
    assert "token" not in text
    assert "message" not in text  # nothing per packet


def test_an_unexpected_error_is_one_record_too(stream: io.StringIO) -> None:
    configure_logs(level="info", json=True, stream=stream)
    try:
        _ = 1 // 0
    except ZeroDivisionError as error:
        structlog.get_logger().error("crashed", exc_info=error)
    (line,) = stream.getvalue().splitlines()
    assert "ZeroDivisionError" in json.loads(line)["exception"]


def test_what_libraries_say_is_a_record_too(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "lastResort", logging.lastResort)  # to be set back
    configure_logs(level="info", json=True, stream=stream)
    assert logging.lastResort
    for level in (logging.WARNING, logging.ERROR):
        logging.lastResort.handle(logging.makeLogRecord({"name": "asyncio", "levelno": level, "msg": "so\nso"}))
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(record["event"], record["level"], record["source"], record["message"]) for record in records] == [
        ("library", "warning", "asyncio", "so\nso"),
        ("library", "error", "asyncio", "so\nso"),
    ]
