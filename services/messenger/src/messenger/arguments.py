"""What stands on the command line, checked before anything is sent."""

import argparse
import getpass
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NoReturn

from chatclient import BadNameError, Connection, Tls, create_room, join_lobby, join_room, parse_server
from chatproto import check_room_name, check_user_name
from chatproto.constants import DEFAULT_LOBBY_PORT, DEFAULT_TCP_PORT
from messenger import __version__

_DESCRIPTION = "Chat in a room or in the lobby of a chat relay."
_EPILOG = """\
On a terminal, type a line to say it; /help lists the commands.
Without one, chat is a filter: lines in are messages, messages out are lines "name: text",
everything else goes to the standard error. It leaves at the end of its input, or stays with --stay:

  echo hi | chat join ROOM --name bot

A room's password is asked for on a terminal. A script gives it by --password-file FILE or in the variable
CHAT_PASSWORD; never on the command line, which everybody on the machine can read.

With --tls a relay whose certificate no authority vouches for is trusted by its fingerprint: a person is asked
at the first time, a script gives it by --fingerprint. If it changes later, nothing is sent.

Exit codes: 0 left, 1 refused, evicted, room closed or relay unreachable, 2 wrong usage.
"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """A legal command line."""

    command: str
    room: str | None
    name: str
    server: str
    rejoin: bool
    plain: bool
    stay: bool
    ask_password: bool = False
    password_file: str | None = None
    tls: Tls | None = None
    """What was said about TLS; None if nothing was."""

    def connect(self, password: str | None, tls: Tls | None = None) -> AbstractAsyncContextManager[Connection]:
        """Create the room, join it or enter the lobby, as the command says."""
        if self.room is None:
            return join_lobby(self.name, server=self.server, rejoin=self.rejoin)
        enter = create_room if self.command == "create" else join_room
        return enter(self.room, self.name, server=self.server, password=password, tls=tls, rejoin=self.rejoin)


def parse(argv: Sequence[str] | None = None) -> Arguments:
    """Read the command line; ends the program with one sentence and exit code 2 if it is wrong."""
    parser = _parser()
    given = parser.parse_args(argv)
    room = getattr(given, "room", None)
    name = _default_name(parser) if given.name is None else given.name
    try:
        # Bytes of the command line that are no text became lone surrogates; back to bytes with them.
        if room is not None:
            check_room_name(room.encode(errors="surrogateescape"))
        check_user_name(name.encode(errors="surrogateescape"))
        server = str(parse_server(given.server, DEFAULT_TCP_PORT if room else DEFAULT_LOBBY_PORT))
        tls = _tls(given)
    except (BadNameError, ValueError) as error:
        parser.error(str(error))
    return Arguments(
        given.command,
        room,
        name,
        server,
        given.rejoin,
        given.plain or given.stay,
        given.stay,
        getattr(given, "ask_password", False),
        getattr(given, "password_file", None),
        tls,
    )


def _tls(given: argparse.Namespace) -> Tls | None:
    fingerprint, ca_file = getattr(given, "fingerprint", None), getattr(given, "ca_file", None)
    if not (getattr(given, "tls", False) or fingerprint or ca_file):
        return None
    tls = Tls(fingerprint, ca_file)
    tls.context()  # so that a file that can't be used is said now
    return tls


class _Parser(argparse.ArgumentParser):
    """Say what is wrong in one sentence, without the usage around it."""

    def error(self, message: str) -> NoReturn:
        text = message[:1].upper() + message[1:].rstrip(".")
        end = "." if ": " in message and message.endswith(".") else " (see chat --help)."
        print(f"chat: {text}{end}", file=sys.stderr)
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="chat",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"chat {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{create,join,lobby}")
    for command, summary, port in (
        ("create", "create a room and be its host", DEFAULT_TCP_PORT),
        ("join", "join a room that exists", DEFAULT_TCP_PORT),
        ("lobby", "talk to everybody in the lobby", DEFAULT_LOBBY_PORT),
    ):
        _add_options(commands.add_parser(command, help=summary, description=summary.capitalize() + "."), port)
    return parser


def _add_options(parser: argparse.ArgumentParser, default_port: int) -> None:
    if default_port == DEFAULT_TCP_PORT:
        parser.add_argument("room", metavar="ROOM", help="the room's name")
        password = parser.add_mutually_exclusive_group()
        password.add_argument(
            "--password", dest="ask_password", action="store_true", help="ask for the room's password at once, unseen"
        )
        password.add_argument(
            "--password-file", metavar="FILE", help="the room's password is the first line of this file"
        )
        parser.add_argument("--tls", action="store_true", help="join by TLS; the chat itself is never encrypted")
        proof = parser.add_mutually_exclusive_group()
        proof.add_argument(
            "--fingerprint",
            metavar="SHA256",
            help="by TLS, and only to the relay whose certificate has this fingerprint",
        )
        proof.add_argument(
            "--ca-file", metavar="FILE", help="by TLS, and only to a relay that an authority in this file vouches for"
        )
    parser.add_argument("--name", metavar="NAME", help="your name in the room (default: your user name)")
    parser.add_argument(
        "--server",
        metavar="HOST[:PORT]",
        default="127.0.0.1",
        help=f"the relay (default: 127.0.0.1:{default_port})",
    )
    parser.add_argument(
        "--rejoin",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="come back by itself when the connection or the relay fails (default: yes)",
    )
    parser.add_argument("--plain", action="store_true", help="be a filter even on a terminal")
    parser.add_argument("--stay", action="store_true", help="be a filter that stays at the end of its input")


def _default_name(parser: argparse.ArgumentParser) -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        parser.error("your user name isn't known: give a name with --name NAME.")
