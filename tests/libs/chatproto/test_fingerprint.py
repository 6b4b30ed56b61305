"""What a certificate is known by, and how people may spell it."""

import pytest

from chatproto.fingerprint import fingerprint_of, parse_fingerprint

DIGITS = "0123456789ABCDEF" * 4
PAIRS = ":".join(DIGITS[i : i + 2] for i in range(0, 64, 2))
SPELLINGS = (DIGITS, DIGITS.lower(), PAIRS, PAIRS.lower(), f"SHA256:{DIGITS}", f"sha256:{PAIRS}", f" {DIGITS}\n")


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_fingerprint_may_be_spelled_in_many_ways(text: str) -> None:
    assert parse_fingerprint(text) == PAIRS


@pytest.mark.parametrize("text", ["", "SHA256:", DIGITS[1:], DIGITS + "0", DIGITS[1:] + "G", f"MD5:{DIGITS}"])
def test_what_is_no_fingerprint_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no SHA-256 fingerprint: give its 64 hex digits"):
        parse_fingerprint(text)


def test_a_fingerprint_is_spelled_as_other_programs_do() -> None:
    assert fingerprint_of(b"").startswith("E3:B0:C4:42:98:FC:1C:14:")
    assert parse_fingerprint(fingerprint_of(b"any")) == fingerprint_of(b"any")
