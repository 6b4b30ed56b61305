"""Pages whose rooms are on another node: their node carries them, for a page can't follow (CLU-04, WEB-02)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from relay_server.core.policy import StreamsAllowed
from relay_server.net.hosts import OwnNames
from relay_server.net.sockets import listen_tcp
from relay_server.web.callers import Callers
from relay_server.web.port import WebPort
from relay_server.web.site import Site
from services.relay_server.net.cluster import Pair, pair
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.stream_peer import close
from services.relay_server.net.test_edge_streams import enter, hear, is_forgotten, say
from services.relay_server.web.web_relay import Page, cut

pytestmark = pytest.mark.requirement("CLU-04", "WEB-02")


@asynccontextmanager
async def at_edge(both: Pair) -> AsyncIterator["Pages"]:
    """Serve pages at the edge."""
    web = WebPort(
        both.edge.tcp, site=Site({}, lambda: None), callers=Callers((), frozenset(), OwnNames()), on_error=print
    )
    sock = listen_tcp("127.0.0.1", 0)
    pages = Pages(f"127.0.0.1:{sock.getsockname()[1]}")
    web.start(sock)
    try:
        yield pages
        await until(lambda: web.open_connections == 0)
    finally:
        await cut(pages.opened)
        web.close()


class Pages:
    """Browsers that come to the edge."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.opened: list[ClientConnection] = []

    async def page(self, name: str, then: dict[str, Any] | None = None) -> Page:
        """Ask to join the room `demo`; ``then`` is said without waiting for the answer."""
        url, origin = f"ws://{self._place}/chat", Origin(f"http://{self._place}")
        page = Page(await connect(url, origin=origin, compression=None, proxy=None, ping_interval=None))
        self.opened.append(page.socket)
        await page.send({"join": {"room": "demo", "name": name, "features": ["notices", "resume", "follow"]}})
        if then:
            await page.send(then)
        page.answer = await page.next()
        return page


@pytest.mark.slow
def test_a_page_is_carried_both_ways(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            ann = await enter(both.home, "ann", create=True)
            bob = await pages.page("bob")
            assert (bob.answer["status"], bob.answer["chat"], bob.answer["features"]) == (
                0,
                "stream",
                ["notices", "resume"],
            )
            assert both.edge.registry.streams.carried == 1
            await bob.say("grüße", 1)
            assert (await bob.until("took"))["took"] == 1
            assert await hear(ann) == "grüße"
            await bob.socket.send('{\n"say":"two lines in one message",\n"n":2}')
            assert (await bob.until("took"))["took"] == 2
            assert await hear(ann) == "two lines in one message"
            for number in range(1, 100):  # more than a link carries in one piece
                await say(ann, f"{number} " + "x" * 3000, number)
            texts = [(await bob.until("text"))["text"].split()[0] for _ in range(1, 100)]
            assert texts == [str(number) for number in range(1, 100)]
            await bob.socket.close()
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    run(scenario)


@pytest.mark.slow
def test_all_that_a_page_says_before_its_farewell_comes_to_the_home(run: Run) -> None:
    count = 300  # who reads them is not too slow yet

    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            ann = await enter(both.home, "ann", create=True)
            bob = await pages.page("bob")
            bob.say_farewell(*[{"say": f"{n} " + "x" * 700, "n": n + 1} for n in range(count)], {"leave": True})
            assert [(await hear(ann)).split()[0] for _ in range(count)] == [str(n) for n in range(count)]
            while (await ann.line()).get("notice") != "member_left":
                pass
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    run(scenario)


@pytest.mark.requirement("CLU-04", "FEAT-04")
def test_a_refusal_of_the_home_comes_as_one_of_the_edge(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            ann = await enter(both.home, "ann", create=True)
            refused = await pages.page("ann")
            assert (refused.answer["reason"], refused.answer["code"]) == ("name_taken", "name_taken")
            assert (await refused.end())[1] == 1000
            refused = await pages.page("server")
            assert refused.answer["code"] == "user_name_reserved"
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    run(scenario)


def test_a_home_that_is_gone_is_told_in_words(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            both.home.close()
            refused = await pages.page("bob")
            assert (refused.answer["reason"], refused.answer["code"]) == ("busy", "node_unreachable")
            assert "can't be reached" in refused.answer["message"]
            await until(lambda: is_forgotten(both.edge))

    run(scenario)


@pytest.mark.slow
def test_a_home_that_goes_ends_the_chat(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            ann = await enter(both.home, "ann", create=True)
            bob = await pages.page("bob")
            assert bob.answer["status"] == 0
            both.home.close()
            await bob.end()
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("WEB-01")
def test_a_page_is_carried_to_a_home_whose_tcp_port_has_no_streams(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            ann = await enter(both.home, "ann", create=True)
            both.home.control._streams = StreamsAllowed.OFF
            bob = await pages.page("bob")
            assert (bob.answer["status"], bob.answer["chat"]) == (0, "stream")
            await bob.say("hello", 1)
            assert await hear(ann) == "hello"
            await bob.socket.close()
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    run(scenario)


def test_a_home_of_an_older_version_that_grants_no_stream_is_told_as_such(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            ann = await enter(both.home, "ann", create=True)
            monkeypatch.setattr(both.home.control, "_allows_stream", lambda _: False)
            refused = await pages.page("bob")
            assert refused.answer["reason"] == "not_supported"
            await until(lambda: is_forgotten(both.edge))
            await until(lambda: len(both.home.registry.rooms[b"demo"].members) == 1)
            close(ann)

    run(scenario)


def test_a_page_that_doesnt_wait_is_told_so(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            ann = await enter(both.home, "ann", create=True)
            refused = await pages.page("bob", then={"say": "hello"})
            assert refused.answer["reason"] in {"malformed", "ok"}  # by when the home answers
            await refused.socket.close()
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    run(scenario)


def test_what_is_no_frame_ends_a_carried_chat_too() -> None:
    async def scenario() -> None:
        async with pair() as both, at_edge(both) as pages:
            ann = await enter(both.home, "ann", create=True)
            bob = await pages.page("bob")
            await bob.socket.send(b"binary")
            last, code = await bob.end()
            assert (last["bye"], code) == ("malformed", 1003)
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    asyncio.run(scenario())
