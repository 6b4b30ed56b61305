"""``relay-server healthcheck``: whether a relay relays."""

import argparse
import sys
from functools import partial
from typing import Any, Final

from relay_server.commands import read_seconds
from relay_server.settings import SettingsError, load_settings

MAX_TIMEOUT_SECONDS: Final = 3600


def add_to(commands: Any) -> None:
    """Add the command to a command line's parser."""
    health = commands.add_parser("healthcheck", help="join a room of its own and hear an echo: exit 0 or 1")
    health.add_argument("--server", metavar="HOST[:PORT]", help="default: this machine, by the settings")
    health.add_argument(
        "--tls",
        action=argparse.BooleanOptionalAction,
        help="join by TLS, whatever the certificate (default: if the settings name one)",
    )
    seconds = partial(read_seconds, most=MAX_TIMEOUT_SECONDS)
    health.add_argument("--timeout", type=seconds, default=3.0, metavar="SECONDS", help="default: 3")
    health.set_defaults(carry_out=carry_out)


def carry_out(arguments: argparse.Namespace) -> int:
    """Join, hear an echo, and say how long that took; returns the exit code.

    Raises:
        SettingsError: the server's address is no address.

    """
    import asyncio  # noqa: PLC0415

    from chatclient import RefusedError, Status, UnreachableError  # noqa: PLC0415
    from relay_server.commands.echo import check_health  # noqa: PLC0415

    settings = load_settings()
    secure = bool(settings.tls_cert_file) if arguments.tls is None else arguments.tls
    try:
        seconds = asyncio.run(check_health(settings, arguments.server, arguments.timeout, secure=secure))
    except RefusedError as error:
        if settings.cluster_url and error.status is Status.BUSY:
            # Without its directory a node creates no room, and goes on with those it has: to restart it would end them.
            print(f"healthy, but no room can be created now: {error}")
            return 0
        print(f"unhealthy: {error}", file=sys.stderr)
        return 1
    except (UnreachableError, TimeoutError) as error:
        print(f"unhealthy: {str(error) or 'no answer in time'}", file=sys.stderr)
        return 1
    except ValueError as error:
        raise SettingsError(str(error)) from None
    print(f"healthy: joined, and heard an echo after {seconds * 1000:.1f} ms")
    return 0
