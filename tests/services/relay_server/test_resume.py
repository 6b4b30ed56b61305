"""Who has a ticket takes its own seat again, and nobody else does (RES-01 to RES-05)."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chatproto import EvictionReason, Frame, Operation, Status, encode_datagram
from chatproto.payloads import decode_status, encode_completion
from relay_server.answers import Granted, Waiting
from relay_server.asked import Peer
from relay_server.core import events
from relay_server.core.counters import DropReason
from relay_server.core.judge import Judge
from relay_server.core.kept import Ban
from relay_server.core.model import Bans
from relay_server.core.moderation import Moderation
from relay_server.core.relay import Relay
from relay_server.net.address import UdpAddress, make_address
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import NoConnection, delivered, take_out
from services.relay_server.test_control import ANN, BOB, ControlCase, frame_of

if TYPE_CHECKING:
    from relay_server.core.audience import Forward

EVE = Peer(bytes(10) + b"\xff\xff\x0a\x00\x00\x03", 40_000)
EVERYTHING = ["resume", "receipts", "notices"]
ELSEWHERE = b'server: {"notice": "disconnected", "reason": "resumed_elsewhere", "message": "%b"}' % (
    EvictionReason.RESUMED_ELSEWHERE.message.encode()
)


class ResumeCase(ControlCase):
    """Ann has a room, and bob is in it by a ticket; both have spoken. The clock is where it is set to."""

    def __init__(self, *, encrypted: bool = False, features: list[str] = EVERYTHING, **more: Any) -> None:
        super().__init__(**more)
        self.now = 0.0
        self.relay = Relay(self.registry, unlimited(**more), Judge(self.registry, unlimited(**more)))
        self.ann = self.grant(Operation.CREATE, self.request("ann", features=features), ANN)
        self.bob = self.grant(Operation.JOIN, self.request("bob", features=features), self.peer(BOB, encrypted))
        self.say(self.ann, ANN)
        self.say(self.bob, BOB)
        self.heard()

    @staticmethod
    def request(name: str, ticket: str = "", attempt: str = "", features: list[str] = EVERYTHING) -> dict[str, Any]:
        return {"username": name, "reply": "json", "features": features, "resume": ticket, "attempt": attempt}

    @staticmethod
    def peer(peer: Peer, encrypted: bool) -> Peer:
        return replace(peer, encrypted=encrypted)

    def begin(self, *arguments: Any, **named: Any) -> Any:
        return super().begin(*arguments, **{"now": self.now, **named})

    def resume(self, granted: Granted, peer: Peer = BOB, name: str = "bob", **more: Any) -> Any:
        """Show the ticket of what was granted; returns another grant, a wait, or the refusal's status."""
        return self.status_of(self.begin(Operation.JOIN, self.request(name, granted.completion.ticket, **more), peer))

    def go_on(self, waiting: Any) -> Any:
        """Let a request that waits go on when its time has come."""
        assert isinstance(waiting, Waiting)
        self.now = waiting.until
        return self.status_of(waiting.finish(self.now))

    def take(self, *arguments: Any, **more: Any) -> Granted:
        granted = self.resume(*arguments, **more)
        assert isinstance(granted, Granted), granted
        return granted

    def say(self, granted: Granted, peer: Peer, text: str = "", port: int = 5000) -> Any:
        data = encode_datagram(b"demo", granted.completion.token, text.encode())
        result: Forward | DropReason | None = self.relay.handle_datagram(data, address(peer, port), self.now)
        return delivered(result)

    def heard(self) -> list[tuple[bytes, list[UdpAddress]]]:
        return take_out(self.registry.outbox)

    def outcomes(self) -> dict[str, int]:
        return {str(outcome): count for outcome, count in self.registry.counters.resumptions.items() if count}

    @staticmethod
    def status_of(result: Any) -> Any:
        return decode_status(frame_of(result).payload)[0] if isinstance(result, bytes) else result


def address(peer: Peer, port: int = 5000) -> UdpAddress:
    return make_address(peer.ip, port)


@pytest.mark.requirement("RES-01", "FEAT-01", "FEAT-02")
def test_who_asks_for_it_is_given_a_ticket_that_is_no_token() -> None:
    case = ResumeCase(features=["resume"])
    assert json.loads(encode_completion(case.bob.completion, json_reply=True))["resume"] == case.bob.completion.ticket
    assert case.bob.completion.ticket.encode() != case.bob.completion.token
    plain = case.grant(Operation.JOIN, {"username": "eve", "reply": "json"}, EVE)
    assert "resume" not in json.loads(encode_completion(plain.completion, json_reply=True))
    assert case.registry.seats.tickets == 2
    assert case.bob.completion.ticket not in repr((case.bob.completion, case.bob.session.ticket))


@pytest.mark.requirement("RES-01", "RCP-02")
def test_a_seat_is_taken_again_as_it_was() -> None:
    case = ResumeCase(message_rate=1.0, message_burst=3)
    bob = case.bob.member
    case.registry.make_host(bob)
    case.say(case.bob, BOB, "/say 1 hello")
    limit = bob.limit
    again = case.take(case.bob, name="somebody else")
    assert (again.member, again.completion.host) == (bob, True)
    assert case.say(case.bob, BOB, "still here")[0] == b"bob: still here"  # till the new token is used
    assert case.say(again, BOB, "/say 1 hello", port=6000)[1] == []  # which was said
    assert list(again.session.said or ()) == [1]
    assert bob.limit is limit
    assert case.say(case.bob, BOB, "old") is DropReason.UNKNOWN_TOKEN
    assert case.resume(case.bob) is Status.NO_SEAT
    assert case.say(case.ann, ANN, "news")[1] == [address(BOB, 6000)]
    assert [event for event in case.events if "Left" in type(event).__name__] == []
    assert events.MemberResumed("demo", "bob", moved=False) in case.events
    assert case.outcomes() == {"resumed": 1, "no_seat": 1}


@pytest.mark.requirement("RES-05")
def test_the_other_connection_is_told_and_no_one_else_is() -> None:
    case = ResumeCase()
    again = case.take(case.bob)
    assert case.heard() == []
    case.say(again, BOB, port=6000)
    assert case.heard() == [(ELSEWHERE, [address(BOB)])]
    third = case.take(again)
    case.say(third, BOB, port=6000)  # from the same socket: it is nobody else
    assert case.heard() == []


@pytest.mark.requirement("RES-01", "MOD-05", "FEAT-01")
def test_a_mute_stays_and_features_are_those_asked_for_now() -> None:
    case = ResumeCase()
    case.grant(Operation.JOIN, {"username": "eve"}, EVE)
    bob = case.bob.member
    room = bob.room
    room.mutes.update(dict.fromkeys(bob.keys, frozenset(bob.keys)))
    bob.muted = True
    again = case.take(case.bob, features=["resume"])
    case.say(again, BOB)
    assert (again.session.json_notices, again.session.said, bob.muted) == (False, None, True)
    assert case.bob.member is again.member


@pytest.mark.requirement("RES-01")
def test_a_mute_between_two_sessions_holds() -> None:
    case = ResumeCase()
    first = case.take(case.bob)
    second = case.take(first)  # whose ticket was the first use of the first; nothing was heard of it since
    assert case.say(case.bob, BOB) is DropReason.UNKNOWN_TOKEN
    Moderation(case.registry).mute(case.bob.member)
    assert case.say(second, BOB, "psst") is DropReason.MUTED
    assert case.say(first, BOB) is DropReason.UNKNOWN_TOKEN


@pytest.mark.requirement("RES-01")
def test_of_two_new_sessions_the_newer_counts() -> None:
    case = ResumeCase()
    first, second = case.take(case.bob), case.take(case.bob)
    assert case.say(first, BOB) is DropReason.UNKNOWN_TOKEN
    assert case.say(second, BOB, "me") == (b"bob: me", [address(ANN)])
    assert case.registry.admission.members.total == len(case.registry.sessions_by_token) == 2
    case.registry.leave(case.bob.member, 1.0)
    assert (case.registry.seats.tickets, case.registry.admission.members.total) == (1, 1)


@pytest.mark.requirement("RES-01", "EVI-01")
def test_a_seat_lives_as_long_as_one_of_its_sessions() -> None:
    case = ResumeCase(silence_timeout_seconds=300.0, pending_timeout_seconds=300.0)
    case.now = 200.0
    case.say(case.ann, ANN)
    again = case.take(case.bob)
    case.registry.expire(300.0)  # of the old one nothing was heard
    assert case.bob.member.session is again.session
    later = case.take(again)
    case.now = 450.0
    case.say(case.ann, ANN)
    case.say(later, BOB)
    lost = case.take(later)
    case.now = 749.0
    case.say(case.ann, ANN)
    case.say(later, BOB)
    case.registry.expire(751.0)  # of the new one nothing was heard
    assert case.say(lost, BOB) is DropReason.UNKNOWN_TOKEN
    assert case.bob.member.session is later.session
    case.registry.shut_down()
    assert (case.registry.seats.tickets, case.registry.sessions_by_token) == (0, {})


@pytest.mark.requirement("RES-01", "TCP-09")
def test_a_place_that_is_gone_already_is_taken_back_without_a_word() -> None:
    case = ResumeCase()
    case.registry.leave(case.bob.member, case.now)
    case.heard()
    case.registry.seats.forsake(case.bob.session, case.now)
    assert (case.heard(), list(case.ann.member.room.members)) == ([], [case.ann.member])


@pytest.mark.requirement("RES-03", "UDP-02")
def test_a_ticket_that_tls_carried_moves_a_seat_at_once() -> None:
    case = ResumeCase(encrypted=True)
    case.registry.make_host(case.bob.member)
    moved = case.take(case.bob, replace(EVE, encrypted=True))
    assert case.say(moved, BOB) is DropReason.ADDRESS_MISMATCH
    assert case.say(moved, EVE, "from here") == (b"bob: from here", [address(ANN)])
    assert case.bob.member.ip == EVE.ip
    assert case.bob.member.room.host_was == ("bob", EVE.ip)
    assert case.registry.admission.members.by_network == {ANN.ip: 1, EVE.ip: 1}
    assert case.outcomes() == {"moved": 1}
    assert events.MemberResumed("demo", "bob", moved=True) in case.events


@pytest.mark.requirement("RES-03")
@pytest.mark.parametrize(("granted", "shown"), [(False, False), (False, True), (True, False)])
def test_one_that_went_in_the_clear_moves_it_once_two_challenges_were_left_unanswered(
    granted: bool, shown: bool
) -> None:
    case = ResumeCase(encrypted=granted)
    waiting = case.resume(case.bob, replace(EVE, encrypted=shown))
    (first,) = case.heard()
    assert first[1] == [address(BOB)]
    waiting = case.go_on(waiting)
    (second,) = case.heard()
    assert (first[0] == second[0], first[1] == second[1], case.now) == (False, True, 1.0)
    moved = case.go_on(waiting)
    assert isinstance(moved, Granted)
    assert case.now == 2.0
    assert case.say(moved, EVE, "here")[0] == b"bob: here"
    assert case.heard() == [(ELSEWHERE, [address(BOB)])]


@pytest.mark.requirement("RES-03", "RES-04")
@pytest.mark.parametrize("after", [0.0, 0.1, 1.5])
def test_who_still_is_there_keeps_its_seat_and_its_ticket(after: float) -> None:
    case = ResumeCase()
    case.now = 5.0
    waiting = case.resume(case.bob, EVE)
    if after > 1.0:
        waiting = case.go_on(waiting)
    case.now = 5.0 + after
    case.say(case.bob, BOB)
    assert case.go_on(waiting) is Status.NO_SEAT
    assert case.outcomes() == {"contested": 1}
    assert isinstance(case.resume(case.bob), Granted)


@pytest.mark.requirement("RES-03", "STR-02")
@pytest.mark.parametrize("answers", [True, False])
def test_a_seat_on_a_stream_is_kept_by_any_line_that_comes_after_the_question(answers: bool) -> None:
    case = ResumeCase()
    zoe = case.grant(Operation.JOIN, {**case.request("zoe"), "chat": "stream"}, BOB)
    streams = case.registry.streams
    reader = streams.connect(zoe.session, NoConnection(), 0.0)
    assert reader
    streams.hear(reader, 1.0)
    case.now = 5.0
    waiting = case.go_on(case.resume(zoe, EVE, "zoe"))
    if answers:
        streams.hear(reader, case.now)
    claimed = case.go_on(waiting)
    assert (claimed is Status.NO_SEAT) is answers
    assert case.outcomes() == ({"contested": 1} if answers else {"moved": 1})


@pytest.mark.slow
@pytest.mark.requirement("RES-03", "ROOM-05")
def test_who_moves_within_its_network_takes_no_other_place() -> None:
    case = ResumeCase(max_members_per_address=1)
    here, there = (
        Peer(bytes.fromhex("20010db8000000000000000000000000")[:15] + bytes([n]), 1, encrypted=True) for n in (1, 2)
    )
    zoe = case.grant(Operation.JOIN, case.request("zoe"), here)
    moved = case.take(zoe, there)
    case.say(moved, there)
    assert zoe.member.ip == there.ip
    assert sorted(case.registry.admission.members.by_network.values()) == [1, 1, 1]


@pytest.mark.requirement("RES-03")
def test_many_who_claim_a_seat_dont_make_its_holder_be_asked_more() -> None:
    case = ResumeCase()
    first = case.resume(case.bob, EVE)
    case.now = 0.1
    assert isinstance(case.resume(case.bob, replace(EVE, encrypted=True)), Waiting)
    assert len(case.heard()) == 1
    assert isinstance(case.go_on(first), Waiting)
    early = first.finish(1.5)
    assert isinstance(early, Waiting)
    assert early.until == 2.0


@pytest.mark.requirement("RES-03")
def test_a_ban_or_a_cap_keeps_the_new_address_out_and_spends_no_ticket() -> None:
    case = ResumeCase(encrypted=True, max_members_per_address=1)
    there = replace(EVE, encrypted=True)
    guest = case.grant(Operation.JOIN, case.request("eve"), EVE)
    assert case.resume(case.bob, there) is Status.TOO_MANY
    case.registry.leave(guest.member, 0.0)
    room = case.bob.member.room
    room.bans = Bans()
    room.bans.add(Ban("zoe", frozenset({"zoe"}), EVE.ip))
    assert case.resume(case.bob, there) is Status.BAD_NAME
    assert case.outcomes() == {"refused": 2}
    case.registry.make_host(case.bob.member)  # whom nobody bans
    moved = case.take(case.bob, there)
    assert case.registry.admission.members.by_network == {ANN.ip: 1, BOB.ip: 1, EVE.ip: 1}  # it keeps both till then
    case.control.undo(moved, 0.0)
    assert case.registry.admission.members.by_network == {ANN.ip: 1, BOB.ip: 1}


@pytest.mark.requirement("RES-04")
def test_a_ticket_that_is_good_for_nothing_is_refused_by_the_same_bytes_everywhere() -> None:
    case = ResumeCase()
    again = case.take(case.bob)
    case.say(again, BOB)
    wrong = [case.bob.completion.ticket, "x", "x" * 3000, again.completion.token.decode()]
    answers = [case.ask(Operation.JOIN, case.request("bob", ticket), BOB) for ticket in wrong]
    elsewhere = [
        case.ask(Operation.JOIN, case.request("bob", ticket), BOB, room=b"void")
        for ticket in (again.completion.ticket, "x")
    ]
    payloads = {frame.payload for frame in answers + elsewhere if isinstance(frame, Frame)}
    assert [decode_status(payload)[0] for payload in payloads] == [Status.NO_SEAT]
    assert case.counted[-1] == (Operation.JOIN, Status.NO_SEAT)


@pytest.mark.requirement("RES-04", "PWD-04")
def test_wrong_tickets_count_as_guesses_and_right_ones_are_taken_all_the_same() -> None:
    case = ResumeCase()
    statuses = [case.resume(replace_ticket(case.bob, f"guess {number}"), EVE) for number in range(80)]
    assert (statuses[0], statuses[-1]) == (Status.NO_SEAT, Status.BUSY)
    assert isinstance(case.resume(case.bob), Granted)


def replace_ticket(granted: Granted, ticket: str) -> Granted:
    return replace(granted, completion=replace(granted.completion, ticket=ticket))


@pytest.mark.requirement("FEAT-02", "RES-04")
@pytest.mark.parametrize(
    "fields",
    [{"features": ["notices"], "reply": "json"}, {"reply": "json"}, {"features": ["resume"]}, {}],
)
def test_who_doesnt_ask_for_the_feature_hears_no_new_status(fields: dict[str, Any]) -> None:
    case = ResumeCase()
    for ticket in (case.bob.completion.ticket, "x"):
        answer = case.ask(Operation.JOIN, {"username": "bob", "resume": ticket, **fields}, BOB)
        assert isinstance(answer, Frame)
        assert decode_status(answer.payload)[0] is Status.NOT_SUPPORTED


@pytest.mark.requirement("RES-01")
def test_who_creates_a_room_has_no_use_for_a_ticket() -> None:
    case = ResumeCase()
    created = case.grant(Operation.CREATE, case.request("bob", case.bob.completion.ticket), BOB, room=b"another")
    assert created.member is not case.bob.member
