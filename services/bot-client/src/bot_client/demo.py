"""The demo: people (bots) chat through a real relay for half a minute, and one sees what a relay does."""

import asyncio
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from math import isinf
from typing import Final

from rich.box import ROUNDED
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot_client.ledger import Ledger
from bot_client.metrics import BotMetrics, RelayFigures, read_relay_figures
from bot_client.performance import Performance
from bot_client.processes import fetch
from bot_client.relay_process import relay_process
from bot_client.report import counted, span
from bot_client.scenario import Scenario, load_scenario
from bot_client.settings import Settings
from bot_client.view import Figures, View

SILENCE_SECONDS: Final = 10.0
"""The relay's silence time-out in the demo: an eviction within a show of half a minute."""

_STATUS_SECONDS: Final = 0.25
_FIGURES_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Gauge:
    """The relay's newest figures, and the rates between the last two."""

    figures: RelayFigures | None = None
    rate_in: float = 0.0
    rate_out: float = 0.0
    taken_at: float = 0.0

    def take(self, figures: RelayFigures, now: float) -> None:
        if self.figures and now > self.taken_at:
            span_seconds = now - self.taken_at
            self.rate_in = (figures.datagrams_received - self.figures.datagrams_received) / span_seconds
            self.rate_out = (figures.datagrams_sent - self.figures.datagrams_sent) / span_seconds
        self.figures, self.taken_at = figures, now


async def run_demo(settings: Settings, metrics: BotMetrics, console: Console, stop: asyncio.Event) -> int:
    """Play the demo on a relay of its own, or on the one that is set; returns the exit code.

    Raises:
        StartError: no relay could be started.

    """
    scenario = load_scenario("demo", settings)
    async with AsyncExitStack() as stack:
        process_id, metrics_url = f" {settings.id or f'{time.time_ns() % 46656:x}'}", ""
        if "server" not in settings.model_fields_set:
            silence = {"RELAY_SILENCE_TIMEOUT_SECONDS": str(SILENCE_SECONDS / settings.speed)}
            ports = await stack.enter_async_context(relay_process(silence | {"RELAY_LOG_LEVEL": "error"}))
            here = {"server": f"127.0.0.1:{ports.tcp}", "lobby_port": ports.lobby}
            in_plain = {"tls": False, "tls_fingerprint": "", "tls_ca_file": ""}
            settings = settings.model_copy(update=here | in_plain)
            process_id, metrics_url = "", ports.metrics_url
        return await _Demo(scenario, settings, metrics, console, process_id, metrics_url).run(stop)


class _Demo:
    def __init__(
        self,
        scenario: Scenario,
        settings: Settings,
        metrics: BotMetrics,
        console: Console,
        process_id: str,
        metrics_url: str,
    ) -> None:
        self._settings = settings
        self._console = console
        self._metrics_url = metrics_url
        self._gauge = _Gauge()
        self._scenario = scenario
        self._ledger = Ledger(settings.loss_timeout_seconds, metrics.observe_latency)
        metrics.tally = self._ledger.tally
        chats = [*(room.replace("{id}", process_id) for room in scenario.rooms), None]
        names = [bot.name for bot in scenario.bots]
        self._view = View(console, lambda: time.strftime("%H:%M:%S"), chats, names)
        self._performance = Performance(scenario, settings, self._ledger, self._view.show, process_id)

    async def run(self, stop: asyncio.Event) -> int:
        self._console.print(self._introduction())
        with self._view:
            watching = [asyncio.create_task(self._show_status()), asyncio.create_task(self._watch_relay())]
            try:
                await self._performance.play(stop)
                await self._read_relay()  # before all leave, which isn't part of the show
            finally:
                await self._performance.close()
                for task in watching:
                    task.cancel()
                await asyncio.wait(watching)
        for task in watching:
            with suppress(asyncio.CancelledError):
                task.result()
        self._console.print(self._summary())
        for failure in self._performance.failures:
            print(failure, file=sys.stderr)
        return 1 if self._performance.failures else 0

    async def _show_status(self) -> None:
        while True:
            figures = self._gauge.figures
            limit = self._performance.limit_seconds
            elapsed = self._performance.elapsed_seconds
            tally = self._ledger.tally
            self._view.status(
                Figures(
                    rooms=figures.rooms if figures else self._ledger.rooms,
                    members=figures.members if figures else tally.members,
                    lobby=figures.lobby_clients if figures else None,
                    datagrams_in=self._gauge.rate_in,
                    datagrams_out=self._gauge.rate_out,
                    evictions=sum(figures.evictions.values()) if figures else tally.evictions.total(),
                    elapsed_seconds=elapsed,
                    total_seconds=elapsed if isinf(limit) else limit,
                )
            )
            await asyncio.sleep(_STATUS_SECONDS)

    async def _watch_relay(self) -> None:
        while self._metrics_url:
            await self._read_relay()
            await asyncio.sleep(_FIGURES_SECONDS)

    async def _read_relay(self) -> None:
        if not self._metrics_url:
            return
        with suppress(OSError, ValueError):  # the next second's figures do as well
            text = await asyncio.to_thread(fetch, self._metrics_url)
            self._gauge.take(read_relay_figures(text), asyncio.get_running_loop().time())

    def _introduction(self) -> Panel | Text:
        relay = "a relay started just for this" if self._metrics_url else "the relay"
        where = f"{relay} on {self._settings.server}"
        limit = self._performance.limit_seconds
        first = f"{len(self._scenario.bots)} people (bots) chat through {where}."
        second = f"Two rooms and the lobby; it ends by itself after {limit:.0f} s, or with Ctrl-C."
        text = Text(f"{first}\n{second}")
        if not self._console.is_terminal:
            return text
        return Panel(text, title="[bold]Online Chat Messenger", box=ROUNDED, border_style="cyan", expand=False)

    def _summary(self) -> Panel | Table:
        tally, figures = self._ledger.tally, self._gauge.figures
        percentiles = self._ledger.percentiles()
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        table.add_row("said", f"{tally.sent} messages in {self._performance.elapsed_seconds:.0f} s")
        table.add_row("delivered", f"{tally.delivered} copies; {tally.lost} lost, {tally.duplicated} duplicated")
        if percentiles:
            table.add_row("latency", f"{span(percentiles[0])} (median), {span(percentiles[1])} (99 of 100)")
        table.add_row("refused", counted({name: n for name, n in tally.joins.items() if name != "ok"}))
        table.add_row("evicted", counted(figures.evictions if figures else tally.evictions))
        if figures:
            table.add_row("rooms closed", counted(figures.rooms_closed))
        if not self._console.is_terminal:
            return table
        table.add_row("", "")
        start = Text("make run", style="bold")
        table.add_row("your turn", start.append(" starts a relay; then, in two other terminals:", "not bold dim"))
        table.add_row("", Text(".venv/bin/chat create tea --name Ann", style="bold"))
        table.add_row("", Text(".venv/bin/chat join tea --name Bob", style="bold"))
        return Panel(table, title="[bold]What you saw", box=ROUNDED, border_style="cyan", expand=False)
