"""The command ``relay-server``: arguments, exit code."""

import argparse
import sys
from typing import NoReturn

from relay_server import __version__
from relay_server.built import BUILD
from relay_server.commands import admin, config, doctor, healthcheck, reload, run, tls
from relay_server.net.sockets import ListenError
from relay_server.settings import SettingsError
from relay_server.tls.certificate import CertificateError

USAGE_ERROR = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _fail(f"{message} (`{self.prog} --help` shows what can be said).")


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (it was asked wrongly)."""
    arguments = _parser().parse_args()
    try:
        sys.exit(arguments.carry_out(arguments))
    except (SettingsError, ListenError, CertificateError) as error:
        _fail(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="relay-server", description="The chat relay: joining over TCP, chat over UDP or the TCP connection."
    )
    parser.add_argument("--version", action="version", version=f"relay-server {__version__} ({BUILD})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (run, healthcheck, doctor, admin, reload, tls, config):
        command.add_to(commands)
    return parser


def _fail(sentence: str) -> NoReturn:
    print(f"relay-server: {sentence}", file=sys.stderr)
    sys.exit(USAGE_ERROR)


if __name__ == "__main__":
    main()
