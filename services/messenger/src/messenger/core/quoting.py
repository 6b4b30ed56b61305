"""A reply: what is answered stands above the answer, as a line that begins with ``>``; plain text for everybody."""

from typing import Final

from chatproto.text import NEWLINE_SIGN
from messenger.core.history import History, Kind

QUOTE: Final = "> "
MAX_QUOTED: Final = 120
"""So many characters show which message is meant, and leave most of the limit to the answer."""
_SAID: Final = {Kind.MESSAGE, Kind.OWN}


def can_quote(history: History, number: int) -> bool:
    """Tell whether a line, by its number, is there and is something that somebody said."""
    return history.start <= number < history.end and history[number].kind in _SAID


def quote(history: History, number: int) -> str:
    """Return a message as a line that quotes it, without what it quoted itself."""
    line = history[number]
    lines = line.text.split(NEWLINE_SIGN)
    text = " ".join(part for part in lines if not part.startswith(QUOTE)).strip() or lines[0]
    cut = text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1].rstrip() + "…"
    return f"{QUOTE}{line.sender}: {cut}" if line.sender else f"{QUOTE}{cut}"


class Reply:
    """Whom one answers: the newest message of somebody else, and an older one each time that it is asked again."""

    def __init__(self) -> None:
        self._quoted: tuple[History, int, str] | None = None

    def older(self, history: History, draft: str, newline: str) -> str:
        """Put a quoted line before a draft, or an older one in the place of that one."""
        number = history.end
        if self._quoted and self._quoted[0] is history and draft.startswith(self._quoted[2]):
            number, draft = self._quoted[1], draft.removeprefix(self._quoted[2])
        others = (each for each in range(number - 1, history.start - 1, -1) if history[each].kind is Kind.MESSAGE)
        found = next(others, None)
        return draft if found is None else self.to(history, found, draft, newline)

    def to(self, history: History, number: int, draft: str, newline: str) -> str:
        """Put a line that quotes this message before a draft, in the place of one that was put there before."""
        if self._quoted and draft.startswith(self._quoted[2]):
            draft = draft.removeprefix(self._quoted[2])
        head = quote(history, number) + newline
        self._quoted = (history, number, head)
        return head + draft
