"""A few characters at the end of a message that make its text unique among all bots everywhere."""

import re
from itertools import count
from typing import Final

DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
"""Of base 36."""
_MARKER: Final = re.compile(r" ~[^\s.~]+\.[0-9a-z]+")


class Marker:
    """Number messages: ``text ~PROCESS.NUMBER``, the number in base 36.

    When the message was sent, and by whom, stands in the ledger of the process that sent it.
    """

    def __init__(self, process_id: str) -> None:
        self._process_id = re.sub(r"[\s.~]", "-", process_id) or "0"
        self._numbers = count(1)

    def put(self, text: str) -> str:
        """Return the text with the next marker at its end."""
        return f"{text} ~{self._process_id}.{_base36(next(self._numbers))}"

    @staticmethod
    def strip(text: str) -> str:
        """Return the text without its marker, if it has one."""
        body, separator, rest = text.rpartition(" ~")
        return body if separator and _MARKER.fullmatch(separator + rest) else text


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits or "0"
