"""What stands on the command line, checked before anything is sent."""

import argparse
import getpass
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NoReturn
from unicodedata import normalize

from chatbrain import Tls, Transport, parse_server
from chatclient import Connection, create_room, join_lobby, join_room, make_context
from chatproto import BadNameError, check_room_name, check_user_name
from chatproto.constants import DEFAULT_LOBBY_PORT, DEFAULT_TCP_PORT
from chatproto.sealing import RoomKey
from messenger import __version__
from messenger.cli.help_texts import HelpFormatter, add_language, add_transport, choose_language, transport_of
from messenger.cli.invitations import ask_link, read_link, warn_of_arguments
from messenger.core.entry import new_key
from messenger.core.invite import Invite, parse_invite
from messenger.core.schemes import is_link
from messenger.presentation.i18n import N_, _, spoken_by_python
from messenger.presentation.wording import flaw

DEFAULT_HOST: Final = "127.0.0.1"
COMMANDS: Final = ("create", "join", "lobby", "rooms")

_EPILOG = N_("""\
On a terminal, chat is an app for several rooms: type a line to send it; F1 shows the keys and the commands.
Without a command it joins the rooms that were open at its last end, or asks which room to join. An invitation joins
a room: chat chat://HOST:PORT/ROOM, or the page's link: chat 'https://HOST/#room=ROOM'
Without a terminal, chat is a filter: input lines are sent as messages, messages are printed as "name: text",
everything else goes to the standard error. A host's commands, such as /kick NAME, are carried out there too,
and //kick says "/kick". It leaves at the end of its input, or stays with --stay:

  echo hi | chat join ROOM --name bot

On a terminal, chat asks for a room's password. A script uses --password-file FILE or the variable CHAT_PASSWORD;
never the command line, which everybody on the machine can read.

With --sealed, only members with the room's key can read what is said, not even the relay. The key is in the
invitation: chat prints it, and F7 copies it. To join, chat join alone asks for it, and scripts use --link-file FILE.

With --tls, a relay whose certificate isn't signed by a known authority is trusted by its fingerprint: a person is
asked the first time, a script uses --fingerprint. If the certificate changes later, nothing is sent.

chat rooms HOST lists the rooms of a relay that tells which it has; of any other, it says so with exit code 2.

Lines that weren't delivered and commands that the relay refuses are reported on the standard error. At the end of its
input, the filter waits until the relay has answered every line.

Exit codes: 0 left, 1 refused, evicted, room closed or relay unreachable, 2 wrong usage, 3 left, but not every line of
the input was delivered or carried out. On a terminal, the exit code is about the room of the command line: 0 if you
were still in it at the end, or had left it.
""")


@dataclass(frozen=True, slots=True)
class Arguments:
    """A legal command line."""

    command: str | None
    """None to be asked where to go."""
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
    log: str | None = None
    """The file that is to keep what is said; on a terminal."""
    bell: bool = False
    transport: Transport | None = None
    """By what the chat is to travel, if that was said."""
    key: RoomKey | None = field(default=None, repr=False)
    """Of a sealed room."""
    as_json: bool = False
    """Whether rooms are to be listed for programs."""

    @property
    def invite(self) -> Invite | None:
        """How others come into a sealed room that is created; None if it isn't."""
        if self.command != "create" or self.key is None:
            return None
        return Invite(parse_server(self.server, DEFAULT_TCP_PORT), self.room, self.tls is not None, self.key)

    def connect(self, password: str | None, tls: Tls | None = None) -> AbstractAsyncContextManager[Connection]:
        """Create the room, join it or enter the lobby, as the command says."""
        if self.room is None:
            return join_lobby(self.name, server=self.server, rejoin=self.rejoin)
        creates = self.command == "create"
        enter = partial(create_room, sealed=self.key or False) if creates else partial(join_room, key=self.key)
        return enter(
            self.room,
            self.name,
            server=self.server,
            password=password,
            tls=tls,
            rejoin=self.rejoin,
            receipts=True,
            transport=self.transport or Transport.AUTO,
        )


def parse(argv: Sequence[str] | None = None, *, terminal: bool = True) -> Arguments:
    """Read the command line; ends the program with one sentence and exit code 2 if it is wrong.

    Without a terminal nobody can be asked where to go, so a command is required.
    """
    words = _with_command(sys.argv[1:] if argv is None else argv)
    choose_language(_Parser(prog="chat", add_help=False), words)
    with spoken_by_python():
        parser = _parser(required=not terminal)
        given = parser.parse_args(words)
    if given.command is None:
        return Arguments(
            None,
            None,
            _user_name() or "",
            DEFAULT_HOST,
            rejoin=True,
            plain=False,
            stay=False,
            log=given.log,
            bell=given.bell,
            transport=transport_of(given),
        )
    if given.command == "rooms":
        return _listing(parser, given)
    name = given.name if given.name is not None else _user_name()
    if name is None:
        parser.error(_("Your user name is unknown: choose a name with --name NAME."))
    try:
        room, server, key = _destination(given, terminal=terminal)
        # What the locale can't decode of the command line became lone surrogates; back to bytes with them.
        if room is not None:
            room = normalize("NFC", check_room_name(room.encode(errors="surrogateescape")))
        name = normalize("NFC", check_user_name(name.encode(errors="surrogateescape")))
        address = str(parse_server(server, DEFAULT_LOBBY_PORT if room is None else DEFAULT_TCP_PORT))
        tls = _tls(given)
    except (BadNameError, ValueError) as error:
        parser.error(flaw(error))
    if room is None and given.transport == Transport.STREAM:
        parser.error(_("The lobby is UDP alone: omit --transport."))
    return Arguments(
        "lobby" if room is None else given.command,
        room,
        name,
        address,
        given.rejoin,
        given.plain or given.stay,
        given.stay,
        getattr(given, "ask_password", False),
        getattr(given, "password_file", None),
        tls,
        given.log,
        given.bell,
        transport_of(given),
        key,
    )


def _listing(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Arguments:
    try:
        server = str(parse_server(given.server, DEFAULT_TCP_PORT))
        tls = _tls(given)
    except ValueError as error:
        parser.error(flaw(error))
    return Arguments("rooms", None, "", server, rejoin=False, plain=True, stay=False, tls=tls, as_json=given.as_json)


def _with_command(words: Sequence[str]) -> Sequence[str]:
    """Put the command before an invitation that has none."""
    for index, word in enumerate(words):
        if word in COMMANDS:
            break
        if is_link(word):
            return [*words[:index], "join", *words[index:]]
    return words


def _destination(given: argparse.Namespace, *, terminal: bool) -> tuple[str | None, str, RoomKey | None]:
    """Return the room, None for the lobby, the server and a sealed room's key; an invitation says all, and the TLS."""
    link = _link(given, terminal=terminal) if given.command == "join" else None
    if link is None:
        key = new_key() if getattr(given, "sealed", False) else None
        return getattr(given, "room", None), DEFAULT_HOST if given.server is None else given.server, key
    if given.server is not None:
        raise ValueError(_("The invitation already names the relay: omit --server."))
    invite = parse_invite(link)
    if invite.key and link == given.room:
        warn_of_arguments()
    given.tls |= invite.tls
    return invite.room, str(invite.server), invite.key


def _link(given: argparse.Namespace, *, terminal: bool) -> str | None:
    """Return the invitation by which one joins, from wherever it comes; None if there is a room's name instead."""
    if given.link_file is not None:
        if given.room is not None:
            raise ValueError(_("The file {file} has the invitation: omit the room.").format(file=given.link_file))
        return read_link(given.link_file)
    if given.room is None:
        if not terminal:
            raise ValueError(_("Which room? Write its name, or --link-file FILE with an invitation in the file."))
        return ask_link()
    return given.room if is_link(given.room) else None


def _tls(given: argparse.Namespace) -> Tls | None:
    fingerprint, ca_file = getattr(given, "fingerprint", None), getattr(given, "ca_file", None)
    if not (getattr(given, "tls", False) or fingerprint or ca_file):
        return None
    tls = Tls(fingerprint, ca_file)
    make_context(tls)  # so that a file that can't be used is said now
    return tls


class _Parser(argparse.ArgumentParser):
    """Say what is wrong in one sentence, without the usage around it."""

    def error(self, message: str) -> NoReturn:
        text = message[:1].upper() + message[1:]
        if not (": " in text and text.endswith(".")) and not text.endswith("。"):
            text = _("{problem} (see chat --help).").format(problem=text.rstrip("."))
        print("chat:", text, file=sys.stderr)
        sys.exit(2)


def _parser(*, required: bool) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="chat",
        description=_("Chat in a room or in the lobby of a chat relay."),
        epilog=_(_EPILOG),
        formatter_class=HelpFormatter,
    )
    version = _("show program's version number and exit")
    parser.add_argument("--version", action="version", version=f"chat {__version__}", help=version)
    add_language(parser)
    _add_terminal_options(parser)
    commands = parser.add_subparsers(dest="command", required=required, metavar="{create,join,lobby,rooms}")
    for command, summary, port in (
        ("create", _("create a room and become its host"), DEFAULT_TCP_PORT),
        ("join", _("join an existing room"), DEFAULT_TCP_PORT),
        ("lobby", _("chat in the lobby"), DEFAULT_LOBBY_PORT),
    ):
        _add_options(
            commands.add_parser(
                command,
                help=summary,
                formatter_class=HelpFormatter,
                description=_("{summary}.").format(summary=summary[:1].upper() + summary[1:]),
            ),
            command,
            port,
        )
    summary = _("list the rooms of a relay")
    description = _("{summary}.").format(summary=summary[:1].upper() + summary[1:])
    rooms = commands.add_parser("rooms", help=summary, formatter_class=HelpFormatter, description=description)
    address = _("the relay (default: {address})").format(address=f"{DEFAULT_HOST}:{DEFAULT_TCP_PORT}")
    rooms.add_argument("server", metavar="HOST[:PORT]", nargs="?", default=DEFAULT_HOST, help=address)
    rooms.add_argument("--json", dest="as_json", action="store_true", help=_("for programs"))
    _add_tls(rooms)
    add_language(rooms)
    return parser


def _add_options(parser: argparse.ArgumentParser, command: str, default_port: int) -> None:
    if command != "lobby":
        if command == "create":
            parser.add_argument("room", metavar="ROOM", help=_("the room's name"))
            parser.add_argument("--sealed", action="store_true", help=_("only members with the room's key can read it"))
        else:
            parser.add_argument("room", metavar="ROOM", nargs="?", help=_("the room's name, or an invitation"))
            parser.add_argument(
                "--link-file", metavar="FILE", help=_("read an invitation from the first line of this file")
            )
        password = parser.add_mutually_exclusive_group()
        password.add_argument(
            "--password",
            dest="ask_password",
            action="store_true",
            help=_("ask for the room's password first, without showing it"),
        )
        password.add_argument(
            "--password-file", metavar="FILE", help=_("read the room's password from the first line of this file")
        )
        _add_tls(parser)
    parser.add_argument("--name", metavar="NAME", help=_("your name in the room (default: your user name)"))
    parser.add_argument(
        "--server",
        metavar="HOST[:PORT]",
        help=_("the relay (default: {address})").format(address=f"{DEFAULT_HOST}:{default_port}"),
    )
    parser.add_argument(
        "--rejoin",
        action=argparse.BooleanOptionalAction,
        default=True,
        help=_("reconnect automatically when the connection or the relay fails (default: yes)"),
    )
    parser.add_argument("--plain", action="store_true", help=_("run as a filter even on a terminal"))
    parser.add_argument(
        "--stay", action="store_true", help=_("run as a filter, and stay in the room at the end of the input")
    )
    _add_terminal_options(parser, again=True)
    add_language(parser)


def _add_tls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tls", action="store_true", help=_("join over TLS; the chat is encrypted too if it goes over TCP")
    )
    proof = parser.add_mutually_exclusive_group()
    proof.add_argument(
        "--fingerprint",
        metavar="SHA256",
        help=_("use TLS, and join only a relay whose certificate has this fingerprint"),
    )
    proof.add_argument(
        "--ca-file",
        metavar="FILE",
        help=_("use TLS, and join only a relay whose certificate is signed by an authority in this file"),
    )


def _add_terminal_options(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add what is for terminals; ``again`` after the command, where what was said before it stands."""
    default: Any = argparse.SUPPRESS if again else None
    parser.add_argument(
        "--log", metavar="FILE", default=default, help=_("on a terminal, append all messages to this file")
    )
    add_transport(parser, default)
    default = argparse.SUPPRESS if again else False
    parser.add_argument(
        "--bell",
        action="store_true",
        default=default,
        help=_("on a terminal, ring the bell for messages you haven't seen"),
    )


def _user_name() -> str | None:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return None
