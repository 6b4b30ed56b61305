"""What a request is answered with: at once, or after some work or a wait."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from chatproto import Completion, ProtocolError
from relay_server.core.guesses import Guess
from relay_server.core.model import Member, Session
from relay_server.core.places import Node, Told


@dataclass(frozen=True, slots=True)
class Granted:
    """A place in a room: what to answer, and the member to undo it by."""

    session: Session
    completion: Completion
    keeps: bool = False
    """Whether the place waits for who asks once more, if the answer is lost (RES-02)."""

    @property
    def member(self) -> Member:
        """Whose place it is."""
        return self.session.member


Proof: TypeAlias = Callable[[], str]
"""Returns the hash that a password fits, or raises the ProtocolError that says why there is none."""


@dataclass(frozen=True, slots=True, repr=False)
class Pending:
    """A request with a password to work on first, away from the loop.

    ``admit`` takes the time when the work is about to begin, and raises a BusyError if it may not (PWD-04). ``finish``
    takes what became of ``work``, and the time. Both hold the password, so neither shows it.
    """

    admit: Callable[[float], None]
    work: Proof
    finish: "Callable[[Proof, float], Answer]"


@dataclass(frozen=True, slots=True, repr=False)
class Waiting:
    """A request that is gone on with at a time, unless the client goes before: then ``undo`` is called."""

    until: float
    finish: "Callable[[float], Answer]"
    undo: Callable[[], None] = lambda: None
    for_check: bool = False
    """Whether it waits for a check of its password: then it may take longer than others (PWD-04)."""


@dataclass(frozen=True, slots=True, repr=False)
class Consulting:
    """A request for which the directory of a cluster is asked first.

    ``ask`` asks, and calls back once, at once or later, with why it can't be done, or None: then ``finish`` takes that,
    and the time. ``undo`` undoes what could be done, for a client that is gone.
    """

    ask: Callable[[Told], None]
    finish: "Callable[[ProtocolError | None, float], Answer]"
    undo: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Carried:
    """A request that another node answers, over a link, for a client that can't follow (CLU-04)."""

    node: Node
    stream: bool = False
    """Whether the client wants to chat over its connection (STR-01)."""
    may_wait: bool = False
    """Whether its password may have to wait for a check (PWD-04)."""


Answer: TypeAlias = Granted | Pending | Waiting | Consulting | Carried | bytes
"""What a whole request is answered with; bytes are a refusal, or a list of rooms."""


class Work:
    """A password's work, which whoever makes the same attempt again shares: it is counted and done once (RES-02).

    Work of one network is done one after the other (see `net.workers`), so nobody waits for another here.
    """

    def __init__(self, begin: Callable[[float], Guess], work: Proof) -> None:
        self._begin = begin
        self._work = work
        self._outcome: Proof | None = None
        self._guess = Guess()

    def admit(self, now: float) -> None:
        """Count it as a guess; see `Pending`."""
        if self._outcome is None:
            self._guess = self._begin(now)

    def take_guess(self) -> Guess:
        """Return the guess that it counts as until the verdict, once."""
        guess, self._guess = self._guess, Guess()
        return guess

    def do(self) -> str:
        """Do it, or return what it returned before."""
        if self._outcome is None:
            try:
                proof = self._work()
            except ProtocolError as error:
                self._outcome = partial(_raise, error)
            else:
                self._outcome = lambda: proof
        return self._outcome()


def _raise(error: ProtocolError) -> str:
    raise error
