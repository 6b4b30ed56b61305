"""What is sent and what isn't."""

import pytest

from chatbrain import CloseDatagram, MessageTooLongError, OpenStream, SendDatagram
from chatbrain.outbox import Outbox


def test_without_a_membership_nothing_is_sent() -> None:
    outbox = Outbox()
    assert not outbox.is_open
    assert (outbox.say(b"hi"), outbox.send(b""), outbox.take()) == (False, False, [])


def test_what_is_to_be_done_keeps_its_order_and_is_taken_once() -> None:
    outbox = Outbox()
    outbox.act(OpenStream())
    outbox.open(b"head ", 9)
    assert outbox.say(b"hi")
    outbox.close()
    assert not outbox.say(b"late")
    assert outbox.take() == [OpenStream(), SendDatagram(b"head hi"), CloseDatagram()]
    assert outbox.take() == []


def test_a_limit_is_for_what_people_say_and_not_for_the_protocols_own_words() -> None:
    outbox = Outbox()
    outbox.open(b"", 1)
    assert outbox.say(b"x")
    assert outbox.send(b"/leave")
    with pytest.raises(MessageTooLongError):
        outbox.say(b"xy")
    outbox.close()
    with pytest.raises(MessageTooLongError):
        outbox.say(b"xy")
