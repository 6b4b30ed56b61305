"""Streams whose connections break and whose packets are lost: what was taken arrives once and in order (STR-05)."""

import asyncio
import random
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from chatbrain import Delivery, DeliveryState, Message, Missed, Tls, Transport
from chatclient import Connection, create_room, join_room
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


CHATTERS = 10
CUTS_EACH = 5
"""Five of each, which makes fifty."""
APART_SECONDS = (5.5, 7.5)
"""Who is cut again sooner waits before it resumes, and that isn't what is measured."""


class Chatter:
    """Somebody with our own client, whose connection passes a proxy of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.words = 0
        self.heard: list[str] = []
        self.took: set[str] = set()
        self.lost: list[Delivery] = []
        self.missed: list[Missed] = []
        self.resumes: list[float] = []
        """How long it took from each cut until the relay had taken the next word."""
        self.entered, self.may_speak, self.has_spoken = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._cut_at, self._first_after = 0.0, ""

    async def stay(self, own: OwnRelay, ca_file: str, chance: random.Random, progress: asyncio.Event) -> None:
        async with CuttingProxy(own.relay).running() as proxy:
            enter = create_room if self.name == "chatter 0" else join_room
            way = enter(
                "tea", self.name, server=f"127.0.0.1:{proxy.port}", tls=Tls(ca_file=ca_file),
                transport=Transport.STREAM, random=chance.random,
            )  # fmt: skip
            async with way as connection, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(connection, progress))
                self.entered.set()
                await self.may_speak.wait()
                await self._speak_and_be_cut(connection, proxy, chance)
                self.has_spoken.set()

    async def _speak_and_be_cut(self, connection: Connection, proxy: CuttingProxy, chance: random.Random) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(CUTS_EACH):
            until = loop.time() + chance.uniform(*APART_SECONDS)
            while loop.time() < until:
                self._say(connection)
                await asyncio.sleep(0.1)
            proxy.cut(chance)
            self._cut_at = loop.time()
            self._first_after = self._say(connection)

    def _say(self, connection: Connection) -> str:
        self.words += 1
        text = f"{self.name} {self.words}"
        assert connection.say(text)
        return text

    def knows_all_of(self, chatters: list["Chatter"]) -> bool:
        """Tell whether it heard all that the others said, and all that it said was taken."""
        return len(self.took) == self.words and set(self.heard) >= heard_by(self, chatters)

    async def _listen(self, connection: Connection, progress: asyncio.Event) -> None:
        async for event in connection:
            progress.set()
            match event:
                case Message(text=text):
                    self.heard.append(text)
                case Delivery(state=DeliveryState.TAKEN, text=text):
                    self.took.add(text)
                    if text == self._first_after:
                        self.resumes.append(asyncio.get_running_loop().time() - self._cut_at)
                case Delivery(state=DeliveryState.NOT_DELIVERED):
                    self.lost.append(event)
                case Missed():
                    self.missed.append(event)


@NEEDS
@pytest.mark.needs("namespaces")
@pytest.mark.usefixtures("own_loopback")
@pytest.mark.parametrize("loop", ["uvloop"])
def test_our_clients_come_back_at_once_and_lose_nothing(
    start_relay: StartRelay, chance: Chance, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    settings = {f"RELAY_{name.upper()}": value for name, value in authority.settings.items()}
    ca_file = tmp_path / "authority.pem"
    authority.ca.cert_pem.write_to_path(ca_file)
    own = start_relay(**settings)
    with losing(1, but_at=own.relay.tcp_port):
        asyncio.run(chat_by_our_clients(own, str(ca_file), chance))


async def chat_by_our_clients(own: OwnRelay, ca_file: str, chance: random.Random) -> None:
    progress = asyncio.Event()
    chatters = [Chatter(f"chatter {number}") for number in range(CHATTERS)]
    tasks = []
    for chatter in chatters:
        tasks.append(asyncio.create_task(chatter.stay(own, ca_file, chance, progress)))
        await chatter.entered.wait()
    for chatter in chatters:
        chatter.may_speak.set()
    for chatter in chatters:
        await chatter.has_spoken.wait()
    async with asyncio.timeout(30):
        while not all(chatter.missed or chatter.knows_all_of(chatters) for chatter in chatters):
            progress.clear()
            await progress.wait()
    resumes = sorted(seconds for chatter in chatters for seconds in chatter.resumes)
    print(
        f"1 % lost, {len(resumes)} resumes: median {resumes[len(resumes) // 2] * 1000:.0f} ms, "
        f"p99 {resumes[int(len(resumes) * 0.99)] * 1000:.0f} ms"
    )
    for chatter in chatters:
        assert not chatter.lost
        assert not chatter.missed
        assert len(set(chatter.heard)) == len(chatter.heard), f"{chatter.name} heard something twice"
        assert set(chatter.heard) == heard_by(chatter, chatters)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def heard_by(chatter: Chatter, chatters: list[Chatter]) -> set[str]:
    return {text for other in chatters if other is not chatter for text in other.took}


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
def losing(percent: int, but_at: int = 0) -> Iterator[None]:
    """Let the network lose so many of a hundred packets as they come in, but at this port."""
    if percent:
        nft("add table inet loss\nadd chain inet loss input { type filter hook input priority 0; }")
        spared = f"tcp dport != {but_at} tcp sport != {but_at}"
        nft(f"add rule inet loss input {spared} numgen random mod 100 < {percent} drop")
    try:
        yield
    finally:
        if percent:
            nft("delete table inet loss")


def nft(rules: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
