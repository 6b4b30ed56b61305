"""``relay-server reload``: what systemd's ``ExecReload=`` calls."""

import os
import signal
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from relay_server.settings import PREFIX, SettingsError, load_settings

MAIN_PID: Final = "MAINPID"
"""The variable in which systemd says which process is the relay."""


def add_to(commands: Any) -> None:
    """Add the command to a command line's parser."""
    reload = commands.add_parser(
        "reload", help="for systemd: start the installed version in the relay's place, or reload its certificate"
    )
    reload.set_defaults(carry_out=carry_out)


def carry_out(_: Namespace) -> int:
    """Have the running relay replaced if another version than this one runs; else have it reload its certificate.

    Returns the exit code: 1 if the relay isn't there or a new one couldn't take over, 2 if that never can.

    Raises:
        SettingsError: the settings are wrong, or systemd doesn't say which process the relay is.

    """
    from relay_server.operator.client import AbsentError, AdminError, ask  # noqa: PLC0415
    from relay_server.operator.location import find_relay  # noqa: PLC0415
    from relay_server.operator.tables import show_text  # noqa: PLC0415

    settings = load_settings()
    main_pid = os.environ.get(MAIN_PID, "")
    if not main_pid.isdecimal() or not main_pid.isascii() or not int(main_pid):
        raise SettingsError(
            f"{MAIN_PID} names no process: this is for ExecReload= in a systemd unit; say `relay-server admin replace`."
        )
    try:
        if settings.admin_socket:
            path = find_relay(settings.admin_socket, settings.tcp_port)
            # The process can't be looked at: systemd keeps what it starts apart (PrivateUsers=).
            if ask(path, "program", {}) != [{"program": sys.prefix}]:
                return _replace(path)
    except AbsentError as error:
        print(f"relay-server: {show_text(str(error))} Only its certificate is read anew.", file=sys.stderr)
    except AdminError as error:
        print(f"relay-server: {show_text(str(error))}", file=sys.stderr)
        return 2 if error.is_misplaced else 1
    try:
        os.kill(int(main_pid), signal.SIGHUP)
    except ProcessLookupError:
        print(f"relay-server: The process {main_pid} isn't there: start the relay.", file=sys.stderr)
        return 1
    return 0


def _replace(path: Path) -> int:
    """Have a process take over that gets the settings of this one."""
    from relay_server.commands.admin import REPLACE_SECONDS  # noqa: PLC0415
    from relay_server.operator.client import ask  # noqa: PLC0415
    from relay_server.operator.tables import SHOWN  # noqa: PLC0415

    settings = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    sys.stdout.write(SHOWN["replace"](ask(path, "replace", {"environment": settings}, answer_seconds=REPLACE_SECONDS)))
    return 0
