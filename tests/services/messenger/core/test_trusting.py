"""By what a relay's certificate is trusted."""

from chatbrain import Fault, Finding, Presented
from messenger.core.trusting import Changed, Stranger, judge

SELF_SIGNED = Finding(Fault.SELF_SIGNED, "self-signed certificate")
A, B = (":".join([pair] * 32) for pair in ("AA", "BB"))


def test_an_authority_is_enough_whatever_was_trusted_before() -> None:
    assert judge("relay:9000", Presented(A, None), None) is None
    assert judge("relay:9000", Presented(A, None), B) is None


def test_without_one_what_was_trusted_before_decides() -> None:
    shown = Presented(A, SELF_SIGNED)
    assert judge("relay:9000", shown, A) is None
    assert judge("relay:9000", shown, B) == Changed("relay:9000", B, A)
    assert judge("relay:9000", shown, None) == Stranger("relay:9000", A, SELF_SIGNED)
