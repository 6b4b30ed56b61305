"""Random histories of a room whose connections break anywhere, against a naive list of what was said.

The promise: what was `took` reaches every stream member of the room once, in one order, or is told to it as `gone`. Its
clients know nothing but what reached them. They lose what was on its way when a connection broke, don't always read,
give up answers to their joins, go to UDP and back, and say again what wasn't answered.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from unittest import mock

from chatproto import Status
from relay_server.answers import Granted
from relay_server.core import ring
from relay_server.core.reader import MAX_UNREAD_BYTES
from services.relay_server.stream_case import FEATURES, Client, StreamCase, peer

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("ann", "bob", "eve", "joe")
STEPS = 120


@dataclass(frozen=True)
class Said:
    """A message that the relay took: the list of these is the model."""

    epoch: str
    seq: int
    who: "Person"
    n: int
    text: str


@dataclass(eq=False, repr=False)
class Person:
    """Somebody with a client; ``known`` is what reached it, by place: a text, or the number of an own message."""

    name: str
    ticket: str
    epoch: str = ""
    heard: int = 0
    since: int = 0
    """How many messages were said before it came, which aren't for it."""
    client: Client | None = None
    over_udp: Granted | None = None
    incoming: bytes = b""
    outgoing: deque[bytes] = field(default_factory=deque)
    next_n: int = 1
    unanswered: dict[int, str] = field(default_factory=dict)
    known: list[tuple[str, int, str | int]] = field(default_factory=list)
    gone: list[tuple[str, int, int]] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    is_behind: bool = False
    """Whether it ever asked for a numbering that isn't the room's."""


class History:
    """One history; whatever is at odds with the model raises an AssertionError."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.case = StreamCase(ring_bytes=self.chance.choice([0, 0, 4000, 20_000]))
        self.said: list[Said] = []
        self.people: list[Person] = []
        self.unnoticed: list[Client] = []
        self.words = 0
        self.plain = self.case.grant(1, {"username": "udp", "reply": "json", "features": ["receipts"]}, peer("udp"))
        self.case.over_udp(self.plain)
        self.other = Client(self.case, self.case.grant(1, self.case.request("zoe"), peer("zoe"), b"another"))
        self.actions: list[tuple[int, Callable[[Person], None]]] = [
            (8, self.speak), (10, self.relay_reads), (10, self.client_reads), (3, self.break_off), (5, self.come_back),
            (1, self.lose_a_completion), (2, self.cut_if_slow), (1, self.wait), (1, self.go_to_udp),
            (2, self.speak_over_udp), (1, self.fill_other_rings), (1, self.leave),
        ]  # fmt: skip

    def run(self) -> None:
        """Go through a history, then let everybody come back and hear the rest."""
        with mock.patch.object(ring, "MAX_ENTRIES", self.chance.choice([5, 30, 1024])):
            for name in NAMES:
                self.join(name)
            weights, actions = zip(*self.actions, strict=True)
            for _ in range(STEPS):
                (action,) = self.chance.choices(actions, weights)
                action(self.chance.choice(self.people))
                self.case.check_books()
            self.settle()
            self.case.check_books()
        for person in self.people:
            self.check(person)

    # What people do.

    def join(self, name: str) -> None:
        """Come anew, as somebody whom the old ticket is no good for, unless the old seat is still there."""
        granted = self.case.ask(2, self.case.request(name), peer(name))
        if not isinstance(granted, Granted):
            return
        person = Person(name, granted.completion.ticket, since=len(self.said))
        self.people = [one for one in self.people if one.name != name] + [person]
        self.connect(person, granted)
        person.outgoing.append(b'{"pong":0}')

    def connect(self, person: Person, granted: Granted) -> None:
        """Take note of a completion and open the stream."""
        person.ticket = granted.completion.ticket
        person.client = Client(self.case, granted)
        person.incoming = b""
        person.outgoing.clear()
        if person.epoch != granted.completion.epoch:  # it is told so by `gone` as well, which may be lost
            person.epoch, person.heard = granted.completion.epoch, granted.completion.seq
            person.gone += [(one.epoch, one.seq, one.seq) for one in self.said]
            person.is_behind = True

    def speak(self, person: Person) -> None:
        self.words += 1
        text = f"{person.name} {self.words} " + "x" * self.chance.choice([0, 0, 50, 500])
        n = person.next_n
        person.next_n += 1
        person.unanswered[n] = text
        if person.client is not None:
            person.outgoing.append(json.dumps({"say": text, "n": n}).encode())

    def relay_reads(self, person: Person) -> None:
        """Let some lines arrive at the relay."""
        for _ in range(self.chance.randint(1, 4)):
            if person.client is None or not person.outgoing:
                return
            self.arrive(person, person.client, person.outgoing.popleft())

    def arrive(self, person: Person, client: Client, line: bytes) -> None:
        before = self.newest()
        client.line(line)
        if self.newest() != before and b'"say"' in line:
            said = json.loads(line)
            self.note(person, said["n"], said["say"])

    def newest(self) -> tuple[str, int]:
        found = self.case.registry.rooms[b"demo"].ring
        return (found.epoch, found.seq) if found else ("", 0)

    def note(self, person: Person, n: int, text: str) -> None:
        """Add to the model; no number is ever said twice."""
        assert n not in person.taken, (person.name, n)
        person.taken.add(n)
        self.said.append(Said(*self.newest(), person, n, text))

    def client_reads(self, person: Person) -> None:
        """Let some bytes arrive at the client, and leave some on their way."""
        if person.client is not None:
            while person.client.reader.has_more and self.chance.random() < 0.8:
                person.incoming += person.client.reader.take(self.chance.choice([1, 100, 1000, MAX_UNREAD_BYTES]))
            self.hear(person, self.chance.randint(0, len(person.incoming)))

    def hear(self, person: Person, size: int) -> None:
        *lines, rest = person.incoming[:size].split(b"\n")
        person.incoming = rest + person.incoming[size:]
        for line in map(json.loads, lines):
            self.take_line(person, line)

    def take_line(self, person: Person, line: dict[str, Any]) -> None:
        assert "refused" not in line, line
        seq = line.get("seq")
        if seq is not None:
            assert seq > person.heard, (person.name, person.heard, line)
            person.heard = seq
        if "took" in line:
            assert line["took"] in person.taken
            person.unanswered.pop(line["took"], None)
        if seq is not None and "notice" not in line:
            person.known.append((person.epoch, seq, line.get("took") or line["text"]))
        if "gone" in line:
            self.take_gone(person, line["gone"])
        if "ping" in line:
            person.outgoing.append(b'{"pong":%d}' % line["ping"])
        if "bye" in line:
            self.break_off(person)

    def take_gone(self, person: Person, gone: Any) -> None:
        if gone == "all":
            assert person.is_behind
        else:
            assert gone[0] > person.heard  # what was between wasn't for it, such as its own coming
            person.gone.append((person.epoch, *gone))
            person.heard = gone[1]

    def break_off(self, person: Person) -> None:
        """Break a connection: what was on its way is lost."""
        if person.client is not None:
            client, person.client = person.client, None
            if self.chance.random() < 0.8:
                client.lose()
            else:  # the relay hasn't noticed yet
                self.unnoticed.append(client)
            person.incoming = b""
            person.outgoing.clear()

    def come_back(self, person: Person, *, lies: bool = True) -> None:
        """Show the ticket, and say again what wasn't answered."""
        if person.client is not None:
            return
        epoch = person.epoch
        if lies and self.chance.random() < 0.05:
            epoch = "another"
        granted = self.case.show(person.name, person.ticket, epoch=epoch, heard=person.heard)
        person.over_udp = None
        if not isinstance(granted, Granted):
            assert granted in {Status.NO_SEAT, Status.BUSY}
            self.join(person.name)
            return
        if epoch == "another":
            person.epoch = ""
        self.connect(person, granted)
        person.outgoing.append(b"{}")
        person.outgoing.extend(json.dumps({"say": text, "n": n}).encode() for n, text in person.unanswered.items())

    def lose_a_completion(self, person: Person) -> None:
        """Ask to resume, lose the answer, and ask again: the same attempt, or another."""
        if person.client is not None:
            return
        attempt = f"{self.chance.getrandbits(64):016x}"
        for _ in range(self.chance.randint(1, 2)):
            granted = self.case.show(
                person.name, person.ticket, epoch=person.epoch, heard=person.heard, attempt=attempt
            )
            if isinstance(granted, Granted):
                Client(self.case, granted).lose()

    def cut_if_slow(self, person: Person) -> None:
        if person.client is not None and person.client.reader.unread_bytes > 500:
            self.case.registry.streams.cut_slow(person.client.reader)

    def wait(self, _: Person) -> None:
        """Let time pass, more than anybody's patience now and then."""
        self.pass_time(self.chance.choice([1.0, 5.0, 31.0, 31.0, 70.0]), 0.5)

    def pass_time(self, seconds: float, answered: float) -> None:
        """Let time pass; so often clients speak meanwhile."""
        until = self.case.now + seconds
        while (due := self.case.registry.next_deadline()) <= until:
            self.case.now = max(self.case.now, due)
            self.case.registry.expire(self.case.now)
            for client in [one for one in self.unnoticed if one.reader.ended]:
                self.unnoticed.remove(client)
                client.lose()
            for person in self.people:
                if person.client is not None and self.chance.random() < answered:
                    self.arrive(person, person.client, b'{"pong":0}')
        self.case.now = until
        self.case.over_udp(self.plain)
        self.other.send(pong=0)
        self.case.registry.outbox.clear()

    def go_to_udp(self, person: Person) -> None:
        """Take the seat over UDP, and what isn't answered along."""
        if person.client is not None:
            return
        fields = {"username": person.name, "reply": "json", "features": FEATURES, "resume": person.ticket}
        granted = self.case.begin(2, json.dumps(fields).encode(), peer(person.name))
        if isinstance(granted, Granted):
            person.ticket, person.over_udp = granted.completion.ticket, granted

    def speak_over_udp(self, person: Person) -> None:
        """Say something by a datagram: the plain member, or who went there with its numbers."""
        if person.over_udp is None:
            self.words += 1
            text = f"udp {self.words} "
            if self.case.over_udp(self.plain, text)[0]:
                self.said.append(Said(*self.newest(), Person("udp", ""), 0, text))
            return
        for n, text in list(person.unanswered.items()):
            result = self.case.over_udp(person.over_udp, f"/say {n} {text}")
            if isinstance(result, tuple) and result[0]:
                self.note(person, n, text)

    def fill_other_rings(self, _: Person) -> None:
        self.other.say("y" * self.chance.choice([100, 3000]))

    def leave(self, person: Person) -> None:
        if person.client is not None and self.chance.random() < 0.3:
            person.client.send(leave=True)
            person.client.lose()
            self.join(person.name)

    # How it ends.

    def settle(self) -> None:
        """Let everybody be on a stream that nothing is lost of any more, and hear the rest."""
        for person in self.people:
            self.break_off(person)
        while any(person.client is None for person in self.people):
            for person in list(self.people):
                self.come_back(person, lies=False)
                self.drain()
            self.pass_time(14.0, 1.0)
        self.drain()
        for person in self.people:
            assert not person.unanswered, (person.name, person.unanswered)

    def drain(self) -> None:
        """Let all arrive that is on its way."""
        for _ in range(2):
            for person in self.people:
                while person.client is not None and person.outgoing:
                    self.arrive(person, person.client, person.outgoing.popleft())
            for person in self.people:
                while person.client is not None and person.client.reader.has_more:
                    person.incoming += person.client.reader.take(MAX_UNREAD_BYTES)
                    self.hear(person, len(person.incoming))

    def check(self, person: Person) -> None:
        """Compare what somebody knows with the model."""
        known = {(epoch, seq): text for epoch, seq, text in person.known}
        assert len(known) == len(person.known)
        for said in self.said[person.since :]:
            expected = said.n if said.who is person else said.text
            found = known.pop((said.epoch, said.seq), None)
            is_gone = any(epoch == said.epoch and first <= said.seq <= last for epoch, first, last in person.gone)
            assert found == expected or (found is None and is_gone), (person.name, said, found)
        assert not known, (person.name, known)
