"""Measure for how long a chat pauses while a new process takes over: `make bench-replace`; see docs/benchmarks.md."""

import argparse
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.arguments import FAILED, USAGE_ERROR, Parser, count, fail
from bench.joining import Membership, join_members
from chatproto import ProtocolError, encode_datagram
from e2e.relay_metrics import await_metrics
from replaceable import ReplaceableRelay

ROOM_MEMBERS: Final = 50
AT_ONCE: Final = 100
DEFAULT_MEMBERS: Final = (1000, 10_000, 50_000)
SETTLE_SECONDS: Final = 1.0
LOOPS: Final = ("uvloop", "asyncio")


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (it was asked wrongly)."""
    arguments = _parser().parse_args()
    if sys.platform != "linux":
        fail("bench.replacing", "Only on Linux a relay can be replaced while it runs.", USAGE_ERROR)
    print(f"{'members':>8} {'loop':>8} {'pause, median':>14} {'longest':>9} {'all of it':>10} {'state':>10}")
    for loop in LOOPS:
        for members in arguments.members or DEFAULT_MEMBERS:
            try:
                print(measure(members, loop, arguments.times), flush=True)
            except (ProtocolError, OSError, AssertionError) as error:
                fail("bench.replacing", f"The measurement failed: {error}", FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bench.replacing", description="Measure for how long replacing a relay stops its chats.")
    parser.add_argument(
        "--members", action="append", type=count, metavar="N", help="idle; may be repeated; default: 1000 10000 50000"
    )
    parser.add_argument("--times", type=count, default=5, metavar="N", help="replacements of each; default: 5")
    return parser


def measure(members: int, loop: str, times: int) -> str:
    """Return a line about a relay with so many idle members that is replaced several times."""
    unlimited = {f"RELAY_MAX_{what}": "0" for what in ("ROOMS", "MEMBERS", "TRANSACTIONS")}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        relay = ReplaceableRelay(
            Path(folder, "log"),
            unlimited | {"RELAY_EVENT_LOOP": loop, "RELAY_COMPLETION_PAUSE_SECONDS": "0", "RELAY_LOG_LEVEL": "warning"},
        )
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                _speak(relay, sock, join_members(relay.relay.tcp_port, -(-members // ROOM_MEMBERS), ROOM_MEMBERS))
                pauses, durations, size = [], [], 0
                for _ in range(times):
                    time.sleep(SETTLE_SECONDS)  # so that who was heard was heard before
                    begun = time.monotonic()
                    row = relay.replace()
                    durations.append(time.monotonic() - begun)
                    pauses.append(row["pause_ms"])
                    size = row["bytes"]
        finally:
            relay.stop()
    return (
        f"{members:>8} {loop:>8} {statistics.median(pauses):>11.1f} ms {max(pauses):>6.1f} ms "
        f"{statistics.median(durations):>8.2f} s {size / 1e6:>7.1f} MB"
    )


def _speak(relay: ReplaceableRelay, sock: socket.socket, members: Sequence[Membership]) -> None:
    """Let each member be heard once, all from one address."""
    port = relay.relay.udp_port
    for start in range(0, len(members), AT_ONCE):
        for member in members[start : start + AT_ONCE]:
            sock.sendto(encode_datagram(member.room.encode(), member.token.encode()), ("127.0.0.1", port))
        _await_heard(relay, min(start + AT_ONCE, len(members)))


def _await_heard(relay: ReplaceableRelay, count: int) -> None:
    await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == count)


if __name__ == "__main__":
    main()
