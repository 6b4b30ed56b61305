"""What was found, in a few words."""

import errno

import pytest

from chatbrain import Fault, Finding, findings
from messenger.presentation.wording import fault, system_words

OTHERS_WORDS = {Fault.UNPROVEN, Fault.OTHER_CERTIFICATE, Fault.SYSTEM}


@pytest.mark.parametrize("kind", [kind for kind in Fault if kind not in OTHERS_WORDS])
def test_every_fault_has_its_words(japanese: None, kind: Fault) -> None:  # noqa: ARG001
    words = {Fault.NO_ROUTE: "no route to host", Fault.HUNG_UP: "connection reset by peer"}.get(kind, "TLS failed: ?")
    assert not fault(Finding(kind, words)).isascii()


def test_the_systems_words_are_known_whatever_its_language(japanese: None) -> None:  # noqa: ARG001
    assert system_words(PermissionError(errno.EACCES, "as some system says it")) == "アクセスが許可されていません"
    assert system_words(ValueError("Seldom\x1b heard")) == "Seldom\ufffd heard"


@pytest.mark.parametrize("words", findings._SYSTEM_WORDS.values())
def test_all_words_of_the_library_are_known(japanese: None, words: str) -> None:  # noqa: ARG001
    assert not fault(Finding(Fault.SYSTEM, words)).isascii()


def test_in_english_they_stay_as_they_are() -> None:
    assert system_words(IsADirectoryError(errno.EISDIR, "")) == "is a directory"
    assert fault(Finding(Fault.OTHER_CERTIFICATE, "SHA-256 AB")) == "SHA-256 AB"
