"""Errors carry the status that answers them, and say to a person what is wrong."""

import pytest

from chatproto import (
    BadNameError,
    BadPasswordError,
    MalformedError,
    NotSupportedError,
    PayloadTooLargeError,
    ProtocolError,
    Refusal,
    RefusedError,
    Status,
)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ProtocolError, Status.MALFORMED),
        (MalformedError, Status.MALFORMED),
        (BadNameError, Status.BAD_NAME),
        (BadPasswordError, Status.MALFORMED),
        (PayloadTooLargeError, Status.PAYLOAD_TOO_LARGE),
        (NotSupportedError, Status.NOT_SUPPORTED),
    ],
)
def test_an_error_knows_its_status_and_explains_itself(kind: type[ProtocolError], status: Status) -> None:
    assert kind("Because.").status is status
    assert str(kind("Because.")) == "Because."
    assert str(kind()) == status.message


def test_a_refusal_tells_the_relays_words_or_the_statuss() -> None:
    assert str(RefusedError(Refusal(Status.BUSY))) == Status.BUSY.message
    assert str(RefusedError(Refusal(Status.BUSY, said="Come back at noon."))) == "Come back at noon."
    assert RefusedError(Refusal(Status.BUSY)).status is Status.BUSY
