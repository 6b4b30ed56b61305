"""Two honest members amid an attack."""

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.people import People
from conformance.relays import OwnRelay


class Pair:
    """Two honest members, who notice every message that doesn't arrive."""

    def __init__(self, people: People) -> None:
        self._ann, self._bob = people.pair(b"honest")
        self.said = self.bytes_heard = 0

    def talk(self) -> None:
        """Say something each way and hear it; whatever the relay got before has been handled by then."""
        for speaker, listener in ((self._ann, self._bob), (self._bob, self._ann)):
            text = b"message %d" % self.said
            speaker.say(text)
            heard = listener.hear()
            assert heard == speaker.name + b": " + text
            self.said += 1
            self.bytes_heard += len(heard)


@contextmanager
def honest_pair(relay: OwnRelay) -> Iterator[Pair]:
    with People(relay.relay) as people:
        yield Pair(people)
