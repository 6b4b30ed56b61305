"""A member whose chat is a stream, and what the tests of it share."""

from dataclasses import replace

from chatbrain import CloseStream, OpenStream, Stage, Transport
from chatbrain.events import (
    Carried,
    Delivery,
    DeliveryState,
    Joined,
)
from chatproto import (
    Completion,
    Feature,
)
from chatproto.stream import (
    Ping,
    Pong,
    encode_heartbeat,
)
from libs.chatbrain.membership_case import RECEIPT_GRANT, RECEIPTS, Case

FEATURES = RECEIPTS | {Feature.RESUME}
STREAM = replace(RECEIPT_GRANT, features=FEATURES, ticket="T1", stream=True, epoch="e1", seq=10)
AGAIN = replace(STREAM, token=b"again", ticket="T2", seq=20)
DATAGRAMS = replace(RECEIPT_GRANT, features=FEATURES, ticket="T1")
SENDING, TAKEN, NOT_DELIVERED = DeliveryState.SENDING, DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED
STREAMED = Carried(Transport.STREAM, tls=False)


def streaming(grant: Completion = STREAM, *, enabled: bool = True) -> Case:
    """Return a member whose chat is a stream, and whose first question is answered."""
    case = Case(password="secret", resumes=True, transport=Transport.STREAM, enabled=enabled)
    case.start()
    case.answer(0.0, grant)
    assert case.sent_lines() == [Ping(1)]
    assert case.hear(0.1, encode_heartbeat(Pong(1))) == [Joined("demo", "ann", False, 50, 300.0), STREAMED]
    return case


def broken(case: Case, now: float) -> None:
    """Let the connection break, which is opened again at once."""
    case.flush()
    case.brain.stream_closed(now)
    assert case.at(Stage.VERIFYING)
    assert case.brain.take_actions() == [CloseStream(), OpenStream()]


def told(case: Case) -> list[object]:
    return [event for event in case.brain.take_events() if not isinstance(event, Delivery)]


def states(case: Case) -> list[tuple[int, DeliveryState]]:
    return [(event.id, event.state) for event in case.brain.take_events() if isinstance(event, Delivery)]
