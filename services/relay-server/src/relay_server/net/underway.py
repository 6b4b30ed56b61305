"""What a request waits for until it is decided: a password's work, a time, or the directory of a cluster."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Protocol, TypeAlias

from chatproto import ProtocolError
from relay_server.answers import Answer, Carried, Consulting, Granted, Pending, Waiting
from relay_server.net.workers import Workers

Decision: TypeAlias = Granted | Carried | bytes
"""What becomes of a request in the end (see `answers`)."""


class Port(Protocol):
    """Where requests come in."""

    @property
    def clock(self) -> Callable[[], float]:
        """Return what tells the time."""
        ...

    @property
    def workers(self) -> Workers:
        """Return who does work aside."""
        ...

    @property
    def flush(self) -> Callable[[], None]:
        """Return what sends what waits for people."""
        ...


class UnderWay:
    """A request that is under way; whoever it is decided for hears of it once, unless it is forgotten before."""

    __slots__ = ("_be_patient", "_decide", "_network", "_port", "_undo", "_work")

    def __init__(
        self, port: Port, network: bytes, decide: Callable[[Decision], None], be_patient: Callable[[], None]
    ) -> None:
        """``be_patient`` is called when the decision may take longer than others (PWD-04)."""
        self._port = port
        self._network = network
        self._decide = decide
        self._be_patient = be_patient
        self._undo: Callable[[], None] | None = None
        self._work: Future[str] | asyncio.TimerHandle | None = None

    def take(self, answer: Answer) -> None:
        """Begin what this answer says is to be done first, or decide by it."""
        port = self._port
        if isinstance(answer, Pending):
            self._work = port.workers.submit(
                self._network, answer.work, partial(self._worked, answer), lambda: answer.admit(port.clock())
            )
        elif isinstance(answer, Waiting):
            port.flush()  # somebody is asked meanwhile
            if answer.for_check:
                self._be_patient()
            self._undo = answer.undo
            delay = answer.until - port.clock()
            self._work = asyncio.get_running_loop().call_later(delay, self._go_on, answer)
        elif isinstance(answer, Consulting):
            self._consult(answer)
        else:
            self._decide(answer)

    def forget(self) -> None:
        """Take it that nobody waits for the decision any more."""
        if self._work:
            self._work.cancel()
            self._work = None
        if self._undo:
            self._undo()
            self._undo = None

    def _go_on(self, waiting: Waiting) -> None:
        self._work = self._undo = None
        self.take(waiting.finish(self._port.clock()))

    def _worked(self, pending: Pending, work: Future[str]) -> None:
        if self._work is work:  # else nobody waits for it any more
            self._work = None
            self.take(pending.finish(work.result, self._port.clock()))

    def _consult(self, consulting: Consulting) -> None:
        work: Future[str] = Future()
        self._work = work

        def told(error: ProtocolError | None) -> None:
            if self._work is work:
                self._work = None
                self.take(consulting.finish(error, self._port.clock()))
            elif error is None:  # nobody waits for it any more
                consulting.undo()

        consulting.ask(told)
