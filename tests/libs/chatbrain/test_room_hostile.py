"""A relay that wants to be called without an end, and one that grants what can't be."""

from dataclasses import replace
from math import inf, nan

import pytest

from chatbrain import BindDatagram, OpenStream, Stage
from chatbrain.events import Ended, EndReason, Rebound
from chatbrain.findings import NO_RELAY
from chatbrain.room import ERROR_PAUSE_SECONDS
from chatproto import Disconnected, EvictionReason, Status, encode_notice
from libs.chatbrain.membership_case import GRANT, Case, joined

THROWN_OUT = encode_notice(Disconnected(EvictionReason.SILENCE))
AN_HOUR = 3600.0


def test_who_throws_out_and_lets_in_again_is_called_every_half_minute_at_most() -> None:
    case, now, times = joined(), 0.0, list[float]()
    while now < AN_HOUR:
        case.brain.receive_datagram(THROWN_OUT, now)
        if case.at(Stage.ENDED):
            break
        assert case.at(Stage.WAITING)
        now = case.brain.next_deadline()
        case.brain.tick(now)
        times.append(now)
        case.answer(now, GRANT)
        case.flush()
    pauses = [later - before for before, later in zip([0.0, *times], times, strict=False)]
    assert pauses[:8] == [0.5, 1, 2, 4, 8, 16, 30, 30]  # with the most that chance may add
    assert min(pauses[6:]) == 30
    assert case.at(Stage.ENDED)  # after a quarter of an hour nobody goes on trying


@pytest.mark.slow
@pytest.mark.parametrize("answer", [Status.BUSY, Status.NAME_TAKEN, GRANT], ids=["busy", "taken", "granted"])
def test_who_speaks_and_is_unreachable_in_turn_costs_few_ports_and_calls(answer: object) -> None:
    """Each error makes the room doubtful, each word from the relay ends the doubt."""
    case, calls, ports = joined(), 0, 0
    for millisecond in range(60_000):
        now = millisecond / 1000
        case.brain.receive_datagram(b"eve: hi", now)
        for _ in range(2):
            case.brain.datagram_error(now)
            actions = case.brain.take_actions()
            ports += sum(isinstance(action, BindDatagram) for action in actions)
            if any(isinstance(action, OpenStream) for action in actions):
                calls += 1
                case.answer(now, answer)  # type: ignore[arg-type]  # either kind of answer
    most = 60 / ERROR_PAUSE_SECONDS + 1
    assert 0 < calls <= most
    assert ports <= 2 * most
    assert sum(isinstance(event, Rebound) for event in case.brain.take_events()) <= most


@pytest.mark.parametrize("silence", [nan, inf, -1.0, -1e308])
def test_a_time_that_is_none_is_no_grant(silence: float) -> None:
    case = Case()
    case.start()
    case.answer(0.0, replace(GRANT, silence_timeout_seconds=silence))
    (ended,) = case.brain.take_events()
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.finding) == (EndReason.UNREACHABLE, NO_RELAY)


@pytest.mark.parametrize("limit", [0, -1, -(10**300)])
def test_a_limit_under_one_byte_is_no_grant(limit: int) -> None:
    case = Case()
    case.start()
    case.answer(0.0, replace(GRANT, max_message_bytes=limit))
    assert case.at(Stage.ENDED)


def test_a_limit_is_never_more_than_a_datagram_takes() -> None:
    case = Case()
    case.join(replace(GRANT, max_message_bytes=10**300, silence_timeout_seconds=1e308))
    assert case.brain.max_message_bytes == 4096 - 2 - len("demo") - len("token")
    assert case.brain.next_deadline() <= 22.0  # keep-alives go on as ever
