"""What is said when something goes wrong."""

import errno

import pytest

from chatbrain import (
    BadAuthoritiesError,
    Ended,
    EndReason,
    Fault,
    Finding,
    Presented,
    Tls,
    UnreachableError,
    UntrustedError,
)
from chatbrain.findings import system_words

EXPIRED = Finding(Fault.EXPIRED, "certificate has expired")


def test_a_file_of_authorities_is_named() -> None:
    error = BadAuthoritiesError("ca.pem", Finding(Fault.NO_PEM, "no certificate in PEM form"))
    assert str(error) == "The file of authorities ca.pem can't be used (no certificate in PEM form): name another."
    assert (error.file, error.finding.fault) == ("ca.pem", Fault.NO_PEM)


def test_who_is_not_trusted_is_not_reached_either() -> None:
    cause = Ended.untrusted("relay:9000", EXPIRED)
    error = UntrustedError(cause)
    assert isinstance(error, UnreachableError)
    assert (str(error), error.cause) == (cause.text, cause)
    assert cause.reason is EndReason.UNTRUSTED
    assert cause.text.startswith("The relay at relay:9000 doesn't prove that it is the one you mean (certificate has")


def test_what_answers_by_tls_is_said_to_be_asked_so() -> None:
    text = Ended.unreachable("relay:9000", EXPIRED, tls=True).text
    assert text.startswith("No relay answers by TLS at relay:9000 (certificate has expired)")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EPIPE, "anything"), "broken pipe"),
        (OSError(errno.EXDEV, "anything"), "invalid cross-device link"),
        (OSError("several things"), "several things"),
        (ValueError("a value"), "a value"),
    ],
)
def test_systems_errors_are_in_our_words(error: Exception, words: str) -> None:
    assert system_words(error) == words


def test_what_is_shown_is_trusted_by_its_authority_or_by_itself() -> None:
    shown = ":".join(["AB"] * 32)
    assert Presented(shown, None).tls == Tls()
    assert Presented(shown, EXPIRED).tls == Tls(fingerprint=shown)


def test_a_fingerprint_is_brought_into_its_usual_form() -> None:
    assert Tls(fingerprint="ab" * 32).fingerprint == ":".join(["AB"] * 32)
    assert Tls().fingerprint is None
    with pytest.raises(ValueError, match="is no SHA-256 fingerprint"):
        Tls(fingerprint="12:34")
