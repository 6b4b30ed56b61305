"""Hosts on the relay's own link that vanish: datagrams to them wait in the kernel, in the shared send buffer."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from conformance.people import Member, People
from conformance.relays import OwnRelay, Relay
from docs.markdown import ROOT
from e2e.relay_metrics import await_metrics, scrape
from faults.crowd import Crowd
from faults.links import Link, own_link
from faults.relays import StartRelay
from faults.spoof import entered
from faults.weakened import pause_nobody

pytestmark = [
    pytest.mark.needs("namespaces"),
    pytest.mark.timeout(180),
    pytest.mark.parametrize("loop", ["uvloop"]),
    pytest.mark.parametrize("family", [4, 6]),
]

LIVING, GONE = 4, 30
SUBNET = 136
SMALL_BUFFER_BYTES = 212_992
"""What Linux grants a relay that isn't root, and whose host was not told to grant more."""
KERNELS_OWN_BYTES = 212_992
"""How much waits for one neighbour where nothing is set."""
MESSAGES_A_SECOND = 20.0
FOUND_WITHIN_SECONDS = 20.0
EVICTED_WITHIN_SECONDS = 40.0
ATTACK_SECONDS = 12.0


def test_with_the_shipped_sysctl_no_message_is_lost_and_vanished_members_are_evicted(
    start_relay: StartRelay, family: int
) -> None:
    shipped = (ROOT / "deploy" / "vps" / "60-chat-relay.conf").read_text()
    sizes = {
        int(size)
        for size in re.findall(r"^net\.ipv[46]\.neigh\.default\.unres_qlen_bytes = (\d+)$", shipped, re.MULTILINE)
    }
    with vanished(start_relay, family, waiting_bytes=max(sizes)) as scene:
        relay, living = scene.relay, scene.living
        crowd = Crowd(living)
        crowd.talk_until(
            lambda: scrape(relay).value("relay_members") == LIVING, MESSAGES_A_SECOND, EVICTED_WITHIN_SECONDS
        )
        crowd.check_nothing_lost()
        metrics = scrape(relay)
        assert metrics.value("relay_send_failures_total", reason="buffer_full") == 0
        assert metrics.value("relay_evictions_total", reason="unreachable") == GONE


def test_without_the_sysctl_messages_are_lost_until_the_relay_pauses_vanished_members(
    start_relay: StartRelay, family: int
) -> None:
    with vanished(start_relay, family, waiting_bytes=KERNELS_OWN_BYTES) as scene:
        relay, living = scene.relay, scene.living
        first = Crowd(living)
        first.talk_until(only_the_living_get_copies(relay), MESSAGES_A_SECOND, FOUND_WITHIN_SECONDS)
        assert first.count_lost() > 0  # the control for the setting
        lost = scrape(relay).value("relay_send_failures_total", reason="buffer_full")
        assert lost > 0
        then = Crowd(living)
        then.talk_until(
            lambda: scrape(relay).value("relay_members") == LIVING, MESSAGES_A_SECOND, EVICTED_WITHIN_SECONDS
        )
        then.check_nothing_lost()
        assert scrape(relay).value("relay_send_failures_total", reason="buffer_full") == lost


def test_control_a_relay_without_pauses_keeps_losing_messages(start_relay: StartRelay, family: int) -> None:
    with vanished(start_relay, family, pause_nobody, waiting_bytes=KERNELS_OWN_BYTES) as scene:
        crowd = Crowd(scene.living)
        crowd.talk_until(after_seconds(ATTACK_SECONDS), MESSAGES_A_SECOND)
        assert crowd.count_lost() > crowd.said  # one in three copies, whatever was lost before others would be paused


def test_a_member_that_comes_back_receives_all_later_messages(start_relay: StartRelay, family: int) -> None:
    with vanished(start_relay, family, waiting_bytes=KERNELS_OWN_BYTES) as scene:
        before = Crowd(scene.living)
        before.talk_until(only_the_living_get_copies(scene.relay), MESSAGES_A_SECOND, FOUND_WITHIN_SECONDS)
        scene.bring_back()
        for member in scene.gone:
            member.say(b"here again")
            scene.living[0].receive_until(lambda data: data.endswith(b": here again"))
            scene.living[0].say(b"welcome back, " + member.name)
            member.receive_until(lambda data: data.endswith(b"welcome back, " + member.name))  # noqa: B023
        assert scrape(scene.relay).total("relay_evictions_total") == 0


@dataclass(frozen=True, slots=True)
class Scene:
    """A relay, members who go on talking, those who vanished, and how those have their addresses again."""

    relay: OwnRelay
    living: list[Member]
    gone: list[Member]
    bring_back: Callable[[], None]


@contextmanager
def vanished(
    start_relay: StartRelay, family: int, weakness: Callable[[], None] | None = None, *, waiting_bytes: int
) -> Iterator[Scene]:
    """Have a room with members on the relay's link who have just vanished."""
    with own_link("lan", SUBNET) as link:
        link.keep_waiting(waiting_bytes)
        settings = {"RELAY_RECEIVE_BUFFER_BYTES": str(SMALL_BUFFER_BYTES), "RELAY_COMPLETION_PAUSE_SECONDS": "0"}
        relay = start_relay.inside(link.relay, weakness, **settings)
        with People(relay.relay) as people, People(relay.relay) as neighbours:
            living = [people.create(b"demo", b"living 0")]
            living += [people.join(b"demo", b"living %d" % number) for number in range(1, LIVING)]
            neighbours.relay = on_link(relay, link, family)
            addresses = link.addresses(family, GONE)
            link.appear(addresses)
            with entered(link.others):
                gone = [
                    neighbours.join(b"demo", b"gone %d" % number, source=address)
                    for number, address in enumerate(addresses)
                ]
            await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == LIVING + GONE)
            link.vanish()
            yield Scene(relay, living, gone, lambda: link.appear(addresses))


def on_link(relay: OwnRelay, link: Link, family: int) -> Relay:
    where = relay.relay
    return Relay(link.gateways[family == 6], where.tcp_port, where.udp_port, where.lobby_port)


def only_the_living_get_copies(relay: OwnRelay) -> Callable[[], bool]:
    """Return what tells whether all that was said since it was asked last went to the living, and to nobody else."""
    names = ("relay_fanout_members_count", "relay_fanout_members_sum", "relay_datagrams_sent_total")
    before = scrape(relay)

    def tell() -> bool:
        nonlocal before
        now = scrape(relay)
        said, copies, sent = (now.total(name) - before.total(name) for name in names)
        before = now
        return 0 < said * (LIVING - 1) == copies == sent

    return tell


def after_seconds(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
