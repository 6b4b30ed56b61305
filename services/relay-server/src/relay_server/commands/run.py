"""``relay-server run``: the relay itself."""

import os
import sys
from argparse import Namespace
from typing import Any

from relay_server.settings import LogFormat, LoopKind, load_settings


def add_to(commands: Any) -> None:
    """Add the command to a command line's parser."""
    run = commands.add_parser("run", help="run the relay; RELAY_* environment variables set it up")
    run.set_defaults(carry_out=carry_out)


def carry_out(_: Namespace) -> int:
    """Run the relay until a signal; returns the exit code."""
    from relay_server.handover.taking import Taking, find_giver, told  # noqa: PLC0415
    from relay_server.inherited import Inherited  # noqa: PLC0415
    from relay_server.lifecycle import Lifecycle  # noqa: PLC0415
    from relay_server.net import loop  # noqa: PLC0415
    from relay_server.parts import build  # noqa: PLC0415
    from relay_server.telemetry.aside import errors_aside  # noqa: PLC0415
    from relay_server.telemetry.logs import configure_logs  # noqa: PLC0415

    inherited = Inherited.from_supervisor(os.environ)  # before a descriptor of our own can have such a number
    giver = find_giver(os.environ)
    with told(giver):
        settings = load_settings()
    wants_json = settings.log_format is LogFormat.JSON or (
        settings.log_format is LogFormat.AUTO and not (sys.stderr and sys.stderr.isatty())
    )

    async def run() -> int:
        if giver is None:
            return await Lifecycle(build(settings, inherited)).run()
        taking = Taking(giver)
        with told(giver):
            parts = await taking.take(settings)
        return await Lifecycle(parts, taking).run()

    with errors_aside():
        configure_logs(level=settings.log_level, json=wants_json, stream=sys.stderr)
        return loop.run(run(), use_uvloop=settings.event_loop is LoopKind.UVLOOP)
