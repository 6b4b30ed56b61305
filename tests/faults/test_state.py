"""Attacks on the state that a relay keeps on disk (threat N15): it is killed while it writes, again and again."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import Member
from e2e.relay_metrics import await_metrics
from e2e.restarting import StayingRelay
from faults.conftest import Chance

ROUNDS = 25
JOINERS = 4
ROOM = b"tea"


class Told:
    """Members who were told that they are in."""

    def __init__(self, staying: StayingRelay) -> None:
        self._staying = staying
        self._lock = threading.Lock()
        self.members: list[Member] = []

    def come(self, name: str) -> None:
        """Join; somebody who was told all of it is in."""
        operation = wire.JOIN if self.members else wire.CREATE
        member = Member(self._staying.relay, operation, ROOM, name.encode())
        with self._lock:
            self.members.append(member)

    @contextmanager
    def coming(self, prefix: str) -> Iterator[None]:
        """Let many join while the context lasts, and whatever becomes of the relay."""
        ended = threading.Event()

        def keep_coming(number: int) -> None:
            count = 0
            with suppress(OSError, AssertionError):  # it is killed
                while not ended.is_set():
                    count += 1
                    self.come(f"{prefix} {number} {count}")

        threads = [threading.Thread(target=keep_coming, args=(number,)) for number in range(JOINERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()


@pytest.mark.timeout(300)
@pytest.mark.requirement("CONT-01")
@pytest.mark.repeated(4)
def test_killed_at_any_time_it_finds_everybody_who_was_told_so(loop: str, tmp_path: Path, chance: Chance) -> None:
    with StayingRelay(tmp_path, RELAY_EVENT_LOOP=loop, RELAY_MAX_MEMBERS_PER_ROOM="0") as staying:
        told = Told(staying)
        told.come("host of all")
        for number in range(ROUNDS):
            with told.coming(f"guest {number}"):
                threading.Event().wait(chance.uniform(0.0, 0.25))  # nothing happens that could be waited for
                staying.end(signal.SIGKILL)
            staying.start()
            assert not (staying.state / "journal.bad").exists()
            for member in told.members:
                member.keep_alive()
            counted = await_metrics(
                staying.now, lambda now: now.value("relay_datagrams_received_total") >= len(told.members)
            )
            assert counted.total("relay_datagrams_dropped_total") == 0
            assert counted.value("relay_members") >= len(told.members)
        assert len(told.members) > ROUNDS
        for member in told.members:
            member.udp.close()
