"""Questions over links: the whole answer or none."""

import asyncio
from collections.abc import Iterator

import pytest

from relay_server.net import links
from relay_server.net.hello import Kind
from relay_server.net.links import LinkError, Links
from services.relay_server.net.loopback import Run
from services.relay_server.net.nodes import KEY, echo_node, node_at

PIECES = [b"x" * 100_000, b"y" * 100_000, b"null\n"]


def test_an_answer_of_many_pieces_comes_whole_and_other_work_has_its_turn(run: Run) -> None:
    async def scenario() -> None:
        turns: list[int] = []

        def answer() -> Iterator[bytes]:
            for number, piece in enumerate(PIECES):
                asyncio.get_running_loop().call_soon(turns.append, number)
                assert len(turns) == number
                yield piece

        async with echo_node() as home:
            home.answers[Kind.ROOMS] = answer
            assert await Links(KEY, "edge").ask(home.node, Kind.ROOMS) == b"".join(PIECES)
            assert await Links(KEY, "edge").ask(home.node, Kind.STATE) == b""
            assert not home.served
            assert home.counters.links_refused == 0

    run(scenario)


def test_an_answer_that_is_cut_is_none(run: Run) -> None:
    async def scenario() -> None:
        async with echo_node() as home:

            def answer() -> Iterator[bytes]:
                yield PIECES[0]
                for link in home.port.links:
                    link.transport.abort()
                yield PIECES[1]

            home.answers[Kind.ROOMS] = answer
            with pytest.raises(OSError, match="whole"):
                await Links(KEY, "edge").ask(home.node, Kind.ROOMS)

    run(scenario)


def test_an_answer_that_is_too_long_is_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_ANSWER_BYTES", 150_000)

    async def scenario() -> None:
        async with echo_node() as home:
            home.answers[Kind.ROOMS] = lambda: iter(PIECES)
            with pytest.raises(LinkError, match="longer than it may be"):
                await Links(KEY, "edge").ask(home.node, Kind.ROOMS)

    run(scenario)


@pytest.mark.parametrize("key", [KEY, b"another key" * 3])
def test_who_isnt_there_or_refuses_is_an_error(run: Run, key: bytes) -> None:
    async def scenario() -> None:
        async with echo_node() as home:
            node = home.node if key != KEY else node_at(home.number, "ab" * 32)
            with pytest.raises(OSError, match=r"."):
                await Links(key, "edge").ask(node, Kind.ROOMS)

    run(scenario)
