"""What people call themselves and say stays within its record of the log, and secrets never get there."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from conformance import wire
from conformance.conftest import StartRelay, start_relay
from conformance.people import People, ask
from conformance.relays import OwnRelay
from ports import free_ports

__all__ = ["start_relay"]  # the conformance suite's fixture: relays of every setting

LONGEST_RECORD_BYTES = 4096
"""So much a pipe takes in one piece (PIPE_BUF), so that records of several processes never mix."""
PASSWORDS = ["open sesame", "a wrong guess"]
# The lobby takes any UTF-8 for a name; rooms' members have names that show.
LOBBY_NAMES = [
    'x\n{"level":"error","event":"forged"}', "x\r\nforged", "\x1b[2J\x1b]0;title\x07", "\x9b2J", "a\u2028forged",
    "\u202egnp.exe", '"quoted" \\', "\0", "\x01" * 255, "\U0010ffff" * 63,
]  # fmt: skip
MEMBERS = ['"level"="error"', "event='forged'", "漢" * 85, "é" * 127]


def live(own: OwnRelay, room: bytes) -> list[str]:
    """Let people come and speak until the relay ends; return the tokens that it gave them."""
    with People(own.relay) as people:
        host = people.create(room, b"host-of-it", password=PASSWORDS[0])
        members = [people.join(room, name.encode(), password=PASSWORDS[0]) for name in MEMBERS]
        wrong = json.dumps({"username": "eve", "password": PASSWORDS[1]}).encode()
        (refusal,) = ask(own.relay, wire.frame(wire.JOIN, wire.REQUEST, room, wrong))
        assert refusal.payload == bytes([wire.WRONG_PASSWORD])
        host.say(b'hi\n{"level":"error","event":"forged"}')
        assert b"forged" in members[0].hear()
        listener = people.listener(own.relay.lobby_port, people.local)
        listener.send(wire.lobby(b"listener"))
        for name in LOBBY_NAMES:
            said = wire.lobby(name.encode(), b"hi\nforged")
            people.listener(own.relay.lobby_port, people.local).send(said)
            assert listener.receive() == said
        own.stop()
    return [member.token.decode() for member in (host, *members)]


@pytest.mark.requirement("ROOM-02")
@pytest.mark.parametrize("form", ["json", "console"])
def test_one_record_for_each_fact_and_no_secret(start_relay: StartRelay, form: str) -> None:
    own = start_relay(log_level="debug", log_format=form)
    room = f"logs-{form}-" + "é" * 100
    tokens = live(own, room.encode())
    said = own.said()
    assert not [secret for secret in (*tokens, *PASSWORDS) if secret in said]
    lines = said.splitlines(keepends=True)
    assert max(len(line.encode()) for line in lines) <= LONGEST_RECORD_BYTES
    assert all(line.removesuffix("\n").isprintable() for line in lines)
    facts = {
        "room_created": 1, "member_joined": 1 + len(MEMBERS), "member_evicted": 1 + len(MEMBERS), "room_closed": 1,
        "lobby_client_evicted": 1 + len(LOBBY_NAMES),
    }  # fmt: skip
    if form == "json":
        records = [json.loads(line) for line in lines]
        counted = Counter(record["event"] for record in records)
        evicted = [record["name"] for record in records if record["event"] == "lobby_client_evicted"]
        assert sorted(evicted) == sorted(["listener", *LOBBY_NAMES])
        assert {record["name"] for record in records if record["event"] == "member_joined"} == {"host-of-it", *MEMBERS}
    else:
        counted = Counter(re.sub(r"^\S+ \[\w+ *\] (\w+).*\n", r"\1", line) for line in lines)
    assert {event: counted[event] for event in facts} == facts
    assert "forged" not in counted


@pytest.mark.requirement("WEB-01")
def test_the_pages_link_comes_after_all_that_is_said_of_the_start(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    without_rights = ("setpriv", "--bounding-set", "-net_admin") if os.geteuid() == 0 else ()
    settings = {"RELAY_WEB_PORT": str(port), "RELAY_LOG_FORMAT": "json"}
    # More than a kernel grants those who have no rights: the relay warns.
    own = OwnRelay(tmp_path / "log", settings | {"RELAY_RECEIVE_BUFFER_BYTES": str(2**30)}, without_rights)
    own.stop()
    said = [json.loads(line) for line in own.said().splitlines()]
    assert [record["event"] for record in said[:3]] == ["listening", "receive_buffer_small", "page_served"]
    assert said[2]["link"] == f"http://127.0.0.1:{port}/"
