"""How soon `chat` notices that it isn't heard: PYTHONPATH=tests python -m bench.noticing prints figures.

It takes some three minutes.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Final

from e2e.conftest import Relay, running_relay
from e2e.piped import Chat
from e2e.way import Way

ROUNDS: Final = 10
AWAY_SECONDS: Final = 15.0
CHATS: Final = 6
"""Half of them say something once the relay is back."""
NOTICED: Final = "Nothing is heard from the relay."


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        relay = stack.enter_context(running_relay(RELAY_JOIN_RATE="0"))
        _print("UDP swallowed: from a word to the news", swallowed(stack, relay))
        spoken, quiet = killed(stack, stack.enter_context(running_relay()))
        _print(f"relay killed, back after {AWAY_SECONDS:g} s: from the next word to the news", spoken)
        _print("the same without a word, from the relay's return", quiet)


def swallowed(stack: ExitStack, relay: Relay) -> list[float]:
    """Return the seconds of each round in which UDP stops to pass, and passes again."""
    way = stack.enter_context(Way(relay))
    ann = stack.enter_context(closing(_chat("swallowed", way.server)))
    found = []
    for _ in range(ROUNDS):
        way.udp_passes = False
        ann.say("anybody?")
        found.append(_seconds(lambda: ann.is_told(NOTICED)))
        ann.is_told("can't be heard over UDP")
        way.udp_passes = True
        ann.is_told("The relay answers again.")
    return found


def killed(stack: ExitStack, relay: Relay) -> tuple[list[float], list[float]]:
    """Return the seconds of those who say something to a relay that was away unseen, and of those who don't."""
    way = stack.enter_context(Way(relay, "127.0.0.10"))  # which tells of no closed port, as most networks don't
    chats = [stack.enter_context(closing(_chat(f"killed {number}", way.server))) for number in range(CHATS)]
    relay.process.kill()
    relay.process.wait()
    time.sleep(AWAY_SECONDS)
    ports = {"TCP": relay.tcp_port, "UDP": relay.udp_port, "LOBBY": relay.lobby_port}
    stack.enter_context(running_relay(**{f"RELAY_{name}_PORT": str(port) for name, port in ports.items()}))
    back = time.monotonic()
    found: tuple[list[float], list[float]] = ([], [])
    for number, chat in enumerate(chats):
        if number < CHATS // 2:
            chat.say("hello?")
            found[0].append(_seconds(lambda chat=chat: chat.is_told(NOTICED)))  # type: ignore[misc]
        else:
            chat.is_told(NOTICED)
            found[1].append(time.monotonic() - back)
    return found


def _chat(room: str, server: str) -> Chat:
    chat = Chat("create", room, "--name", "ann", "--server", server)
    chat.is_told("You created")
    return chat


def _seconds(wait: Callable[[], object]) -> float:
    begun = time.monotonic()
    wait()
    return time.monotonic() - begun


def _print(what: str, found: list[float]) -> None:
    print(
        f"{what}: median {statistics.median(found):.1f} s, {min(found):.1f} to {max(found):.1f} s, {len(found)} times"
    )


if __name__ == "__main__":
    main()
