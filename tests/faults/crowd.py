"""Members who talk in turn and note what they hear, so that a lost or doubled message is seen."""

import contextlib
import selectors
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from conformance.people import NOTICE, Member

DEADLINE_SECONDS: Final = 20.0
QUIET_SECONDS: Final = 2.0
"""What hasn't come after so long a silence is lost."""


class Said(NamedTuple):
    """One message."""

    speaker: Member
    text: bytes


class Crowd:
    """Members of one room."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self._said: list[Said] = []
        self._heard: dict[Member, list[bytes]] = {member: [] for member in members}
        self.notices: dict[Member, list[bytes]] = {member: [] for member in members}
        self._selector = selectors.DefaultSelector()
        for member in members:
            self._selector.register(member.udp, selectors.EVENT_READ, member)

    @property
    def deliveries(self) -> list[bytes]:
        """Return all messages so far as somebody who says nothing hears them."""
        return [b"%s: %s" % (said.speaker.name, said.text) for said in self._said]

    @property
    def said(self) -> int:
        """Return how many messages there were."""
        return len(self._said)

    def talk_until(self, done: Callable[[], bool], rate: float, seconds: float = DEADLINE_SECONDS) -> None:
        """Say ``rate`` messages a second, each member in turn, until something is true."""
        start = time.monotonic()
        count = 0
        while not done():
            assert time.monotonic() < start + seconds, "it didn't come true in time"
            self.say_next()
            count += 1
            self._listen(0)  # also when late, or what is heard would pile up
            while (rest := start + count / rate - time.monotonic()) > 0:
                self._listen(rest)

    def say_next(self) -> None:
        """Let the next member say something."""
        number = len(self._said)
        speaker = self._members[number % len(self._members)]
        said = Said(speaker, b"message %d" % number)
        self._said.append(said)
        speaker.say(said.text)

    def check_nothing_lost(self, within_seconds: float = DEADLINE_SECONDS) -> None:
        """Wait for messages in flight; check that every member got all others' messages, in order and once."""
        deadline = time.monotonic() + within_seconds
        expected = {member: self._due_to(member) for member in self._members}
        while any(len(self._heard[member]) < len(due) for member, due in expected.items()):
            assert time.monotonic() < deadline, {
                member.name: sorted(set(due) - set(self._heard[member])) for member, due in expected.items()
            }
            self._listen(0.1)
        self._listen(0)
        otherwise = {member.name: (due, self._heard[member]) for member, due in expected.items()}
        otherwise = {name: (due, heard) for name, (due, heard) in otherwise.items() if heard != due}
        assert not otherwise, otherwise

    def count_lost(self) -> int:
        """Wait until nothing comes any more; returns how many copies are missing. None may have come twice."""
        newest = time.monotonic()
        while time.monotonic() < newest + QUIET_SECONDS:
            before = sum(map(len, self._heard.values()))
            self._listen(0.1)
            if sum(map(len, self._heard.values())) > before:
                newest = time.monotonic()
        lost = 0
        for member, heard in self._heard.items():
            assert len(set(heard)) == len(heard)
            lost += len(set(self._due_to(member)) - set(heard))
        return lost

    def _due_to(self, member: Member) -> list[bytes]:
        return [b"%s: %s" % (said.speaker.name, said.text) for said in self._said if said.speaker is not member]

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            member: Member = key.data
            for data in member.waiting():
                (self.notices if data.startswith(NOTICE) else self._heard)[member].append(data)


def close_abruptly(members: Sequence[Member]) -> None:
    """Close the members' ports without a word, as if their programs had died."""
    for member in members:
        with contextlib.suppress(OSError):
            member.udp.close()
