"""Search in what was said in one conversation, from the newest line to the oldest."""

from messenger.core.history import History, Kind, Line
from messenger.core.matching import find

_SAID = {Kind.MESSAGE, Kind.OWN}


class Search:
    """Which line was found, and how many there are."""

    def __init__(self, history: History) -> None:
        self.words = ""
        self.found: int | None = None
        """The number of the line; None if there is none."""
        self.place = 0
        """Which of the lines that were found it is, the newest being the first."""
        self.count = 0
        self._history = history

    def look_for(self, words: str) -> None:
        """Find the newest line that has these words."""
        self.words, self.found = words, None
        self.go(1)

    def go(self, step: int) -> None:
        """Go to an older line, by -1 to a newer one; after the last comes the first again."""
        numbers = range(self._history.end - 1, self._history.start - 1, -1)
        fitting = [number for number in numbers if _has(self._history[number], self.words)]
        self.count = len(fitting)
        if not fitting:
            self.found, self.place = None, 0
            return
        if self.found is None:
            index = 0
        else:
            newer = sum(number > self.found for number in fitting)  # what was found may be gone by now
            index = (newer + step) % len(fitting)
        self.found, self.place = fitting[index], index + 1


def _has(line: Line, words: str) -> bool:
    return line.kind in _SAID and any(find(words, line.said))
