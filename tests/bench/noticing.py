"""Measure how soon `chat` notices that it isn't heard: `make bench-noticing`; see docs/benchmarks.md."""

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from typing import Final

from bench.arguments import Parser, count, seconds
from e2e.conftest import Relay, running_relay
from e2e.piped import Chat
from e2e.way import Way

TIMES: Final = 10
AWAY_SECONDS: Final = 15.0
ADDRESSES: Final = 50
UNLIMITED: Final = {"RELAY_JOIN_RATE": "0", "RELAY_MAX_ROOMS_PER_ADDRESS": "0"}
UNHEARD: Final = "Nothing is heard from the relay."
NO_UDP: Final = "can't be heard over UDP, though it answers over TCP"
HEARD_AGAIN: Final = "The relay answers again."


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (it was asked wrongly)."""
    arguments = _parser().parse_args()
    with ExitStack() as stack:
        relay = stack.enter_context(running_relay(**UNLIMITED))
        news, reasons = swallowed(stack, relay, arguments.times)
        _print("UDP is swallowed: from the next word to the news", news)
        _print("the same: to the reason, with what helps", reasons)
        _print("UDP never passed: from the join to the reason", never_heard(stack, relay, arguments.times))
        _print("another public address: from the next word to being back", moved(stack, relay, arguments.times))
        away = arguments.away
        spoken, quiet = killed(stack, stack.enter_context(running_relay(**UNLIMITED)), away, arguments.times)
        _print(f"relay killed, back after {away:g} s: from the next word to the news", spoken)
        _print("the same without a word: from its end to the news", quiet)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bench.noticing", description="Measure how soon chat notices that the relay doesn't hear it.")
    parser.add_argument("--times", type=count, default=TIMES, metavar="N", help=f"of each; default: {TIMES}")
    parser.add_argument(
        "--away", type=seconds, default=AWAY_SECONDS, metavar="S",
        help=f"how long a killed relay is away; default: {AWAY_SECONDS:g}",
    )  # fmt: skip
    return parser


def swallowed(stack: ExitStack, relay: Relay, times: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each time in which UDP stops to pass, and passes again: to the news, and to its reason."""
    way = stack.enter_context(Way(relay))
    ann = _chat(stack, "swallowed", way.server)
    news, reasons = [], []
    for _ in range(times):
        way.udp_passes = False
        ann.say("anybody?")
        news.append(_seconds(partial(ann.is_told, UNHEARD)))
        reasons.append(news[-1] + _seconds(partial(ann.is_told, NO_UDP)))
        way.udp_passes = True
        ann.is_told(HEARD_AGAIN)
    return news, reasons


def never_heard(stack: ExitStack, relay: Relay, times: int) -> list[float]:
    """Return the seconds of each time in which a room is created where UDP never passes."""
    way = stack.enter_context(Way(relay, "127.0.0.12"))
    way.udp_passes = False
    found = []
    for number in range(times):
        with closing(Chat("create", f"never heard {number}", *_who(way.server))) as ann:
            ann.is_told("You created")
            found.append(_seconds(partial(ann.is_told, NO_UDP)))
    return found


def moved(stack: ExitStack, relay: Relay, times: int) -> list[float]:
    """Return the seconds of each time in which the address changes that the relay sees."""
    way = stack.enter_context(Way(relay, "127.0.0.11"))
    ann = _chat(stack, "moved", way.server)
    found = []
    for number in range(times):
        way.move(f"127.0.1.{1 + number % ADDRESSES}")
        ann.say("anybody?")
        found.append(_seconds(partial(ann.is_told, HEARD_AGAIN)))
    return found


def killed(stack: ExitStack, relay: Relay, away_seconds: float, times: int) -> tuple[list[float], list[float]]:
    """Return the seconds from a word to a relay that was away unseen, and from its end for those who say nothing.

    Of the first those don't count whose keep-alive told them of it before they said anything.
    """
    way = stack.enter_context(Way(relay, "127.0.0.10"))  # which tells of no closed port, as most networks don't
    silent, speakers = ([_chat(stack, f"{kind} {number}", way.server) for number in range(times)] for kind in "ab")
    relay.process.kill()
    relay.process.wait()
    with ThreadPoolExecutor(2 * times) as pool:
        quiet = [pool.submit(_seconds, partial(chat.is_told, UNHEARD)) for chat in silent]
        time.sleep(away_seconds)
        ports = {"TCP": relay.tcp_port, "UDP": relay.udp_port, "LOBBY": relay.lobby_port}
        settings = {f"RELAY_{name}_PORT": str(port) for name, port in ports.items()}
        stack.enter_context(running_relay(**UNLIMITED, **settings))
        unaware = [chat for chat in speakers if chat.err.empty()]
        for chat in unaware:
            chat.say("hello?")
        spoken = [pool.submit(_seconds, partial(chat.is_told, UNHEARD)) for chat in unaware]
        return [each.result() for each in spoken], [each.result() for each in quiet]


def _chat(stack: ExitStack, room: str, server: str) -> Chat:
    chat = stack.enter_context(closing(Chat("create", room, *_who(server))))
    chat.is_told("You created")
    chat.say("/topic tea")
    chat.is_told("topic: tea")  # so it is heard
    return chat


def _who(server: str) -> tuple[str, ...]:
    return ("--name", "ann", "--server", server, "--transport", "udp")


def _seconds(wait: Callable[[], object]) -> float:
    begun = time.monotonic()
    wait()
    return time.monotonic() - begun


def _print(what: str, found: list[float]) -> None:
    spans = "" if not found else f"median {statistics.median(found):.1f} s, {min(found):.1f} to {max(found):.1f} s, "
    print(f"{what}: {spans}{len(found)} times", flush=True)


if __name__ == "__main__":
    main()
