"""A service that is killed again and again while members' addresses fail: systemd holds its sockets, it the members."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from conformance.people import People
from e2e.relay_metrics import scrape
from faults.crowd import Crowd, close_abruptly
from relay_service import RelayService, relay_service

pytestmark = [pytest.mark.needs("services"), pytest.mark.timeout(300)]
KILLS = 20
MEMBERS, DEAD = 5, 20
MESSAGES_A_SECOND = 20.0
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


@pytest.mark.repeated(5)
def test_members_of_a_service_that_is_killed_again_and_again_stay(loop: str, tmp_path: Path, figures: Figures) -> None:
    with service(tmp_path, loop) as relay, errors_came(relay) as crowd:
        worst, seconds = 0, []
        lost = crowd.count_lost()
        for kill in range(1, KILLS + 1):
            begun = time.monotonic()
            relay.kill()
            crowd.talk_until(lambda: is_back(relay, kill), MESSAGES_A_SECOND)
            seconds.append(time.monotonic() - begun)
            now = crowd.count_lost()
            worst, lost = max(worst, now - lost), now
            assert worst <= MOST_LOST * MEMBERS
            assert relay.kept == SOCKETS
        assert not [text for heard in crowd.notices.values() for text in heard if b"disconnected: " in text]
        tokens = scrape(relay)
        assert tokens.total("relay_transactions_total") == 0  # nobody has joined since the last kill
    figures(f"{loop}: {KILLS} kills, at most {worst} of {MEMBERS - 1} copies of each message lost by one")
