"""What stands on the command line of the window."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from chatbrain import Transport
from chatproto import BadNameError, check_user_name, sanitize
from messenger import __version__
from messenger.cli.help_texts import add_language, add_transport, choose_language, transport_of
from messenger.core.invite import Invite, parse_invite
from messenger.presentation.i18n import _
from messenger.presentation.wording import flaw

PROGRAM = "chat-desktop"


@dataclass(frozen=True, slots=True)
class Arguments:
    """A legal command line."""

    invite: Invite | None = None
    name: str = ""
    log: Path | None = None
    transport: Transport | None = None
    """By what chats are to travel, if that was said."""


class _Parser(argparse.ArgumentParser):
    """Say what is wrong in one sentence, without the usage around it."""

    def error(self, message: str) -> NoReturn:
        print(f"{PROGRAM}: {sanitize(message[:1].upper() + message[1:])}", file=sys.stderr)
        sys.exit(2)


def parse(argv: Sequence[str] | None = None) -> Arguments:
    """Read the command line, and choose the language; ends the program with exit code 2 if something is wrong."""
    choose_language(_Parser(prog=PROGRAM, add_help=False), argv)
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        if given.name:
            check_user_name(given.name.encode(errors="surrogateescape"))
        invite = parse_invite(given.invite) if given.invite else None
    except (BadNameError, ValueError) as error:
        parser.error(flaw(error))
    log = Path(given.log) if given.log else None
    return Arguments(invite, given.name or "", log, transport_of(given))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description=_("Chat in a window, in rooms or in the lobby of a chat relay."))
    parser.add_argument(
        "invite", nargs="?", metavar="LINK", help=_("an invitation: chat://HOST:PORT/ROOM or https://HOST/#room=ROOM")
    )
    parser.add_argument("--name", metavar="NAME", help=_("your name (default: the last one you used)"))
    parser.add_argument("--log", metavar="FILE", help=_("append all messages to this file"))
    add_transport(parser)
    add_language(parser)
    version = _("show program's version number and exit")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}", help=version)
    return parser
