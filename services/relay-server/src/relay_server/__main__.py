"""The command ``relay-server``: arguments, settings, exit code."""

import argparse
import json
import os
import sys
from functools import partial
from typing import NoReturn

from relay_server import __version__
from relay_server.commands.admin_arguments import add_parser as add_admin_parser
from relay_server.commands.config import as_env_file, as_markdown, as_text
from relay_server.commands.tls import add_tls_command, make_certificate, show_fingerprint
from relay_server.core.policy import MAX_DRAIN_SECONDS
from relay_server.net.sockets import ListenError
from relay_server.settings import LogFormat, LoopKind, Settings, SettingsError, describe, load_settings
from relay_server.tls.certificate import CertificateError

USAGE_ERROR = 2
MAX_TIMEOUT_SECONDS = 3600


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _fail(f"{message} (`{self.prog} --help` shows what can be said).")


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (it was asked wrongly)."""
    arguments = _parser().parse_args()
    try:
        if (arguments.command, getattr(arguments, "action", "")) == ("tls", "self-signed"):
            sys.exit(make_certificate(arguments.out, arguments.names, arguments.days))  # what settings may wait for
        settings = load_settings()
        if arguments.command == "run":
            code = _run(settings)
        elif arguments.command == "healthcheck":
            code = _healthcheck(settings, arguments.server, arguments.timeout, arguments.tls)
        elif arguments.command == "tls":
            code = show_fingerprint(settings)
        elif arguments.command == "doctor":
            code = _doctor(settings, wants_json=arguments.json)
        elif arguments.command == "admin":
            code = _admin(settings, arguments)
        else:
            code = _config(settings, arguments.action, arguments.format)
    except (SettingsError, ListenError, CertificateError) as error:
        _fail(str(error))
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="relay-server", description="The chat relay: rooms over TCP, chat over UDP.")
    parser.add_argument("--version", action="version", version=f"relay-server {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="run the relay; RELAY_* environment variables set it up")
    health = commands.add_parser("healthcheck", help="join a room of its own and hear an echo: exit 0 or 1")
    health.add_argument("--server", metavar="HOST[:PORT]", help="default: this machine, by the settings")
    health.add_argument(
        "--tls",
        action=argparse.BooleanOptionalAction,
        help="join by TLS, whatever the certificate (default: if the settings name one)",
    )
    health.add_argument("--timeout", type=_seconds, default=3.0, metavar="SECONDS", help="default: 3")
    doctor = commands.add_parser(
        "doctor", help="look at this machine with a relay's eyes; exit 1 if there is a problem"
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    add_admin_parser(commands, seconds=partial(_seconds, most=MAX_DRAIN_SECONDS))
    add_tls_command(commands)
    config = commands.add_parser("config", help="look at the settings")
    actions = config.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="every setting, its value, and where that came from")
    show.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    for name, text in (
        ("check", "say whether the settings can be used"),
        ("env", "write an .env file to start from"),
    ):
        actions.add_parser(name, help=text).set_defaults(format=name)
    return parser


def _seconds(text: str, *, most: int = MAX_TIMEOUT_SECONDS) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no number over 0 and up to {most}")
    return seconds


# What only one command needs is loaded there: a command should answer at once, and the health check, which is called
# every few seconds, should cost little.


def _run(settings: Settings) -> int:
    from relay_server.app import App  # noqa: PLC0415
    from relay_server.net import loop  # noqa: PLC0415
    from relay_server.telemetry.aside import write_errors_aside  # noqa: PLC0415
    from relay_server.telemetry.logs import configure_logs  # noqa: PLC0415

    write_errors_aside()
    wants_json = settings.log_format is LogFormat.JSON or (
        settings.log_format is LogFormat.AUTO and not sys.stderr.isatty()
    )
    configure_logs(level=settings.log_level, json=wants_json, stream=sys.stderr)

    async def run() -> int:
        return await App(settings).run()

    return loop.run(run(), use_uvloop=settings.event_loop is LoopKind.UVLOOP)


def _healthcheck(settings: Settings, server: str | None, timeout_seconds: float, wants_tls: bool | None) -> int:
    import asyncio  # noqa: PLC0415

    from chatclient import RefusedError, UnreachableError  # noqa: PLC0415
    from relay_server.commands.healthcheck import check_health  # noqa: PLC0415

    secure = bool(settings.tls_cert_file) if wants_tls is None else wants_tls
    try:
        seconds = asyncio.run(check_health(settings, server, timeout_seconds, secure=secure))
    except (UnreachableError, RefusedError, TimeoutError) as error:
        print(f"unhealthy: {str(error) or 'no answer in time'}", file=sys.stderr)
        return 1
    except ValueError as error:
        _fail(str(error))
    print(f"healthy: joined, and heard an echo after {seconds * 1000:.1f} ms")
    return 0


def _doctor(settings: Settings, *, wants_json: bool) -> int:
    from relay_server.doctor.checks import examine  # noqa: PLC0415
    from relay_server.doctor.findings import as_json, is_well  # noqa: PLC0415
    from relay_server.doctor.findings import as_text as findings_as_text  # noqa: PLC0415
    from relay_server.doctor.gather import gather  # noqa: PLC0415

    findings = list(examine(gather(settings)))
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    print(as_json(findings) if wants_json else findings_as_text(findings, colour=colour), end="")
    return 0 if is_well(findings) else 1


def _admin(settings: Settings, arguments: argparse.Namespace) -> int:
    from relay_server.commands import admin  # noqa: PLC0415

    return admin.run(settings, arguments)


def _config(settings: Settings, action: str, form: str) -> int:
    described = describe(settings)
    if action == "check":
        if settings.tls_cert_file:
            from relay_server.tls.server import load  # noqa: PLC0415

            load(settings)
        print("The settings can be used.")
    elif action == "env":
        print(as_env_file(described), end="")
    elif form == "json":
        print(json.dumps([setting.model_dump() for setting in described], indent=2))
    else:
        print((as_markdown if form == "markdown" else as_text)(described), end="")
    return 0


def _fail(sentence: str) -> NoReturn:
    print(f"relay-server: {sentence}", file=sys.stderr)
    sys.exit(USAGE_ERROR)


if __name__ == "__main__":
    main()
