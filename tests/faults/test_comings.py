"""Somebody who joins and leaves a large room as fast as the limits allow: each time all of its members are told."""

import pytest

from conformance.people import People
from e2e.relay_metrics import await_metrics, scrape
from faults.pair import honest_pair
from faults.relays import StartRelay

MEMBERS, COMINGS = 200, 60


@pytest.mark.timeout(180)
def test_repeated_joins_and_leaves_lose_no_message_of_another_room(start_relay: StartRelay) -> None:
    """Each coming and each going is one notice to each member, and nothing more."""
    relay = start_relay(RELAY_JOIN_RATE="20", RELAY_COMPLETION_PAUSE_SECONDS="0")
    with honest_pair(relay) as pair, People(relay.relay) as people:
        crowd = [people.create(b"large", b"member 0")]
        crowd += [
            people.join(b"large", b"member %d" % number, source=f"127.0.1.{1 + number // 10}")
            for number in range(1, MEMBERS)
        ]
        pair.talk()
        before = scrape(relay).value("relay_notices_sent_total")
        for number in range(COMINGS):
            guest = people.join(b"large", b"guest %d" % number, source="127.0.0.9")
            guest.leave()
            pair.talk()
        told = 2 * COMINGS * len(crowd)
        await_metrics(relay, lambda now: now.value("relay_notices_sent_total") == before + told)
        assert scrape(relay).value("relay_notice_failures_total") == 0
