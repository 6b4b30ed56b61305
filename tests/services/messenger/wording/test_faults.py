"""What was found, in a few words."""

import pytest

from chatclient import Fault, Finding
from messenger.wording import fault, system_words

OTHERS_WORDS = {Fault.UNPROVEN, Fault.OTHER_CERTIFICATE, Fault.SYSTEM}


@pytest.mark.parametrize("kind", [kind for kind in Fault if kind not in OTHERS_WORDS])
def test_every_fault_has_its_words(japanese: None, kind: Fault) -> None:  # noqa: ARG001
    words = {Fault.NO_ROUTE: "no route to host", Fault.HUNG_UP: "connection reset by peer"}.get(kind, "TLS failed: ?")
    assert not fault(Finding(kind, words)).isascii()


def test_the_systems_words_are_known_however_they_begin(japanese: None) -> None:  # noqa: ARG001
    assert system_words("Permission denied") == system_words("permission denied") == "アクセスが許可されていません"
    assert system_words("Seldom\x1b heard") == "Seldom\ufffd heard"


def test_in_english_they_stay_as_they_are() -> None:
    assert system_words("Permission denied") == "Permission denied"
    assert fault(Finding(Fault.OTHER_CERTIFICATE, "SHA-256 AB")) == "SHA-256 AB"
