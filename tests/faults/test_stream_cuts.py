"""Streams whose connections break and whose packets are lost: what was taken arrives once and in order (STR-05)."""

import asyncio
import random
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from conformance import wire
from conformance.relays import OwnRelay
from conformance.tls import Authority
from faults.conftest import Chance
from faults.networks import own_network
from faults.relays import StartRelay
from faults.streamers import CuttingProxy, Streamer

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("STR-05")]

NAMES = ["ann", "bob", "cid", "dee", "eve"]
NEEDS = pytest.mark.needs("nftables")
WORDS = 200
"""That each says."""
CUTS = 50
PAUSE_SECONDS = 0.02


@pytest.fixture
def own_loopback() -> Iterator[None]:
    with own_network([]):
        yield


@pytest.mark.needs("namespaces")
@pytest.mark.usefixtures("own_loopback")
@pytest.mark.parametrize(
    ("loop", "loss_percent"),
    [
        ("uvloop", 0),
        ("asyncio", 0),
        *(pytest.param(loop, loss, marks=NEEDS) for loop, loss in (("uvloop", 1), ("asyncio", 5), ("uvloop", 20))),
    ],
)
def test_every_taken_word_arrives_once_and_in_order_through_fifty_cuts(
    start_relay: StartRelay, chance: Chance, tmp_path: Path, loss_percent: int
) -> None:
    authority = Authority(tmp_path)
    settings = {f"RELAY_{name.upper()}": value for name, value in authority.settings.items()}
    own = start_relay(**settings, RELAY_MESSAGE_RATE="0", RELAY_BYTE_RATE="0", RELAY_JOIN_RATE="0")
    with losing(loss_percent):
        asyncio.run(chat(own, authority, chance, loss_percent))


async def chat(own: OwnRelay, authority: Authority, chance: random.Random, loss_percent: int) -> None:
    async with CuttingProxy(own.relay).running() as proxy, AsyncExitStack() as stack:
        people = [Streamer(b"tea", name, proxy.port, authority.context()) for name in NAMES]
        for person in people:
            await stack.enter_async_context(person.there(wire.CREATE if person is people[0] else wire.JOIN))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(cut(proxy, chance))
            for person in people:
                tasks.create_task(speak(person))
        for person in people:
            await person.until(lambda person=person: person.is_answered)
        for person in people:
            await person.until(lambda person=person: knows_all(person, people))
        resumes = sorted(seconds for person in people for seconds in person.resumes)
        gone = sum(map(len, (each for person in people for each in person.gone)))
        print(
            f"{loss_percent} % lost, {len(resumes)} resumes: median {resumes[len(resumes) // 2] * 1000:.0f} ms, "
            f"p99 {resumes[int(len(resumes) * 0.99)] * 1000:.0f} ms; {gone} entries gone"
        )
        for person in people:
            check(person, people)
        private = [token for person in people for token in person.tokens] + [b"ann 1", b"bob 100"]
        assert [each for each in private if each in proxy.passed] == []


async def speak(person: Streamer) -> None:
    for number in range(WORDS):
        await person.say(f"{person.name} {number}")
        await asyncio.sleep(PAUSE_SECONDS)


async def cut(proxy: CuttingProxy, chance: random.Random) -> None:
    for _ in range(CUTS):
        await asyncio.sleep(chance.uniform(0, 2 * WORDS * PAUSE_SECONDS / CUTS))
        proxy.cut(chance)


def expected(person: Streamer, people: list[Streamer]) -> set[str]:
    return {text for other in people if other is not person for text in other.took.values()}


def knows_all(person: Streamer, people: list[Streamer]) -> bool:
    return bool(person.gone) or {text for _, text in person.heard} >= expected(person, people)


def check(person: Streamer, people: list[Streamer]) -> None:
    """Check that a person heard every taken word once, each speaker's in order, but for what it was told is gone."""
    texts = [text for _, text in person.heard]
    assert len(set(texts)) == len(texts), f"{person.name} heard something twice"
    missing = expected(person, people) - set(texts)
    assert len(missing) <= sum(map(len, person.gone)), f"{person.name} misses {missing}, gone: {person.gone}"
    for other in people:
        own = [int(text.split()[1]) for text in texts if text.startswith(other.name)]
        assert own == sorted(own), f"{person.name} heard {other.name} out of order"


@contextmanager
def losing(percent: int) -> Iterator[None]:
    """Let the network lose so many of a hundred packets, as they come in."""
    if percent:
        nft("add table inet loss\nadd chain inet loss input { type filter hook input priority 0; }")
        nft(f"add rule inet loss input numgen random mod 100 < {percent} drop")
    try:
        yield
    finally:
        if percent:
            nft("delete table inet loss")


def nft(rules: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
