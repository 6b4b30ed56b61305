"""The command line: bot-client run, demo, cluster, check, list."""

import argparse
import asyncio
import io
import os
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final, NoReturn

from rich.console import Console
from rich.text import Text

from bot_client import __version__
from bot_client.cluster import run_cluster
from bot_client.demo import run_demo
from bot_client.ledger import Ledger
from bot_client.marker import DIGITS
from bot_client.metrics import BotMetrics
from bot_client.nodes import FIRST_PORT, LAST_FIRST_PORT
from bot_client.performance import Performance
from bot_client.processes import StartError
from bot_client.report import one_line, report_table
from bot_client.scenario import Scenario, load_scenario, shipped_scenarios
from bot_client.settings import Settings, SettingsError, add_flags
from bot_client.source import ScenarioError
from bot_client.view import View

FAILED: Final = 1
WRONG_INPUT: Final = 2

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 1 for what failed, 2 for wrong input."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every terminal knows every script
    given = vars(_parser().parse_args(arguments))
    command, file = given.pop("command"), given.pop("file", None)
    first_port = given.pop("first_port", FIRST_PORT)
    try:
        settings = Settings.load(given)
        match command:
            case "list":
                return _list(settings)
            case "check":
                return _check(file, settings)
            case _:
                return asyncio.run(_perform(command, settings, first_port))
    except (SettingsError, ScenarioError) as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    except StartError as error:
        print(error, file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # Whoever read our output is gone, as with `| head`; nothing is left to say, nor to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one sentence what is wrong, without the usage."""
        self.exit(WRONG_INPUT, f"{self.prog}: {message} (see {self.prog} --help).\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="bot-client", description="Scripted bots for the chat relay.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"bot-client {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for name, text in (
        ("demo", "watch bots chat through a relay of their own for half a minute"),
        ("cluster", "watch bots chat through three relays, one of which is killed, for half a minute"),
        ("run", "play a scenario"),
        ("check", "tell whether a scenario's file can be played"),
        ("list", "list the shipped scenarios"),
    ):
        command = commands.add_parser(name, help=text, description=text.capitalize(), allow_abbrev=False)
        if name == "check":
            command.add_argument("file", metavar="FILE", help="a YAML file or a shipped scenario's name")
        if name == "cluster":
            command.add_argument(
                "--first-port",
                type=_first_port,
                default=FIRST_PORT,
                metavar="PORT",
                help=f"the lowest of the ports on 127.0.0.1, all of which are within 31 [{FIRST_PORT}]",
            )
        add_flags(command)
    return parser


def _first_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LAST_FIRST_PORT:
        raise argparse.ArgumentTypeError(f"use a number from 1 to {LAST_FIRST_PORT}, not {text!r}")
    return int(text)


def _list(settings: Settings) -> int:
    for name in shipped_scenarios():
        print(f"{name:10} {load_scenario(name, settings).title}")
    return 0


def _check(file: str, settings: Settings) -> int:
    scenario = load_scenario(file, settings)
    bots = sum(bot.count for bot in scenario.bots) * scenario.copies
    print(f"{file} can be played: {bots} bots, {len(scenario.rooms) * scenario.copies} rooms.")
    return 0


async def _perform(command: str, settings: Settings, first_port: int) -> int:
    console = Console(highlight=False)
    stop = _stop_on_signals()
    metrics = BotMetrics()
    with ExitStack() as stack:
        if settings.metrics_port:
            stack.callback(_serve(metrics, settings).shutdown)
        if command == "demo":
            return await run_demo(settings, metrics, console, stop)
        if command == "cluster":
            return await run_cluster(settings, metrics, console, stop, first_port)
        return await _run(load_scenario(settings.scenario, settings), settings, metrics, console, stop)


def _serve(metrics: BotMetrics, settings: Settings) -> Any:
    try:
        return metrics.serve(settings.metrics_host, settings.metrics_port)
    except OSError as error:
        where = f"{settings.metrics_host}:{settings.metrics_port}"
        raise SettingsError(
            f"Metrics can't be served on {where} ({error.strerror}): "
            "choose another BOT_METRICS_HOST or BOT_METRICS_PORT."
        ) from None


def _stop_on_signals() -> asyncio.Event:
    """Ask for an orderly end at the first signal; a second one ends the program at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    # The loop's own handlers would wait while a stuck terminal holds up a line of output: these don't.
    def on_signal(*_: object) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop.set)

    for number in _SIGNALS:
        signal.signal(number, on_signal)
    return stop


async def _run(
    scenario: Scenario, settings: Settings, metrics: BotMetrics, console: Console, stop: asyncio.Event
) -> int:
    ledger = Ledger(settings.loss_timeout_seconds, metrics.observe_latency)
    metrics.tally = ledger.tally
    process_id = settings.id or _short_id()
    view = View(console, lambda: time.strftime("%H:%M:%S"), scenario.rooms, [bot.name for bot in scenario.bots])
    quiet = settings.quiet or scenario.quiet
    observe = (lambda _: None) if quiet else view.show
    performance = Performance(scenario, settings, ledger, observe, process_id)
    console.print(Text(f"{scenario.title} (on {settings.server}, as {process_id})"), soft_wrap=True)
    reporting = asyncio.create_task(_report_now_and_then(performance, settings, console))
    try:
        await performance.run(stop)
    finally:
        reporting.cancel()
    table = report_table("Report", performance.elapsed_seconds, ledger.tally, ledger.percentiles())
    console.print(table)
    for failure in performance.failures:
        print(failure, file=sys.stderr)
    return FAILED if performance.failures else 0


async def _report_now_and_then(performance: Performance, settings: Settings, console: Console) -> None:
    while settings.report_seconds:
        await asyncio.sleep(settings.report_seconds)
        ledger = performance.ledger
        line = one_line(performance.elapsed_seconds, ledger.tally, ledger.percentiles())
        console.print(Text(line), soft_wrap=True)


def _short_id() -> str:
    """Make a name for this process that another is unlikely to have: four characters of base 36."""
    return "".join(secrets.choice(DIGITS) for _ in range(4))


if __name__ == "__main__":
    sys.exit(main())
