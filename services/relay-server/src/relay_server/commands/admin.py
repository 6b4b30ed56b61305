"""``relay-server admin``: give a running relay an operator's command, and write its answer."""

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from relay_server.commands import read_seconds
from relay_server.core.policy import MAX_DRAIN_SECONDS
from relay_server.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay_server.operator.client import Row

REPLACE_SECONDS: Final = 120.0
"""The relay gives up earlier, and says so: after 10 s, or a minute with 50,000 members."""


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

    rooms = add("rooms", "list the rooms")
    rooms.add_argument("--all", dest="of_all", action="store_true", help="of all nodes of the cluster")
    add("nodes", "list the nodes of the cluster")
    add("members", "list the members of a room", "room")
    add("bans", "list whom a room doesn't let in", "room")
    add("kick", "take a member out of a room; a host's room closes", "room", "name")
    add("ban", "take a member out and keep it out, by name and by address", "room", "name")
    add("unban", "lift a ban", "room", "name")
    add("close", "close a room: its host is kicked", "room")
    drain = add("drain", "let nobody in any more, and end the relay when the last one has left")
    drain.add_argument(
        "--to-others", action="store_true", help="move its rooms to other nodes; wait until none is left"
    )
    end = drain.add_mutually_exclusive_group()
    seconds = partial(read_seconds, most=MAX_DRAIN_SECONDS)
    end.add_argument("--seconds", type=seconds, metavar="SECONDS", help="end it then, whoever is still there")
    end.add_argument("--now", dest="at_once", action="store_true", help="end it at once, as `stop` does")
    add("stop", "end the relay at once: everybody is told, and has to join again")
    replace = add("replace", "start the installed version in its place: nobody notices")
    replace.add_argument(
        "--environment", type=Path, metavar="FILE", help="settings that it gets besides: NAME=VALUE, a line each"
    )


def _text(word: str) -> str:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{word!a} isn't UTF-8") from None
    return word


def carry_out(words: argparse.Namespace) -> int:
    """Give the command; returns the exit code: 1 if the relay says no, or isn't there, 2 if it never can.

    Raises:
        SettingsError: the settings say that there is no socket for it, or the words contradict each other.

    """
    from relay_server.operator.client import AdminError  # noqa: PLC0415
    from relay_server.operator.location import find_relay  # noqa: PLC0415
    from relay_server.operator.tables import SHOWN, show_text  # noqa: PLC0415

    settings = load_settings()
    if not settings.admin_socket:
        raise SettingsError("RELAY_ADMIN_SOCKET is empty, which turns these commands off: give it a path, or auto.")
    moves = getattr(words, "to_others", False)
    if moves and words.at_once:
        raise SettingsError("--now leaves no time to move rooms: leave out --now or --to-others.")

    def show(action: str, rows: "list[Row]") -> None:
        sys.stdout.write(f"{json.dumps(rows, indent=2)}\n" if words.json else SHOWN[action](rows))

    try:
        path = find_relay(settings.admin_socket, settings.tcp_port)
        how = _move_rooms if moves else _replace if words.action == "replace" else _ask
        how(path, words, show)
    except AdminError as error:
        print(f"relay-server: {show_text(str(error))}", file=sys.stderr)
        return 2 if error.is_misplaced else 1
    return 0


def _ask(path: Path, words: argparse.Namespace, show: "Callable[[str, list[Row]], None]") -> None:
    from relay_server.operator.client import ask  # noqa: PLC0415

    given = {name: getattr(words, name, None) for name in ("room", "name", "seconds", "at_once")}
    arguments = {name: value for name, value in given.items() if value is not None}
    action = "all_rooms" if getattr(words, "of_all", False) else words.action
    show(action, ask(path, action, arguments))


def _replace(path: Path, words: argparse.Namespace, show: "Callable[[str, list[Row]], None]") -> None:
    from relay_server.operator.client import ask  # noqa: PLC0415
    from relay_server.operator.environment import read_environment  # noqa: PLC0415

    more = read_environment(words.environment) if words.environment else {}
    show("replace", ask(path, "replace", {"environment": more}, answer_seconds=REPLACE_SECONDS))


def _move_rooms(path: Path, words: argparse.Namespace, show: "Callable[[str, list[Row]], None]") -> None:
    """Let the relay move its rooms, and wait until it has."""
    from relay_server.operator.client import AbsentError, ask  # noqa: PLC0415
    from relay_server.operator.progress import follow_moves  # noqa: PLC0415

    def look() -> "Row | None":
        try:
            return ask(path, "left", {})[0]
        except AbsentError:
            return None

    def say(text: str) -> None:
        if not words.json:
            sys.stdout.write(text)
            sys.stdout.flush()

    ask(path, "drain", {"seconds": words.seconds, "to_others": True})
    say("Nobody is let in any more, and the rooms move to other nodes.\n")
    left = follow_moves(look, say, time.sleep)
    show("left", [] if left is None else [left])
