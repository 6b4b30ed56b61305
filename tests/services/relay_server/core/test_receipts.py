"""Messages that have a number are answered, and none is relayed twice (RCP-01 to RCP-04)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto import encode_datagram, parse_json_notice
from chatproto.notices import NotSaid, Said
from chatproto.receipts import MAX_NUMBER, WINDOW, encode_receipt
from relay_server.core.counters import DropReason
from relay_server.core.model import Member
from relay_server.core.receipts import Answer, SaidNumbers
from relay_server.net.address import UdpAddress, make_address
from services.relay_server.core.rooms_case import NOTHING_SAID, Case, home, relayed

Answers = list[tuple[bytes, UdpAddress]]


class ReceiptCase(Case):
    """A room with ann, the host, and bob, who have receipts, and eve, who has none."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(**policy)
        self.ann, self.bob, self.eve = self.trio()
        self.ann.session.said, self.bob.session.said = SaidNumbers(), SaidNumbers()

    def answers(self) -> Answers:
        """Take out what was answered."""
        taken = [(payload, address) for address, payload in self.relay.receipts]
        self.relay.receipts.clear()
        return taken  # type: ignore[return-value]

    def answered(self, member: Member, number: int, reason: str = "") -> bool:
        """Tell whether this member alone was answered so, once."""
        return self.answers() == [(encode_receipt(number, reason), home(member))]


@pytest.mark.requirement("RCP-01", "RCP-04")
def test_what_was_taken_is_relayed_and_answered_to_its_sender_alone() -> None:
    case = ReceiptCase()
    assert relayed(case.say(case.ann, "/say 1 hello")) == ("ann: hello", [home(case.bob), home(case.eve)])
    assert case.answered(case.ann, 1)
    assert relayed(case.say(case.ann, "/say 2 日本\nhi")) == ("ann: 日本⏎hi", [home(case.bob), home(case.eve)])
    assert case.answered(case.ann, 2)
    assert case.say(case.bob, "/say 3 /who") == NOTHING_SAID
    assert case.answered(case.bob, 3)
    assert case.said() == [("server: 3 here: ann (host), bob, eve.", [home(case.bob)])]
    assert case.registry.counters.answers == {Answer.SAID: 3, Answer.REPEATED: 0, Answer.NOT_SAID: 0}
    case.assert_all_is_counted()


@pytest.mark.requirement("RCP-01", "FEAT-02")
@pytest.mark.parametrize("text", ["/say 1 hello", "/say hello", "/say 0 hi", "/say"])
def test_without_receipts_it_is_text_as_ever(text: str) -> None:
    case = ReceiptCase()
    for _ in range(2):
        assert relayed(case.say(case.eve, text)) == (f"eve: {text}", [home(case.ann), home(case.bob)])
    assert case.answers() == []


@pytest.mark.requirement("RCP-01")
@pytest.mark.parametrize("text", ["/say hello", "/say 0 hi", "/say 4294967296 hi", "/say 01 hi", "/say"])
def test_what_has_no_legal_number_is_text_as_ever(text: str) -> None:
    case = ReceiptCase()
    assert relayed(case.say(case.ann, text)) == (f"ann: {text}", [home(case.bob), home(case.eve)])
    assert case.answers() == []
    assert relayed(case.say(case.ann, "/say 1 " + text))[0] == f"ann: {text}"
    assert case.answered(case.ann, 1)


@pytest.mark.requirement("RCP-02")
def test_a_number_that_was_said_is_answered_again_and_relayed_no_more() -> None:
    case = ReceiptCase(message_rate=1, message_burst=3)
    case.say(case.ann, "/say 1 hello", 1.0)
    case.answers()
    for _ in range(100):  # more than the limit allows
        assert case.say(case.ann, "/say 1 something else", 1.0) == NOTHING_SAID
        assert case.answered(case.ann, 1)
    counters = case.registry.counters
    assert counters.answers[Answer.REPEATED] == 100
    assert counters.dropped[DropReason.MESSAGE_RATE] == 0
    assert sum(counters.fanout.values()) == 1
    case.assert_all_is_counted()


@pytest.mark.requirement("RCP-02")
def test_numbers_may_come_in_another_order() -> None:
    case = ReceiptCase()
    for number in (5, 2, 9, 1, 7):
        assert relayed(case.say(case.ann, f"/say {number} hello"))[0] == "ann: hello"
        assert case.answered(case.ann, number)
    for number in (5, 2, 9, 1, 7):
        assert case.say(case.ann, f"/say {number} hello") == NOTHING_SAID
        assert case.answered(case.ann, number)
    assert case.ann.session.said is not None
    assert list(case.ann.session.said) == [1, 2, 5, 7, 9]


@pytest.mark.requirement("RCP-02", "LIM-01")
def test_a_refused_number_is_answered_by_the_reason_and_may_be_tried_again() -> None:
    case = ReceiptCase(message_rate=1, message_burst=2)
    case.say(case.ann, "/say 1 hello", 1.0)  # its keep-alive took the other place
    case.say(case.ann, "/say 2 hello", 1.0)
    case.answers()
    for _ in range(2):
        assert case.say(case.ann, "/say 3 hello", 1.0) is DropReason.MESSAGE_RATE
        assert case.answered(case.ann, 3, "message_rate")
    assert case.said() == []  # the answer has said it
    assert relayed(case.say(case.ann, "/say 3 hello", 3.0))[0] == "ann: hello"
    assert case.answered(case.ann, 3)
    case.assert_all_is_counted()


@pytest.mark.requirement("RCP-01", "MOD-05", "UDP-06")
def test_each_reason_is_told_by_the_answer_and_by_no_notice() -> None:
    case = ReceiptCase()
    case.say(case.ann, "/mute bob")
    case.said()
    assert case.say(case.bob, "/say 1 hello") is DropReason.MUTED
    assert case.answered(case.bob, 1, "muted")
    assert case.say(case.bob, "/say 2") == NOTHING_SAID
    assert case.answered(case.bob, 2)
    assert case.say(case.ann, b"/say 3 " + b"\x01" * 1364) is DropReason.TOO_LONG
    assert case.answered(case.ann, 3, "too_long")
    assert case.say(case.ann, b"/say 4 \xff") is DropReason.INVALID_UTF8
    assert case.answered(case.ann, 4, "invalid_utf8")
    assert case.said() == []
    # Who says something without a number is told as ever.
    assert case.say(case.bob, "hello", 1.0) is DropReason.MUTED
    assert case.said() == [("server: You are muted: what you say is not relayed.", [home(case.bob)])]


@pytest.mark.requirement("RCP-01", "LIM-01")
def test_copies_to_a_large_room_are_counted_with_and_without_a_number() -> None:
    case = ReceiptCase(message_rate=1, message_burst=1)
    for number in range(80):
        case.say(case.join(f"guest {number}"))
    neighbours = [case.join(f"neighbour {number}", ip="10.0.9.9") for number in range(4)]
    for member in neighbours:
        case.say(member)
        member.session.said = SaidNumbers()
    case.said()
    results = [case.say(member, "/say 1 hello", 10.0) for member in neighbours]
    assert results.count(DropReason.COPY_RATE) == 2  # 250 copies may be caused at once
    receipts = [encode_receipt(1), encode_receipt(1, "copy_rate")]
    assert [payload for payload, _ in case.answers()] == [receipts[0], receipts[0], receipts[1], receipts[1]]
    assert case.said() == []
    case.assert_all_is_counted()


@pytest.mark.requirement("RCP-03")
def test_an_empty_text_is_a_keep_alive_with_an_answer() -> None:
    case = ReceiptCase()
    for text in ("/say 1", "/say 2 "):
        assert case.say(case.ann, text, 200.0) == NOTHING_SAID
    assert [parse_json_notice(payload.decode()) for payload, _ in case.answers()] == [Said(1), Said(2)]
    assert case.ann.session.seen_at == 200.0
    case.assert_all_is_counted()


@pytest.mark.requirement("RCP-04")
def test_answers_go_to_the_accepted_address_and_nowhere_else() -> None:
    case = ReceiptCase()
    stranger = make_address(case.bob.ip, 5000)
    assert case.say(case.ann, "/say 1 hello", source=stranger) is DropReason.ADDRESS_MISMATCH
    assert case.say(case.ann, "/say 1 hello", 10.0, source=home(case.ann, 6000)) != NOTHING_SAID
    assert case.answers() == [(encode_receipt(1), home(case.ann, 6000))]
    # The port may change once a second: until then the answer stays where the member was known to be (UDP-03).
    case.say(case.ann, "/say 2 hello", 10.5, source=home(case.ann, 7000))
    assert case.answers() == [(encode_receipt(2), home(case.ann, 6000))]


@pytest.mark.requirement("RCP-04", "UDP-08")
def test_who_is_gone_is_not_answered() -> None:
    case = ReceiptCase(message_rate=1, message_burst=1)
    case.say(case.bob, "/say 1 /leave", 5.0)
    assert case.answers() == []
    assert not case.knows(case.bob)
    for second in range(10, 200):
        for number in range(1, 4):
            case.say(case.ann, f"/say {10 * second + number} hello", float(second))
    assert not case.knows(case.ann)  # for abuse
    assert case.registry.counters.answers[Answer.NOT_SAID] > 20
    case.assert_all_is_counted()


@given(st.binary(max_size=80), st.integers(1, MAX_NUMBER), st.booleans(), st.sampled_from(["", "bob: ", "server: "]))
@settings(deadline=None)
@pytest.mark.requirement("RCP-04")
def test_an_answer_is_at_most_32_bytes_longer(text: bytes, number: int, separated: bool, start: str) -> None:
    case = Case(message_rate=1, message_burst=3, attribution=False)
    ann = case.create("ann", room="r")
    ann.session.said = SaidNumbers()
    data = encode_datagram(b"r", case.tokens[ann], b"/say %d" % number + b" " * separated + start.encode() + text)
    shortest = 2 + len("r") + 22  # the relay's own tokens
    for _ in range(6):
        case.relay.handle_datagram(data, home(ann), 1.0)
        answers = case.relay.receipts
        assert len(answers) <= 1
        for _, payload in answers:
            assert len(payload) <= len(data) - 3 - len(case.tokens[ann]) + shortest + 32
        answers.clear()


@pytest.mark.parametrize("reason", [*DropReason])
@pytest.mark.requirement("RCP-04")
def test_no_reason_makes_an_answer_longer(reason: DropReason) -> None:
    for number in (1, MAX_NUMBER):
        shortest = 2 + len("r") + 22 + len(f"/say {number}")
        assert len(encode_receipt(number, reason)) <= shortest + 32 or reason.value not in TOLD


TOLD = {
    *("message_rate", "byte_rate", "copy_rate", "muted", "too_long"),
    *("invalid_utf8", "reserved_name", "stale"),
}  # fmt: skip


@given(st.lists(st.integers(1, 150), max_size=300))
@pytest.mark.requirement("RCP-02")
def test_the_window_remembers_the_greatest_numbers(numbers: list[int]) -> None:
    said, known = SaidNumbers(), set[int]()
    for number in numbers:
        low = min(known) if len(known) == WINDOW else 0
        assert (number in said) == (number in known)
        assert said.is_stale(number) == (number < low)
        if number not in known and number >= low:
            said.add(number)
            known = set(sorted({*known, number})[-WINDOW:])
        assert list(said) == sorted(known)


@pytest.mark.requirement("RCP-02")
def test_only_what_is_below_all_of_a_full_window_is_stale() -> None:
    case = ReceiptCase(message_rate=0, byte_rate=0)
    for number in (10, *range(20, 19 + WINDOW)):
        case.say(case.ann, f"/say {number} hello")
    case.answers()
    assert case.say(case.ann, "/say 9 hello") is DropReason.STALE
    assert case.answered(case.ann, 9, "stale")
    assert relayed(case.say(case.ann, "/say 15 hello"))[0] == "ann: hello"
    assert case.answered(case.ann, 15)


@pytest.mark.requirement("RCP-02")
def test_a_captured_datagram_is_relayed_once_however_late_it_comes_again() -> None:
    case = ReceiptCase(message_rate=0, byte_rate=0)
    for number in range(1, 200):
        case.say(case.ann, f"/say {number} hello")
        case.answers()
        for again in {1, max(1, number - WINDOW), max(1, number - WINDOW + 1), number}:
            result = case.say(case.ann, f"/say {again} hello")
            fresh = again > number - WINDOW
            assert result == NOTHING_SAID if fresh else result is DropReason.STALE
            assert case.answered(case.ann, again, "" if fresh else "stale")
    assert sum(case.registry.counters.fanout.values()) == 199
    case.assert_all_is_counted()


def test_unread_answers_name_their_reason() -> None:
    assert parse_json_notice(encode_receipt(7, "stale").decode()) == NotSaid(7, "stale")
