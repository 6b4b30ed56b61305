"""Beats count once, by the cluster's key, at their time; and nodes don't share a name."""

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from chatproto import Server
from relay_server.cluster.local import LocalDirectory, Shared
from relay_server.cluster.nodes import (
    MAX_AGE_SECONDS,
    MAX_BEAT_BYTES,
    TO_ALL,
    Beat,
    BeatError,
    Ignored,
    Replays,
    decode_beat,
    encode_beat,
)
from relay_server.cluster.presence import MAX_TOLD, Presence
from relay_server.cluster.vault import Vault
from relay_server.core.home_actions import BusFailure
from relay_server.core.places import Node
from services.relay_server.cluster.hearing import Hearing

SEALER = Vault("a secret of the cluster, for tests").beats
ME = Node("me", Server("me.example:9000", "cd" * 32), "me.example", 9001, 9004, "ab" * 32, 1000.0)
OTHER = replace(ME, name="other", server=Server("[2001:db8::1]:9000"), draining=True)


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as entries:
        yield entries


class Clock:
    """The seconds since 1970, as a test says."""

    def __init__(self) -> None:
        self.now = 2000.0

    def __call__(self) -> float:
        return self.now


def presence(me: Node = ME, clock: Clock | None = None) -> Presence:
    return Presence(me, LocalDirectory(Shared()), SEALER, clock or Clock())


def reason_of(data: bytes) -> Ignored:
    with pytest.raises(BeatError) as caught:
        decode_beat(data, SEALER)
    return caught.value.reason


@pytest.mark.parametrize("node", [ME, OTHER])
def test_a_beat_tells_all_of_a_node(node: Node) -> None:
    beat = Beat(node, 7, 2000.5)
    assert decode_beat(encode_beat(beat, SEALER), SEALER) == beat


def test_a_beat_belongs_to_whom_it_is_meant_for() -> None:
    answer = encode_beat(Beat(ME, 1, 2000.0), SEALER, "question")
    assert decode_beat(answer, SEALER, "question").node == ME
    assert reason_of(answer) is Ignored.BAD_SEAL


@given(junk=st.binary(max_size=300))
def test_junk_is_no_beat(junk: bytes) -> None:
    assert reason_of(junk) is Ignored.BAD_SEAL


@pytest.mark.parametrize(
    "told",
    [b"", b"[]", b"{}", b'{"format":2}', b'{"format":1}', b'{"format":1,"number":"x","at":0,"server":{}}', b"\xff"],
)
def test_what_another_version_says_is_no_beat(told: bytes) -> None:
    assert reason_of(SEALER.seal(TO_ALL, told)) is Ignored.MALFORMED


def test_a_field_too_many_is_another_version() -> None:
    told = json.loads(SEALER.open(TO_ALL, encode_beat(Beat(ME, 1, 0.0), SEALER)))
    assert reason_of(SEALER.seal(TO_ALL, json.dumps(told | {"more": 1}).encode())) is Ignored.MALFORMED


def test_an_endless_beat_is_not_even_opened() -> None:
    assert reason_of(bytes(MAX_BEAT_BYTES + 1)) is Ignored.MALFORMED


@pytest.mark.parametrize(
    ("beat", "reason"),
    [
        (Beat(OTHER, 5, 2000.0), Ignored.REPEATED),
        (Beat(OTHER, 4, 2000.0), Ignored.REPEATED),
        (Beat(replace(OTHER, started_at=999.0), 9, 2000.0), Ignored.REPEATED),
        (Beat(OTHER, 6, 1989.9), Ignored.CLOCK),
        (Beat(OTHER, 6, 2010.1), Ignored.CLOCK),
    ],
)
def test_a_beat_that_is_said_again_or_at_another_time_does_not_count(beat: Beat, reason: Ignored) -> None:
    replays = Replays()
    assert replays.check(Beat(OTHER, 5, 2000.0), 2000.0)
    with pytest.raises(BeatError) as caught:
        replays.check(beat, 2000.0)
    assert (caught.value.reason, caught.value.node) == (reason, "other")
    assert not replays.check(Beat(OTHER, 6, 2000.0), 2000.0)
    assert replays.check(Beat(replace(OTHER, started_at=1001.0), 1, 2000.0), 2000.0)


def test_nodes_that_are_gone_for_long_are_forgotten() -> None:
    replays = Replays()
    for number in range(1000):
        now = 2000.0 + number
        assert replays.check(Beat(replace(OTHER, name=f"container-{number}"), 1, now), now)
    assert len(replays._newest) <= 2 * MAX_AGE_SECONDS + 1
    with pytest.raises(BeatError):  # it is too old to be said again
        replays.check(Beat(replace(OTHER, name="container-0"), 1, 2000.0), now)


def test_a_node_is_new_once_each_time_it_is_started(logged: list[MutableMapping[str, Any]]) -> None:
    mine = presence()
    assert mine.hear(encode_beat(Beat(OTHER, 1, 2000.0), SEALER)) == (OTHER, True)
    assert mine.hear(encode_beat(Beat(OTHER, 2, 2000.0), SEALER)) == (OTHER, False)
    assert [entry["event"] for entry in logged] == ["node_seen"]


def test_ones_own_beat_tells_nothing_new(logged: list[MutableMapping[str, Any]]) -> None:
    assert presence().hear(encode_beat(Beat(ME, 1, 2000.0), SEALER)) is None
    assert not logged


def test_two_nodes_with_one_name_are_told_once(logged: list[MutableMapping[str, Any]]) -> None:
    mine, twin = presence(), replace(ME, started_at=1500.0)
    for number in range(3):
        assert mine.hear(encode_beat(Beat(twin, number, 2000.0), SEALER)) is None
    (entry,) = logged
    assert (entry["event"], entry["node"]) == ("node_name_taken", "me")
    assert "RELAY_NODE_NAME" in entry["advice"]


def test_what_is_ignored_is_explained_once(logged: list[MutableMapping[str, Any]]) -> None:
    mine = presence()
    for number in range(5):
        assert mine.hear(encode_beat(Beat(OTHER, number, 1000.0), SEALER)) is None
        assert mine.hear(bytes(40)) is None
    assert [(entry["event"], entry["node"]) for entry in logged] == [("beat_ignored", "other"), ("beat_ignored", "")]
    assert "clocks" in logged[0]["advice"]
    assert "RELAY_CLUSTER_KEY" in logged[1]["advice"]


def test_what_was_explained_is_not_remembered_for_ever(logged: list[MutableMapping[str, Any]]) -> None:
    mine = presence()
    for number in (*range(MAX_TOLD), 0, *range(MAX_TOLD + 1), MAX_TOLD):
        mine.hear(encode_beat(Beat(replace(OTHER, name=f"container-{number}"), 1, 1000.0), SEALER))
    assert len(mine._told) == MAX_TOLD
    assert len(logged) == MAX_TOLD + 1


def test_an_answer_is_to_one_question_and_of_the_node_that_was_asked() -> None:
    shared = Shared()
    answers: list[bytes] = []

    class Other(Hearing):
        def on_ask(self, data: bytes) -> bytes:
            answers.append(theirs.answer(data))
            return answers[0]  # the second time, the old answer again

    theirs = Presence(OTHER, LocalDirectory(shared), SEALER, Clock())

    async def scenario() -> None:
        mine, other, posing = LocalDirectory(shared), LocalDirectory(shared), LocalDirectory(shared)
        asking = Presence(ME, mine, SEALER, Clock())
        assert await asking.ask("other") is BusFailure.AWAY
        await mine.start("me", Hearing())
        assert await asking.ask("other") is BusFailure.GONE
        await other.start("other", Other())
        assert await asking.ask("other") == OTHER
        assert await asking.ask("other") is BusFailure.SILENT
        answers.clear()
        await posing.start("third", Other())
        assert await asking.ask("third") is BusFailure.SILENT

    asyncio.run(scenario())


def test_what_is_no_question_gets_no_answer() -> None:
    assert presence().answer(b"") == b""
    assert presence().answer(bytes(1000)) == b""


def test_who_drains_says_so() -> None:
    mine = presence()
    mine.set_draining(draining=True)
    assert decode_beat(mine.answer(bytes(16)), SEALER, bytes(16).hex()).node == replace(ME, draining=True)
