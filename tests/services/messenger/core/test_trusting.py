"""By what a relay's certificate is trusted."""

from chatbrain import Fault, Finding, Presented
from messenger.core.trusting import Changed, Stranger, judge
from services.messenger.core.fake_relay import FakeTrust

SELF_SIGNED = Finding(Fault.SELF_SIGNED, "self-signed certificate")
A, B = (":".join([pair] * 32) for pair in ("AA", "BB"))


def trusting(*fingerprints: str) -> FakeTrust:
    trust = FakeTrust()
    for fingerprint in fingerprints:
        trust.remember("relay:9000", fingerprint)
    return trust


def test_an_authority_is_enough_whatever_was_trusted_before() -> None:
    assert judge("relay:9000", Presented(A, None), trusting()) is None
    assert judge("relay:9000", Presented(A, None), trusting(B)) is None


def test_without_one_what_was_trusted_before_decides() -> None:
    shown = Presented(A, SELF_SIGNED)
    assert judge("relay:9000", shown, trusting(A)) is None
    assert judge("relay:9000", shown, trusting(B)) == Changed("relay:9000", B, A, FakeTrust.file)
    assert judge("relay:9000", shown, trusting()) == Stranger("relay:9000", A, SELF_SIGNED)
