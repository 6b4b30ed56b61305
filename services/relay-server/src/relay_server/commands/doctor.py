"""``relay-server doctor``: what stands in a relay's way on this machine."""

import os
import sys
from argparse import Namespace
from typing import Any

from relay_server.settings import load_settings


def add_to(commands: Any) -> None:
    """Add the command to a command line's parser."""
    doctor = commands.add_parser(
        "doctor", help="look at this machine with a relay's eyes; exit 1 if there is a problem"
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(carry_out=carry_out)


def carry_out(arguments: Namespace) -> int:
    """Examine the machine and print what was found; returns the exit code."""
    from relay_server.doctor.checks import examine  # noqa: PLC0415
    from relay_server.doctor.findings import as_json, as_text, is_well  # noqa: PLC0415
    from relay_server.doctor.gather import gather  # noqa: PLC0415

    findings = list(examine(gather(load_settings())))
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    print(as_json(findings) if arguments.json else as_text(findings, colour=colour), end="")
    return 0 if is_well(findings) else 1
