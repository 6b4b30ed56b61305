"""``relay-server admin``: give a running relay an operator's command, and write its answer."""

import argparse
import json
import sys
from functools import partial
from typing import Any

from relay_server.commands import read_seconds
from relay_server.core.policy import MAX_DRAIN_SECONDS
from relay_server.settings import SettingsError, load_settings


def add_to(commands: Any) -> None:
    """Add the command to a command line's parser."""
    admin = commands.add_parser("admin", help="look after the relay that runs on this machine")
    admin.set_defaults(carry_out=carry_out)
    actions = admin.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, text: str, *words: str) -> argparse.ArgumentParser:
        action: argparse.ArgumentParser = actions.add_parser(name, help=text)
        for word in words:
            action.add_argument(word, metavar=word.upper(), type=_text)
        action.add_argument("--json", action="store_true", help="for programs")
        return action

    add("rooms", "list the rooms")
    add("members", "list the members of a room", "room")
    add("bans", "list whom a room doesn't let in", "room")
    add("kick", "take a member out of a room; a host's room closes", "room", "name")
    add("ban", "take a member out and keep it out, by name and by address", "room", "name")
    add("unban", "lift a ban", "room", "name")
    add("close", "close a room: its host is kicked", "room")
    drain = add(
        "drain", "let nobody in any more, and end the relay when the last one has left"
    ).add_mutually_exclusive_group()
    seconds = partial(read_seconds, most=MAX_DRAIN_SECONDS)
    drain.add_argument("--seconds", type=seconds, metavar="SECONDS", help="end it then, whoever is still there")
    drain.add_argument("--now", dest="at_once", action="store_true", help="end it at once, as SIGTERM does")


def _text(word: str) -> str:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{word!a} isn't UTF-8") from None
    return word


def carry_out(words: argparse.Namespace) -> int:
    """Give the command; returns the exit code: 1 if the relay says no, or isn't there.

    Raises:
        SettingsError: the settings say that there is no socket for it.

    """
    from relay_server.operator.client import AdminError, ask  # noqa: PLC0415
    from relay_server.operator.location import find_relay  # noqa: PLC0415
    from relay_server.operator.tables import SHOWN, show_text  # noqa: PLC0415

    settings = load_settings()
    if not settings.admin_socket:
        raise SettingsError("RELAY_ADMIN_SOCKET is empty, which turns these commands off: give it a path, or auto.")
    given = {name: getattr(words, name, None) for name in ("room", "name", "seconds", "at_once")}
    arguments = {name: value for name, value in given.items() if value is not None}
    try:
        rows = ask(find_relay(settings.admin_socket, settings.tcp_port), words.action, arguments)
    except AdminError as error:
        print(f"relay-server: {show_text(str(error))}", file=sys.stderr)
        return 1
    sys.stdout.write(f"{json.dumps(rows, indent=2)}\n" if words.json else SHOWN[words.action](rows))
    return 0
