"""The show of a cluster: bots chat in one room on three nodes, the node that holds it is killed, and they come back."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from statistics import median
from typing import Final

from rich.box import ROUNDED
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot_client.board import board
from bot_client.happenings import Entered, Happening, Lost, WentAlong
from bot_client.metrics import BotMetrics, read_relay_figures
from bot_client.nodes import Node, cluster
from bot_client.performance import Performance
from bot_client.processes import fetch
from bot_client.scenario import Scenario, load_scenario
from bot_client.settings import Settings
from bot_client.view import View
from bot_client.whereabouts import StrictLedger, Whereabouts
from chatclient import Transport

KILL_SECONDS: Final = 10.0
"""When the home is killed, after the start of the show."""

_STATUS_SECONDS: Final = 0.1
_HOME_SECONDS: Final = 0.2
"""How often to ask the nodes which of them holds the room."""


async def run_cluster(
    settings: Settings, metrics: BotMetrics, console: Console, stop: asyncio.Event, first_port: int
) -> int:
    """Play the show on three nodes that are started for it; returns the exit code.

    Raises:
        SettingsError: a port is in use, or something isn't installed.
        StartError: a program couldn't be started.

    """
    scenario = load_scenario("cluster", settings)
    async with cluster(first_port) as nodes:
        return await _Show(scenario, settings, metrics, console, nodes).run(stop)


class _Show:
    def __init__(
        self, scenario: Scenario, settings: Settings, metrics: BotMetrics, console: Console, nodes: Sequence[Node]
    ) -> None:
        self._scenario = scenario
        self._settings = settings
        self._console = console
        self._nodes = nodes
        self._whereabouts = Whereabouts({node.site.address: node.name for node in nodes})
        self._ledger = StrictLedger(settings.loss_timeout_seconds, metrics.observe_latency)
        metrics.tally = self._ledger.tally
        self._doors = {bot.name: nodes[number % len(nodes)].name for number, bot in enumerate(scenario.bots)}
        places = [node.name for node in nodes]
        self._view = View(console, lambda: time.strftime("%H:%M:%S"), places, self._doors, self._place)
        self._parts = [self._part(node) for node in nodes]

    async def run(self, stop: asyncio.Event) -> int:
        self._console.print(self._introduction(), soft_wrap=not self._console.is_terminal)
        with self._view:
            watching = [asyncio.create_task(each()) for each in (self._show_status, self._watch_homes, self._kill)]
            try:
                async with asyncio.TaskGroup() as group:
                    for part in self._parts:
                        group.create_task(self._play(part, stop))
            finally:
                await asyncio.gather(*(part.close() for part in self._parts))
                for task in watching:
                    task.cancel()
                await asyncio.wait(watching)
        for task in watching:
            with suppress(asyncio.CancelledError):
                task.result()
        self._console.print(self._summary())
        failures = self._failures(stopped=stop.is_set())
        for failure in failures:
            print(failure, file=sys.stderr)
        return 1 if failures else 0

    def _part(self, node: Node) -> Performance:
        """Let the bots whose door this node is join here."""
        bots = [bot for bot in self._scenario.bots if self._doors[bot.name] == node.name]
        here = {"server": node.site.address, "transport": Transport.STREAM}
        in_plain = {"tls": False, "tls_fingerprint": "", "tls_ca_file": ""}
        return Performance(
            self._scenario.model_copy(update={"bots": bots}),
            self._settings.model_copy(update=here | in_plain),
            self._ledger,
            self._observe,
            node.name,
        )

    async def _play(self, part: Performance, stop: asyncio.Event) -> None:
        await part.play(stop)
        if part.failures:
            stop.set()

    def _observe(self, happening: Happening) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(happening, Entered | WentAlong):
            seconds = self._whereabouts.enter(happening.who, happening.server, now)
            if seconds is not None:
                text = f"{happening.who} is back, {seconds:.2f} s after the kill"
                self._view.announce(self._place(happening), text, "bold green")
                return
        elif isinstance(happening, Lost):
            self._whereabouts.lose(happening.who)
        if not (self._whereabouts.killed and isinstance(happening, Lost | WentAlong)):  # one line says it for all
            self._view.show(happening)

    def _place(self, happening: Happening) -> str:
        return self._whereabouts.node_of.get(happening.who, self._doors[happening.who])

    async def _kill(self) -> None:
        await asyncio.sleep(KILL_SECONDS / self._settings.speed)
        home = next((node for node in self._nodes if node.name == self._whereabouts.home), self._nodes[0])
        people = len(self._whereabouts.node_of)
        text = f"✖ {home.name}, the home of the room with {people} people in it, is killed (SIGKILL)"
        self._view.announce(home.name, text, "bold red")
        self._whereabouts.kill(home.name, asyncio.get_running_loop().time())
        await home.relay.kill()

    async def _watch_homes(self) -> None:
        while True:
            holders = [node.name for node in self._nodes if await self._holds_a_room(node)]
            if self._whereabouts.find_home(holders):
                home = self._whereabouts.home
                self._view.announce(home, f"{home} is the room's home", "bold cyan")
            await asyncio.sleep(_HOME_SECONDS)

    async def _holds_a_room(self, node: Node) -> bool:
        with suppress(OSError, ValueError):  # a node that was killed holds none
            return read_relay_figures(await asyncio.to_thread(fetch, node.site.ports.metrics_url)).rooms > 0
        return False

    async def _show_status(self) -> None:
        places = [node.site for node in self._nodes]
        part = self._parts[0]
        while True:
            now = asyncio.get_running_loop().time()
            self._view.show_below(
                board(
                    places,
                    self._whereabouts,
                    self._ledger.tally,
                    now,
                    elapsed_seconds=part.elapsed_seconds,
                    total_seconds=part.limit_seconds,
                )
            )
            await asyncio.sleep(_STATUS_SECONDS)

    def _failures(self, *, stopped: bool) -> list[str]:
        failures = [failure for part in self._parts for failure in part.failures]
        if not stopped:
            failures += [
                f"{who} didn't come back." for who in sorted(self._whereabouts.away | self._whereabouts.cut_off)
            ]
            if not self._whereabouts.home:
                failures.append(f"No node took over the room of {self._whereabouts.killed}.")
        return failures

    def _introduction(self) -> Panel | Text:
        count = len(self._scenario.bots)
        where = ", ".join(f"{node.name} ({node.site.address})" for node in self._nodes)
        limit = self._parts[0].limit_seconds
        text = Text(
            f"{count} people (bots) chat in one room of a cluster: {where}.\n"
            f"After {KILL_SECONDS / self._settings.speed:.0f} s the node that holds the room is killed. "
            f"It ends by itself after {limit:.0f} s, or with Ctrl-C."
        )
        if not self._console.is_terminal:
            return text
        return Panel(text, title="[bold]Online Chat Messenger", box=ROUNDED, border_style="cyan", expand=False)

    def _summary(self) -> Panel | Table:
        whereabouts, tally = self._whereabouts, self._ledger.tally
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        if whereabouts.killed:
            table.add_row("killed", f"{whereabouts.killed}, the home of the room")
            table.add_row("new home", whereabouts.home or "none")
            table.add_row("back", self._back())
        table.add_row("said", f"{tally.sent} messages in {self._parts[0].elapsed_seconds:.0f} s; {tally.taken} taken")
        table.add_row("delivered", f"{tally.delivered} copies; {tally.lost} lost, {tally.duplicated} duplicated")
        if not self._console.is_terminal:
            return table
        return Panel(table, title="[bold]What you saw", box=ROUNDED, border_style="cyan", expand=False)

    def _back(self) -> str:
        times = self._whereabouts.away_seconds.values()
        if not times:
            return "nobody"
        everybody = len(self._whereabouts.node_of)
        return f"{len(times)} of {everybody}, after {median(times):.2f} s (median), {max(times):.2f} s (the last)"
