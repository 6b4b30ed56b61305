"""What helps where."""

import pytest

from chatbrain import Ended, EndReason
from chatproto import EvictionReason, Refusal, RefusalCode, Status
from messenger.core.remedy import Remedy, remedies


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_something_helps_against_every_refusal(status: Status) -> None:
    assert remedies(Ended.refused(Refusal(status, said="No.")))


@pytest.mark.parametrize(
    ("status", "best"),
    [
        (Status.NO_SUCH_ROOM, Remedy.CREATE),
        (Status.ROOM_EXISTS, Remedy.JOIN),
        (Status.WRONG_PASSWORD, Remedy.PASSWORD),
        (Status.NAME_TAKEN, Remedy.NAME),
        (Status.BAD_NAME, Remedy.NAME),
        (Status.BUSY, Remedy.AGAIN),
    ],
)
def test_the_best_comes_first(status: Status, best: Remedy) -> None:
    assert remedies(Ended.refused(Refusal(status, said="No.")))[0] is best


def test_who_left_or_was_put_out_may_come_again() -> None:
    assert remedies(Ended(EndReason.LEFT, "You left.")) == (Remedy.AGAIN,)
    assert remedies(Ended(EndReason.EVICTED, "", eviction=EvictionReason.KICKED)) == (Remedy.AGAIN,)


def test_nothing_leads_back_for_who_is_banned() -> None:
    assert remedies(Ended(EndReason.EVICTED, "", eviction=EvictionReason.KICKED, banned=True)) == ()
    assert remedies(Ended.refused(Refusal(Status.BAD_NAME, RefusalCode.BANNED))) == ()


def test_a_closed_room_can_be_created_anew() -> None:
    assert remedies(Ended(EndReason.ROOM_CLOSED, ""))[0] is Remedy.CREATE


def test_nothing_leads_on_to_a_relay_that_is_not_trusted() -> None:
    assert remedies(Ended(EndReason.UNTRUSTED, "")) == ()
