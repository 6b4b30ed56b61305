"""A service that is killed again and again while members' addresses fail: systemd holds its sockets, it the members."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Thread

import pytest

from conformance.people import People
from e2e.relay_metrics import scrape
from faults.crowd import Crowd, close_abruptly
from relay_service import RelayService, relay_service

pytestmark = [pytest.mark.needs("services"), pytest.mark.timeout(300)]
KILLS = 20
MEMBERS, DEAD = 5, 20
MESSAGES_A_SECOND = 50.0
ERRORS = 100
MOST_LOST = 20
"""Of each kill, to each member: what the relay had read and not sent on yet."""
SOCKETS = 4
FORGETFUL = """
from relay_server.net import supervisor
send = supervisor._send
supervisor._send = lambda words, *others: send(words.replace("\\nFDPOLL=0", ""), *others)
"""

Figures = Callable[[str], None]


@contextmanager
def errors_came(service: RelayService) -> Iterator[Crowd]:
    """Have members who talk, after the kernel has noted many errors on the relay's socket, for the ports of others."""
    with People(service.relay) as people:
        living = [people.create(b"demo", b"living 0")]
        living += [people.join(b"demo", b"living %d" % number) for number in range(1, MEMBERS)]
        dead = [people.join(b"demo", b"dead %d" % number) for number in range(DEAD)]
        crowd = Crowd(living)
        close_abruptly(dead)
        count = ERRORS // DEAD
        crowd.talk_until(lambda: crowd.said == count, MESSAGES_A_SECOND)
        crowd.check_nothing_lost()
        assert scrape(service).total("relay_datagrams_accepted_total") >= MEMBERS + DEAD + count
        yield crowd


@contextmanager
def started(folder: Path, loop: str, first: str = "") -> Iterator[RelayService]:
    """Have the service run; ``first`` is code that its program runs before all else."""
    with relay_service(folder, RELAY_EVENT_LOOP=loop) as service:
        service.put_version("one", first)
        service.systemctl("start")
        yield service


@pytest.mark.repeated(5)
def test_members_of_a_service_that_is_killed_again_and_again_stay(loop: str, tmp_path: Path, figures: Figures) -> None:
    losses: list[int] = []
    seconds: list[float] = []
    with started(tmp_path / "systemd", loop) as service, errors_came(service) as crowd:
        for kill in range(1, KILLS + 1):
            before, begun = sum(losses), time.monotonic()
            service.kill()
            coming = Thread(target=service.await_restart, args=[kill])
            coming.start()
            crowd.talk_until(lambda: not coming.is_alive(), MESSAGES_A_SECOND)  # noqa: B023
            seconds.append(time.monotonic() - begun)
            losses.append(crowd.count_lost() - before)
            assert losses[-1] <= MOST_LOST * (MEMBERS - 1)
            assert service.has_restarted(kill)
            assert service.kept == SOCKETS
        assert not [text for heard in crowd.notices.values() for text in heard if b"disconnected: " in text]
        assert scrape(service).total("relay_transactions_total") == 0  # nobody joined since the last kill
        messages = crowd.said
    figures(
        f"{KILLS} kills, {messages} messages: {sum(losses)} of {messages * (MEMBERS - 1)} copies lost, at most "
        f"{max(losses)} by one kill; away for {min(seconds):.1f} to {max(seconds):.1f} s, median {median(seconds):.1f}"
    )


def test_control_a_supervisor_that_watches_the_sockets_drops_them(loop: str, tmp_path: Path) -> None:
    """By default systemd closes what it keeps as soon as there is an error: what was said meanwhile is lost."""
    with started(tmp_path / "systemd", loop, FORGETFUL) as service, errors_came(service):
        service.await_that(lambda: service.kept < SOCKETS)
