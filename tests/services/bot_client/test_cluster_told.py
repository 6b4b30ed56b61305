"""What the show of a cluster tells of what happens; the nodes here are only named, the show itself is in tests/e2e."""

import asyncio
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from rich.console import Console

from bot_client.cluster import _Show
from bot_client.happenings import Entered, Happening, Lost, Spoken, WentAlong
from bot_client.metrics import BotMetrics
from bot_client.nodes import Node, sites
from bot_client.scenario import load_scenario
from bot_client.settings import Settings

if TYPE_CHECKING:
    from bot_client.processes import Child

PLACES = sites(9010)
OSLO, KYOTO, LIMA = (place.address for place in PLACES)
ROOM = "harbour"


class Relay:
    killed = 0

    async def kill(self) -> None:
        self.killed += 1


class Case:
    def __init__(self) -> None:
        self.relays = [Relay() for _ in PLACES]
        nodes = [Node(place, cast("Child", relay)) for place, relay in zip(PLACES, self.relays, strict=True)]
        settings = Settings.load({"speed": 100.0})
        self.metrics, self.file = BotMetrics(), io.StringIO()
        console = Console(file=self.file, width=200)
        self.show = _Show(load_scenario("cluster", settings), settings, self.metrics, console, nodes)
        self.first, self.second, self.third, *_ = list(self.show._doors)

    def told(self) -> list[str]:
        """Return what was told since it was asked last, without the time."""
        said = [re.sub(r"^\S+ ", "", line) for line in self.file.getvalue().splitlines()]
        self.file.seek(0)
        self.file.truncate()
        return said

    def happen(self, *happenings: Happening) -> None:
        for happening in happenings:
            self.show._observe(happening)

    def enter(self) -> None:
        """Have three people come in, each by another door, in a room whose home is the first node."""
        for who, server in ((self.first, OSLO), (self.second, KYOTO), (self.third, LIMA)):
            self.happen(Entered(ROOM, who, host=who == self.first, server=server))
        self.show._whereabouts.find_home(["oslo"])


def play(scenario: Callable[[Case], object]) -> None:
    async def run() -> None:
        result = scenario(Case())
        if asyncio.iscoroutine(result):
            await result

    asyncio.run(run())


def test_what_somebody_does_is_told_at_the_node_where_it_is() -> None:
    def scenario(case: Case) -> None:
        assert case.metrics.tally is case.show._ledger.tally
        case.happen(Spoken(ROOM, case.second, "hello"))
        assert case.told() == [f"[kyoto] {case.second}: hello"], "the door that it comes by"
        case.enter()
        case.told()
        case.happen(WentAlong(ROOM, case.second, LIMA), Spoken(ROOM, case.second, "hello"))
        assert case.told() == [f"[lima] * {case.second} is at {LIMA} now", f"[lima] {case.second}: hello"]

    play(scenario)


def test_the_home_is_killed_and_each_who_is_back_is_told_once() -> None:
    async def scenario(case: Case) -> None:
        case.enter()
        case.told()
        await case.show._kill()
        assert [relay.killed for relay in case.relays] == [1, 0, 0]
        assert case.told() == ["[oslo] * ✖ oslo, the home of the room with 3 people in it, is killed (SIGKILL)"]
        case.happen(Lost(ROOM, case.first, None, "gone"))
        assert case.show._whereabouts.away == {case.first}
        case.happen(WentAlong(ROOM, case.first, KYOTO))
        (back,) = case.told()
        assert re.fullmatch(rf"\[kyoto\] \* {case.first} is back, \d\.\d\d s after the kill", back)
        case.happen(WentAlong(ROOM, case.first, LIMA))
        assert case.told() == [], "one line says it for all"
        assert case.show._failures(stopped=True) == []
        assert case.show._failures(stopped=False) == [
            *sorted(f"{who} didn't come back." for who in (case.second, case.third)),
            "No node took over the room of oslo.",
        ]
        case.happen(
            Entered(ROOM, case.second, host=False, server=LIMA), Entered(ROOM, case.third, host=False, server=LIMA)
        )
        case.show._whereabouts.find_home(["oslo", "lima"])
        assert case.show._failures(stopped=False) == []
        case.told()
        case.show._console.print(case.show._summary())
        killed, home, people, said, delivered = case.told()
        assert (killed.strip(), home.split()) == ("oslo, the home of the room", ["home", "lima"])
        assert "3 of 3, after" in people
        assert said.split()[:3] == ["0", "messages", "in"]
        assert delivered.split() == ["0", "copies;", "0", "lost,", "0", "duplicated"]

    play(scenario)


def test_without_a_home_the_first_node_is_killed_and_nobody_is_back() -> None:
    async def scenario(case: Case) -> None:
        await case.show._kill()
        assert [relay.killed for relay in case.relays] == [1, 0, 0]
        case.told()
        case.show._console.print(case.show._summary())
        summary = "\n".join(case.told())
        assert re.search(r"home +none", summary)
        assert "nobody" in summary

    play(scenario)


def test_the_introduction_says_who_is_where_and_when_it_ends() -> None:
    def scenario(case: Case) -> None:
        text = str(case.show._introduction())
        assert f"oslo ({OSLO}), kyoto ({KYOTO}), lima ({LIMA})" in text
        assert text.startswith(f"{len(case.show._doors)} people (bots)")
        assert "After 0 s the node that holds the room is killed." in text

    play(scenario)
