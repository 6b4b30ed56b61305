"""Rooms whose texts the relay can't read: who is let in, and what is relayed (SEAL-03)."""

import json
from typing import Any

import pytest

from chatproto import EvictionReason, Feature, Frame, MessageDropped, NotRelayed, Operation, Status
from chatproto.payloads import decode_status, encode_completion
from chatproto.receipts import encode_receipt
from relay_server.answers import Granted
from relay_server.core.counters import DropReason
from relay_server.core.receipts import SaidNumbers
from services.relay_server.core.rooms_case import Case, home, relayed
from services.relay_server.test_control import BOB, ControlCase
from services.relay_server.test_resume import EVE, ResumeCase

SEALED = "e2e1.AAAA"
TOLD = f"server: {MessageDropped(NotRelayed.NOT_SEALED)}"


def wish(name: str, *features: str, **more: Any) -> dict[str, Any]:
    return {"username": name, "reply": "json", "features": features, **more}


def sealed_case(**more: Any) -> tuple[ControlCase, Granted]:
    """Make a sealed room that ann created."""
    case = ControlCase(**more)
    return case, case.grant(Operation.CREATE, wish("ann", "sealed", sealed=True))


@pytest.mark.requirement("SEAL-01", "SEAL-03", "FEAT-01")
def test_completions_say_that_a_room_is_sealed() -> None:
    case, ann = sealed_case()
    bob = case.grant(Operation.JOIN, wish("bob", "sealed"), BOB)
    other = case.grant(Operation.CREATE, wish("eve", "sealed"), EVE, room=b"other")
    said = [json.loads(encode_completion(each.completion, json_reply=True)) for each in (ann, bob, other)]
    assert [each.get("sealed") for each in said] == [True, True, None]
    assert [each["features"] for each in said] == [["sealed"]] * 3
    assert ann.member.room.sealed
    assert not other.member.room.sealed


@pytest.mark.requirement("SEAL-03", "FEAT-02")
@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (wish("bob", "notices", "receipts", "resume"), Status.SEALED),
        (wish("bob", "notices", sealed=True), Status.SEALED),
        ({"username": "bob"}, Status.NOT_SUPPORTED),
        ({"username": "bob", "features": ["sealed"]}, Status.NOT_SUPPORTED),
        (b"bob", Status.NOT_SUPPORTED),
    ],
)
def test_who_doesnt_know_sealed_rooms_is_refused(payload: Any, status: Status) -> None:
    case, ann = sealed_case()
    frame = case.ask(Operation.JOIN, payload, BOB)
    assert isinstance(frame, Frame)
    assert decode_status(frame.payload)[0] is status
    assert len(ann.member.room.members) == 1
    assert case.counted[-1] == (Operation.JOIN, status)


@pytest.mark.requirement("SEAL-03")
def test_a_join_cant_make_a_room_sealed_nor_open() -> None:
    case, ann = sealed_case()
    assert case.grant(Operation.JOIN, wish("bob", "sealed", sealed=False), BOB).completion.sealed
    open_room = case.grant(Operation.CREATE, wish("ann", "sealed", sealed=False), room=b"open")
    assert not case.grant(Operation.JOIN, wish("bob", "sealed", sealed=True), BOB, room=b"open").completion.sealed
    assert (ann.member.room.sealed, open_room.member.room.sealed) == (True, False)


@pytest.mark.requirement("SEAL-03", "PWD-02")
@pytest.mark.parametrize(
    ("features", "password", "status"),
    [
        (["sealed"], "pw", Status.OK),
        (["notices"], "pw", Status.SEALED),
        (["notices"], "no", Status.WRONG_PASSWORD),
        (["notices"], "", Status.WRONG_PASSWORD),
        (["sealed"], "no", Status.WRONG_PASSWORD),
    ],
)
def test_who_doesnt_know_the_password_isnt_told_that_a_room_is_sealed(
    features: list[str], password: str, status: Status
) -> None:
    case = ControlCase()
    case.grant(Operation.CREATE, wish("ann", "sealed", sealed=True, password="pw"))
    answer = case.ask(Operation.JOIN, wish("bob", *features, password=password), BOB)
    assert (Status.OK if isinstance(answer, Granted) else decode_status(answer.payload)[0]) is status


@pytest.mark.requirement("SEAL-03")
@pytest.mark.parametrize("password", ["", "pw"])
def test_a_relay_that_doesnt_say_who_speaks_has_no_sealed_rooms(password: str) -> None:
    case = ControlCase(attribution=False)
    status, words = case.refuses(Operation.CREATE, wish("ann", "sealed", sealed=True, password=password))
    assert (status, words.partition(":")[0]) == (Status.NOT_SUPPORTED, "This relay has no sealed rooms")
    assert not case.registry.rooms
    granted = case.grant(Operation.CREATE, wish("ann", "sealed", "notices"))
    assert granted.completion.features == {Feature.NOTICES}
    assert not granted.completion.sealed


@pytest.mark.requirement("SEAL-03", "RES-01")
def test_a_seat_in_a_sealed_room_is_taken_again_only_by_who_knows_them() -> None:
    case = ResumeCase()
    case.ann.member.room.sealed = True
    assert case.resume(case.bob) is Status.SEALED
    assert case.resume(case.bob, EVE) is Status.SEALED
    case.ann.member.room.password_hash = "a hash"
    assert case.resume(case.bob) is Status.SEALED
    assert case.outcomes() == {"refused": 3}
    again = case.take(case.bob, features=["sealed", "resume"])
    assert again.completion.sealed


class SealedCase(Case):
    """A sealed room with ann, the host, bob and eve."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(**policy)
        self.ann, self.bob, self.eve = self.trio()
        self.ann.room.sealed = True


@pytest.mark.requirement("SEAL-03", "UDP-05", "CON-01")
def test_what_is_sealed_is_relayed_and_nothing_else() -> None:
    case = SealedCase()
    assert relayed(case.say(case.bob, SEALED)) == (f"bob: {SEALED}", [home(case.ann), home(case.eve)])
    plain: list[str | bytes] = [
        "hello",
        "漢字",
        "E2E1.AAAA",
        " e2e1.AAAA",
        "e2e1",
        f"bob: {SEALED}",
        "/nonsense",
        "a\nb",
        "x" * 4070,
        b"\xff",
    ]
    for number, text in enumerate(plain):
        assert case.say(case.bob, text, now=10.0 * number) is DropReason.NOT_SEALED, text
        assert case.said() == [(TOLD, [home(case.bob)])]
    assert case.registry.counters.dropped[DropReason.NOT_SEALED] == len(plain)
    case.assert_all_is_counted()


@pytest.mark.requirement("SEAL-03", "RCP-01")
def test_a_numbered_message_that_isnt_sealed_is_answered_so() -> None:
    case = SealedCase()
    case.bob.session.said = SaidNumbers()
    assert case.say(case.bob, "/say 1 hello") is DropReason.NOT_SEALED
    assert case.relay.receipts == [(home(case.bob), encode_receipt(1, "not_sealed"))]
    assert case.said() == []
    case.relay.receipts.clear()
    assert relayed(case.say(case.bob, f"/say 1 {SEALED}"))[0] == f"bob: {SEALED}"
    assert case.relay.receipts == [(home(case.bob), encode_receipt(1))]


@pytest.mark.requirement("SEAL-03", "MOD-01", "UDP-08")
def test_words_for_the_relay_arent_sealed() -> None:
    case = SealedCase()
    case.say(case.ann, "/who")
    assert case.said() == [("server: 3 here: ann (host), bob, eve.", [home(case.ann)])]
    case.say(case.ann, "/kick eve")
    assert "eve was disconnected: kicked" in str(case.said())
    case.say(case.bob, "/leave")
    assert list(case.ann.room.members) == [case.ann]
    assert case.registry.counters.dropped[DropReason.NOT_SEALED] == 0


@pytest.mark.requirement("SEAL-03", "MOD-07")
def test_a_topic_has_to_be_sealed_too() -> None:
    case = SealedCase()
    case.say(case.ann, "/topic tea")
    assert case.said() == [("server: The room is sealed, but the topic wasn't: it is unchanged.", [home(case.ann)])]
    case.say(case.ann, f"/topic {SEALED}")
    assert case.said() == [(f"server: topic: {SEALED}", sorted(map(home, (case.ann, case.bob, case.eve))))]
    case.say(case.ann, "/topic other")
    assert case.ann.room.topic == SEALED
    case.say(case.ann, "/topic -")
    assert case.ann.room.topic == ""


@pytest.mark.requirement("SEAL-03", "MOD-05")
def test_who_is_muted_is_told_so_first() -> None:
    case = SealedCase()
    case.say(case.ann, "/mute bob")
    assert case.say(case.bob, "hello") is DropReason.MUTED
    assert case.say(case.bob, SEALED) is DropReason.MUTED


def test_without_commands_a_topic_is_text_that_isnt_sealed() -> None:
    case = SealedCase(moderation=False)
    assert case.say(case.ann, "/topic tea") is DropReason.NOT_SEALED


def test_a_room_of_the_same_name_is_another_room() -> None:
    case, ann = sealed_case()
    case.registry.evict(ann.member, EvictionReason.SILENCE, 1.0)
    assert not case.grant(Operation.CREATE, b"bob", BOB).member.room.sealed
