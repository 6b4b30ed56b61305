"""Give a running relay an operator's command, and write its answer."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable

from relay_server.operator.client import AdminError, Row, ask
from relay_server.operator.location import find_relay
from relay_server.operator.tables import show_bans, show_duration, show_members, show_rooms, show_text
from relay_server.settings import Settings, SettingsError

SHOWN: dict[str, Callable[[list[Row]], str]] = {
    "rooms": show_rooms,
    "members": show_members,
    "bans": show_bans,
    "kick": lambda rows: f"{show_text(rows[0]['name'])} is out of {show_text(rows[0]['room'])}, and may come back.\n",
    "ban": lambda rows: f"{_name_ban(rows[0])} is banned from {show_text(rows[0]['room'])}.\n",
    "unban": lambda rows: "".join(f"{_name_ban(row)} may come into {show_text(row['room'])} again.\n" for row in rows),
    "close": lambda rows: f"{show_text(rows[0]['room'])} is closed; it had {_people(rows[0]['members'])}.\n",
    "drain": lambda rows: _show_drain(rows[0]),
}


def run(settings: Settings, words: Namespace) -> int:
    """Give the command; returns the exit code: 1 if the relay says no, or isn't there.

    Raises:
        SettingsError: the settings say that there is no socket for it.

    """
    if not settings.admin_socket:
        raise SettingsError("RELAY_ADMIN_SOCKET is empty, which turns these commands off: give it a path, or auto.")
    arguments = {
        name: value for name in ("room", "name", "seconds") if (value := getattr(words, name, None)) is not None
    }
    if getattr(words, "now", False):
        arguments["at_once"] = True
    try:
        rows = ask(find_relay(settings.admin_socket, settings.tcp_port), words.action, arguments)
    except PermissionError as error:
        return _say_no(f"{error} is for the relay's user and root alone: say sudo.")
    except AdminError as error:
        return _say_no(str(error))
    sys.stdout.write(f"{json.dumps(rows, indent=2)}\n" if words.json else SHOWN[words.action](rows))
    return 0


def _say_no(sentence: str) -> int:
    print(f"relay-server: {show_text(sentence)}", file=sys.stderr)
    return 1


def _show_drain(row: Row) -> str:
    if row["at_once"]:
        return f"The relay ends now; {_people(row['people'])} told.\n"
    until = "the last one has left"
    if row["seconds"] is not None:
        until += f", or {show_duration(row['seconds'])} are over"
    return f"Nobody is let in any more. The relay ends when {until}; {_people(row['people'])} there.\n"


def _name_ban(row: Row) -> str:
    """Name whom a ban is for; one of an address alone is called by that."""
    is_known_by_it = row["address"] in {None, row["name"]}
    return show_text(row["name"] if is_known_by_it else f"{row['name']} ({row['address']})")


def _people(count: int) -> str:
    return "one member" if count == 1 else f"{count} members"
