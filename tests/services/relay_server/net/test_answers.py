"""Answers that travel with messages: everybody gets what they would get without, and each answer once."""

from collections import Counter, defaultdict

import hypothesis.strategies as st
import pytest
from hypothesis import given

from chatproto.receipts import encode_receipt
from relay_server.core.address import parse_ip
from relay_server.core.audience import Forward
from relay_server.core.counters import SendFailure
from relay_server.core.receipts import Receipt, SaidNumbers
from relay_server.net.address import UdpAddress, make_address, pack_targets
from relay_server.net.answers import with_answers
from relay_server.net.fanout import MAX_BATCH_SEGMENTS, MAX_SEGMENT_BYTES, GsoBatch, pack_batches
from services.relay_server.net.gso import assert_the_kernel_takes, heard_by_all, listener, room, said
from services.relay_server.net.loopback import Run, address_of, udp_peer, until
from services.relay_server.net.udp_chat import audience_at, hear, record_batches, rooms

ANN, BOB = (make_address(parse_ip("10.0.0.1"), port) for port in (1, 2))
ANSWER = encode_receipt(7)
ROOM_FOR_IT = b"x" * len(ANSWER)


@st.composite
def turns(draw: st.DrawFn) -> tuple[list[Forward], list[Receipt]]:
    """Make what is said in a few rooms at the same time, and what is answered: not all that is said, and more."""
    audiences = [room(number, draw(st.integers(1, 5))) for number in range(draw(st.integers(1, 3)))]
    sizes = draw(st.sampled_from([[len(ANSWER)], [len(ANSWER) - 1], [60, 61], [10, 600, MAX_SEGMENT_BYTES], [2000]]))
    forwards, answers = list[Forward](), list[Receipt]()
    for number in range(1, draw(st.integers(1, 90))):
        audience = draw(st.sampled_from(audiences))
        member = draw(st.integers(0, len(audience.addresses) - 1))
        if draw(st.booleans()):
            forwards.append(said(audience, member, (b"%d " % number).ljust(draw(st.sampled_from(sizes)), b"x")))
        if draw(st.booleans()):
            reason = draw(st.sampled_from(["", "message_rate"]))
            answers.append((audience.addresses[listener(audience, member)], encode_receipt(number, reason)))
    return forwards, answers


@pytest.mark.slow
@pytest.mark.requirement("UDP-04", "RCP-04")
@given(turns(), st.booleans())
def test_everybody_hears_all_messages_in_order_and_each_own_answer_once(
    turn: tuple[list[Forward], list[Receipt]], together: bool
) -> None:
    forwards, answers = turn
    messages = pack_batches(forwards, together=together)
    sent = with_answers(messages, answers, together=together)
    heard, without = heard_by_all(sent), heard_by_all(messages)
    answers_of = defaultdict[UdpAddress, list[bytes]](list)
    for address, answer in answers:
        assert isinstance(address, bytes)
        answers_of[address].append(answer)
    for address in heard:
        assert [data for data in heard[address] if b'"n":' not in data] == without[address]
        assert Counter(data for data in heard[address] if b'"n":' in data) == Counter(answers_of[address])
    assert heard.keys() >= answers_of.keys()
    for batch in sent:
        assert_the_kernel_takes(batch)


@pytest.mark.parametrize(
    "batch",
    [
        (ROOM_FOR_IT, pack_targets([ANN]), 0),
        (ROOM_FOR_IT * 2, pack_targets([ANN]), len(ANSWER)),
        (ROOM_FOR_IT * (MAX_BATCH_SEGMENTS - 1), pack_targets([ANN]), len(ANSWER)),
        (bytes(MAX_SEGMENT_BYTES), pack_targets([ANN]), 0),
    ],
)
def test_an_answer_is_the_last_of_its_members_batch(batch: GsoBatch) -> None:
    other: GsoBatch = (ROOM_FOR_IT, pack_targets([BOB]), 0)
    text, row, segment = batch
    assert with_answers([other, batch], [(ANN, ANSWER)], together=True) == [
        other,
        (text + ANSWER, row, segment or len(text)),
    ]


@pytest.mark.parametrize(
    "batch",
    [
        (ROOM_FOR_IT, pack_targets([BOB]), 0),
        (ROOM_FOR_IT, pack_targets([ANN, BOB]), 0),
        (ROOM_FOR_IT, b"", 0),  # nobody else is there
        (ROOM_FOR_IT[:-1], pack_targets([ANN]), 0),
        (ROOM_FOR_IT * 2 + b"short", pack_targets([ANN]), len(ANSWER)),
        (ROOM_FOR_IT * MAX_BATCH_SEGMENTS, pack_targets([ANN]), len(ANSWER)),
        (bytes(MAX_SEGMENT_BYTES + 1), pack_targets([ANN]), 0),
    ],
)
def test_an_answer_that_fits_no_batch_goes_by_itself(batch: GsoBatch) -> None:
    assert with_answers([batch], [(ANN, ANSWER)], together=True) == [batch, (ANSWER, pack_targets([ANN]), 0)]


def test_answers_that_fit_no_batch_go_together_in_their_order() -> None:
    answers = [encode_receipt(number) for number in (1, 2, 3)]
    given_to = [(ANN, answers[0]), (BOB, answers[1]), (ANN, answers[2])]
    assert with_answers([], given_to, together=True) == [
        (answers[0] + answers[2], pack_targets([ANN]), len(answers[0])),
        (answers[1], pack_targets([BOB]), 0),
    ]
    assert with_answers([], given_to, together=False) == [
        (answer, pack_targets([address]), 0) for address, answer in given_to
    ]


@pytest.mark.requirement("CON-02", "RCP-04")
def test_messages_and_answers_are_one_call_and_counted_apart(
    run: Run, portable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann, udp_peer() as bob:
                headers = [chat.admit(name) for name in ("ann", "bob")]
                chat.registry.outbox.clear()
                counters = chat.registry.counters
                for peer, header in zip((ann, bob), headers, strict=True):
                    peer.sendto(header, chat.where)
                await until(lambda: counters.accepted == 2)
                for session in chat.registry.sessions_by_token.values():
                    session.said = SaidNumbers()
                calls = record_batches(chat, monkeypatch)
                for peer, header in zip((ann, bob), headers, strict=True):  # the port has no turn in between
                    peer.sendto(header + b"/say 7 " + ROOM_FOR_IT, chat.where)
                assert [await hear(ann) for _ in range(2)] == [b"bob: " + ROOM_FOR_IT, ANSWER]
                assert [await hear(bob) for _ in range(2)] == [b"ann: " + ROOM_FOR_IT, ANSWER]
                assert (counters.sent, counters.bytes_sent) == (2, 2 * len(b"ann: " + ROOM_FOR_IT))
                assert (counters.notices_sent, counters.notice_failures) == (2, 0)
                (batches,) = calls
                assert len(batches) == (4 if portable else 2)

    run(scenario)


@pytest.mark.requirement("CON-02", "RCP-04")
def test_refused_messages_and_refused_answers_are_counted_apart(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as bob:
                nowhere, port, counters = make_address(parse_ip("127.0.0.1"), 0), chat.port, chat.registry.counters
                audience = audience_at(nowhere, address_of(bob))
                port._forwards += [(audience, speaker, ROOM_FOR_IT) for speaker in audience.addresses]
                port._receipts += [(nowhere, ANSWER), (address_of(bob), ANSWER), (nowhere, ANSWER)]
                port._flush_messages()
                assert [await hear(bob) for _ in range(2)] == [ROOM_FOR_IT, ANSWER]
                assert (counters.sent, counters.bytes_sent) == (1, len(ROOM_FOR_IT))
                assert (counters.send_failures[SendFailure.OTHER], sum(counters.send_failures.values())) == (1, 1)
                assert (counters.notices_sent, counters.notice_failures) == (1, 2)

    run(scenario)
