"""A relay that is replaced by itself; what takes over may fail in a way that the variable NEWCOMER names."""

import os
import signal
import sys
import time
from typing import NoReturn
from unittest import mock

from relay_server import __main__
from relay_server.core.restoring import Restoring
from relay_server.handover import taking
from relay_server.handover.channel import Channel
from relay_server.handover.program import CHANNEL
from relay_server.handover.protocol import Kind

CLOCKS_SET_BY = {"two_hours_ahead": 7200.0, "two_hours_behind": -7200.0}
"""How many seconds a newcomer's time of day is off, as if the clock was set in between."""


def fail(how: str) -> None:
    """Be a newcomer that fails; a bad setting is its environment's matter."""
    if how == "exits":
        sys.exit(3)
    elif how == "hangs":
        time.sleep(60)
    elif how == "other_format":
        mock.patch.object(taking, "READABLE", frozenset({98, 99})).start()
    elif how == "hangs_with_the_state":
        mock.patch.object(Restoring, "finish", hang).start()
    elif how in CLOCKS_SET_BY:
        mock.patch.object(time, "time", lambda real=time.time: real() + CLOCKS_SET_BY[how]).start()
    elif how == "dies_with_the_state":
        mock.patch.object(Restoring, "finish", die).start()


def hang(*_: object) -> None:
    time.sleep(60)


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it is dead")


def believe_whoever_is_there() -> None:
    """Leave as soon as a newcomer was told everything, whether or not it serves: a relay without its guard."""
    expect = Channel.expect

    async def believe(channel: Channel, kind: Kind) -> bytes:
        return b"" if kind is Kind.SERVING else await expect(channel, kind)

    mock.patch.object(Channel, "expect", believe).start()


if __name__ == "__main__":
    if believe_whoever_is_there.__name__ in sys.argv:
        believe_whoever_is_there()
    if CHANNEL in os.environ:
        fail(os.environ.get("NEWCOMER", ""))
    sys.argv[1:] = ["run"]
    __main__.main()
